"""Seconds of the commands that only answer, beside a Python that does nothing.

uv run python -m benchmarks.cli [--rounds 10] [--json PATH]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.options import command, json_option, rounds_option
from benchmarks.output import show

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "study.run --help": ["-m", "study.run", "--help"],
    "study.run --list": ["-m", "study.run", "--list"],
    "study.run --dry-run": ["-m", "study.run", "--space", "resnet18_aug", "--dry-run"],
    "study.confirm --help": ["-m", "study.confirm", "--help"],
    "study.confirm --list": ["-m", "study.confirm", "--list"],
    "study.confirm --dry-run": ["-m", "study.confirm", "--dry-run"],
    "analysis.report --help": ["-m", "analysis.report", "--help"],
}


@command
@rounds_option(10)
@json_option
def main(rounds: int, path: Path | None) -> None:
    """Run every command in turns and print medians."""
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(rounds):
        for name, arguments in COMMANDS.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
            seconds[name].append(time.perf_counter() - start)
    rows = [
        {"command": name, "seconds": statistics.median(values), "slowest": max(values)}
        for name, values in seconds.items()
    ]
    show(rows, path)


if __name__ == "__main__":
    main()
