"""The end of a command's process (what it says: test_run_command.py)."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from study import exits
from tests.study.commands import ROOT

HELD_UP = """
import atexit, sys, threading
import click
from study import exits

exits.GRACE = 0.5

@click.command()
def main():
    atexit.register(lambda: threading.Event().wait({patience}))
    if "{how}" == "interrupted":
        raise KeyboardInterrupt
    print("done", end="")

exits.start(main, "held_up")
"""


@pytest.mark.parametrize(("how", "code"), [("done", 0), ("interrupted", exits.INTERRUPTED)])
def test_a_library_that_does_not_end_holds_no_command_up(how: str, code: int) -> None:
    """A lock that nobody gives free, say: the process ends, and with the command's own code."""
    script, start = HELD_UP.format(how=how, patience=60), time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == code
    assert time.monotonic() - start < 30
    assert ended.stdout == ("done" if how == "done" else "")  # what was buffered is not lost
