"""Lines that C++ writes to the terminal are kept, and nothing else is lost."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.study.commands import ROOT

CODE = """
import logging, os, sys
from study.native import kept_from_terminal
print("before", file=sys.stderr)
try:
    with kept_from_terminal() as words:
        os.write(2, b"of C++\\n")
        print("of Python", file=sys.stderr)
        print(words(), 1)
        {then}
finally:
    print(words(), 2)
    os.write(2, b"after\\n")
    print("last", file=sys.stderr)
"""


def run(then: str) -> subprocess.CompletedProcess[str]:
    code = CODE.format(then=then)
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


@pytest.mark.parametrize("then", ["pass", "raise KeyError('x')", "raise KeyboardInterrupt"])
def test_what_goes_around_python_is_kept_however_it_ends(then: str) -> None:
    done = run(then)
    assert done.stdout.splitlines() == ["of C++ 1", "of C++ 2"]
    said = done.stderr.splitlines()
    assert said[:4] == ["before", "of Python", "after", "last"]
    assert (len(said) > 4) == (then != "pass")
    assert then == "pass" or "Traceback" in said[4]


def test_a_closed_stderr_is_none_to_keep_anything_from() -> None:
    code = "from study.native import kept_from_terminal as k\nwith k() as w: pass\nprint([w()])"
    command = ["sh", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable, code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "['']\n"
