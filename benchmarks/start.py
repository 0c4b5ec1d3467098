"""Seconds from a command to the first epoch: ours, and Ray Tune's on an empty function.

    uv run python -m benchmarks.start [--rounds 5] [--json PATH]

Both start a Python, a Ray and a worker of their own; ours also reads and checks the data, imports
torch in the worker, trains (200 digits of 8x8 pixels, the smallest network) and evaluates. The
embedded data needs no rendering, so nothing that a cache would spare is in it.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.options import command, json_option, rounds_option
from benchmarks.output import show

OURS = ["-m", "study.run", "--space", "tiny", "--data", "uci_digits", "--train-size", "200"]
EMPTY = """
import sys
from pathlib import Path
from ray import tune

def trainable(config):
    tune.report({"loss": 0.0})
    Path(config["sign"]).touch()

tune.Tuner(
    trainable,
    param_space={"sign": sys.argv[1]},
    run_config=tune.RunConfig(storage_path=sys.argv[2], verbose=0),
).fit()
"""
TIMEOUT = 120.0


def until(command: list[str], sign: Callable[[], bool]) -> float:
    """Seconds until the sign shows that an epoch was reported; the command is then ended."""
    environment = {**os.environ, "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"}
    environment.pop("RAY_ADDRESS", None)
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    try:
        while not sign():
            if process.poll() is not None or time.perf_counter() - start > TIMEOUT:
                raise SystemExit(f"{' '.join(command[:3])} reported no epoch")
            time.sleep(0.01)
        return time.perf_counter() - start
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(TIMEOUT)


def ours(folder: Path) -> float:
    """A whole `study.run`, until its journal has an epoch."""

    def sign() -> bool:
        return any(
            '"event": "epoch"' in path.read_text() for path in folder.glob("*/journal.jsonl")
        )

    return until([*OURS, "--storage", str(folder), "--quiet", "--wandb", "off"], sign)


def empty_function(folder: Path) -> float:
    """Tune on a function that reports once."""
    sign = folder / "sign"
    return until(["-c", EMPTY, str(sign), str(folder)], sign.exists)


@command
@rounds_option(5)
@json_option
def main(rounds: int, path: Path | None) -> None:
    """Start both in turns and print a table of medians."""
    ways = {"study.run": ours, "Tune, empty function": empty_function}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                seconds[name].append(way(Path(folder)))
    ratios = [a / b for a, b in zip(*seconds.values(), strict=True)]
    rows = [
        {"what": name, "seconds": statistics.median(values), "ours / it": ratio}
        for (name, values), ratio in zip(
            seconds.items(), (1.0, statistics.median(ratios)), strict=True
        )
    ]
    show(rows, path)


if __name__ == "__main__":
    main()
