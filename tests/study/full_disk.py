"""Run inside a namespace: searches on a disk of 24 MB that is filled up under them.

Prints one JSON object: what the commands said, and the journals before and after.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from study import journal_file, records
from tests.study.commands import ROOT, command, run, wait_until

SEARCH = (
    *("--space", "tiny_aug", "--data", "uci_digits", "--train-size", "400", "--trials", "4"),
    *("--max-epochs", "6", "--concurrency", "1"),
)


def main(disk: Path) -> None:
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "own", str(disk)], check=True)
    print(json.dumps({"for a while": for_a_while(disk), "for good": for_good(disk)}))


def for_a_while(disk: Path) -> dict[str, Any]:
    """The disk is full for ten seconds."""
    process = started(disk / "while")
    fill(disk)
    time.sleep(10)
    free(disk)
    _, stderr = process.communicate(timeout=120)
    return {
        "code": process.returncode,
        "stderr": stderr,
        "journal": journal_file.read(directory(disk / "while")),
    }


def for_good(disk: Path) -> dict[str, Any]:
    """The disk stays full until the command has ended; then it is given again."""
    process = started(disk / "good", CROSSOVER_STORAGE_PATIENCE="1")
    fill(disk)
    _, stderr = process.communicate(timeout=120)
    before = journal_file.read(directory(disk / "good"))
    free(disk)
    again = run(*SEARCH, "--storage", str(disk / "good"))
    return {
        "code": process.returncode,
        "stderr": stderr,
        "before": before,
        "again": [again.returncode, again.stderr],
        "after": journal_file.read(directory(disk / "good")),
    }


def started(storage: Path, **environment: str) -> subprocess.Popen:
    """A search in the middle of its second trial."""
    process = subprocess.Popen(
        command(*SEARCH, "--storage", str(storage)),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )

    def second_trial_runs() -> bool:
        if not storage.exists() or not list(storage.glob(f"*/{records.JOURNAL}")):
            return False
        lines = journal_file.read(directory(storage))
        ended = {x["trial"] for x in lines if x["event"] == "end"}
        return any(x["event"] == "epoch" and x["trial"] not in ended for x in lines if ended)

    wait_until(second_trial_runs, process)
    return process


def directory(storage: Path) -> Path:
    (found,) = storage.iterdir()
    return found


def fill(disk: Path) -> None:
    """Take every byte that is left."""
    with open(disk / "ballast", "wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"x" * 4096):
            pass


def free(disk: Path) -> None:
    (disk / "ballast").unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
