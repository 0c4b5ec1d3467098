"""Where a search's time goes: the default search, from command to prompt.

    uv run python -m benchmarks.useful [--space resnet18_aug] [--json PATH]     some minutes

Of slots x wall time, in seconds and as shares: training is what the records call an epoch's
seconds, training and evaluating; the wall time is that of the whole command. The journal is
followed while it is written, which says when every trial began and ended.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from benchmarks.options import command, json_option
from benchmarks.output import show
from study import records
from study.resources import available_cpus

LOOK_SECONDS = 0.02

Stamped = list[tuple[float, dict[str, Any]]]


@command
@click.option("--space", default="resnet18_aug", help="Space to search.")
@click.option("--trials", type=click.IntRange(1), help="As of study.run.")
@json_option
def main(space: str, trials: int | None, path: Path | None) -> None:
    """Run the search and print where its time went."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["-m", "study.run", "--space", space, "--storage", folder, "--wandb", "off"]
        command += ["--trials", str(trials)] if trials else []
        start = time.perf_counter()
        search = subprocess.Popen([sys.executable, *command])
        events = [(time.perf_counter() - start, line) for line in _lines(search, Path(folder))]
        wall = time.perf_counter() - start
    if search.returncode:
        raise SystemExit(search.returncode)
    slots = available_cpus()  # a trial gets one, where nothing else is said
    whole = slots * wall
    parts = {**shares_of(events, slots, wall), f"{slots} slots x {wall:.0f} s": whole}
    show([{"what": k, "s": v, "share": v / whole} for k, v in parts.items()], path)


def shares_of(events: Stamped, slots: int, wall: float) -> dict[str, float]:
    """Slot seconds by what they were spent on, which add up to slots x wall.

    events: the journal's lines, each with the seconds from the command's start until it was
    seen.
    """
    epochs = [(at, line) for at, line in events if line["event"] == "epoch"]
    ends = sorted(at for at, line in events if line["event"] == "end")
    begun = [at - line["seconds"] for at, line in epochs if line["epoch"] == 1]
    parts = {
        "training and evaluating": sum(line["seconds"] for _, line in epochs),
        "until the first trials train": sum(begun[:slots]),
        "no trial left for a slot": sum(ends[-1] - end for end in ends[-slots:]),
        "after the last trial": slots * (wall - ends[-1]),
    }
    between = slots * wall - sum(parts.values())
    return {**parts, "between epochs and trials": between}


def _lines(search: subprocess.Popen[bytes], storage: Path) -> Iterator[dict[str, Any]]:
    """The journal's lines as they are written, until the search ends."""
    read, running = 0, True
    while running:
        running = search.poll() is None
        for journal in storage.glob(f"*/{records.JOURNAL}"):
            lines = journal.read_bytes()[read:].splitlines(keepends=True)
            for line in lines:
                if line.endswith(b"\n"):
                    read += len(line)
                    yield json.loads(line)
        time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    main()
