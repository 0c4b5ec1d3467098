"""Commands as a user runs them, in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


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
