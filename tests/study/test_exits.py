"""The end of a command's process (what it says: test_run_command.py)."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

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


TERMINATED = """
import os, signal, sys
from pathlib import Path
import click
from ray._private.node import Node
from study import cluster, exits
from study.resources import Resources

@click.command()
def main():
    really = getattr(Node, "{method}")
    def terminated(self, *args, **options):
        os.kill(os.getpid(), signal.SIGTERM)
        return really(self, *args, **options)
    setattr(Node, "{method}", terminated)
    with cluster.connected(Resources(concurrency=1), 1, Path("{log}")):
        print("up")

exits.start(main, "terminated")
"""


@pytest.mark.parametrize(
    ("method", "up"),
    [("start_head_processes", ""), ("start_ray_processes", ""), ("_kill_process_type", "up\n")],
)
def test_a_notice_while_ray_starts_or_ends_is_an_interruption(
    method: str, up: str, tmp_path: Path
) -> None:
    """Ray takes SIGTERM for itself when it starts, and leaves it to kill the process at its end."""
    script = TERMINATED.format(method=method, log=tmp_path / "ray.log")
    start = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=90
    )
    assert ended.returncode == exits.INTERRUPTED, ended.stderr
    assert time.monotonic() - start < 30  # which Ray's own handler would take alone
    assert ended.stdout == up
    assert len(ended.stderr.strip().splitlines()) == 1
    assert ended.stderr.strip().startswith("interrupted; ")
