"""Commands as a user runs them, in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def tiny_gap(budgets: list[int]) -> str:
    """A claim about the test network, as TOML: the smallest experiment there is."""
    return f"""
[[claim]]
id = "tiny_gap"
sentence = "Trained long, the tiny network overfits less with augmentation."
decided_by = "paired_difference"
arms = ["tiny_aug", "tiny"]
metric = "gap"
direction = "lower"
budgets = {budgets}
smallest_effect = 0.05
"""


def command(*arguments: str, module: str = "study.run") -> list[str]:
    """The command line of a module with this test's interpreter."""
    return [sys.executable, "-m", module, *arguments]


def run(
    *arguments: str, module: str = "study.run", timeout: float = 300, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run to the end and return output and exit code."""
    return subprocess.run(
        command(*arguments, module=module),
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=ROOT,
        env={**os.environ, **environment},
    )


def last_json(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The JSON object that --json ends with."""
    assert done.returncode == 0, done.stderr
    values: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return values


def heavy_imports(module: str, arguments: list[str], heavy: set[str]) -> tuple[set[str], str]:
    """(which of these packages a command imports, what it printed), in a process of its own."""
    code = (
        "import json, runpy, sys\n"
        f"sys.argv = [{module!r}, *{arguments!r}]\n"
        f"try: runpy.run_module({module!r}, run_name='__main__')\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return heavy & set(json.loads(done.stderr.splitlines()[-1])), done.stdout


def wait_until(
    condition: Callable[[], bool], process: subprocess.Popen, seconds: float = 240
) -> None:
    """Wait for a running command to get somewhere; it is killed where it does not in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, "the command ended before it could be stopped"
        if condition():
            return
        time.sleep(0.02)
    process.kill()
    raise AssertionError("the command did not get far enough in time")
