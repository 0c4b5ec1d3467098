"""Plants faults in copies of the tree and shows which test notices each.

    uv run python -m tests.mutations [NAME ...]

The tree itself is not touched. First the tests run on a copy without a fault: what fails
there would notice nothing. Exits 1 if a fault survives, or a test fails without one.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tests.mutations.faults import FAULTS, ROOT, Fault

AT_ONCE = 2
LIMIT = 1800  # seconds a pytest: a fault may make a test hang, which notices it
PARTS = ("study", "trainables", "analysis", "benchmarks", "tests", "examples", "pyproject.toml")
TESTS_FAILED = 1  # pytest's exit code; others say that it could not run them
MISUSE = 2


@dataclass(frozen=True)
class Outcome:
    """noticed: the first test that failed, "" where none did. error: why none could run."""

    noticed: str
    seconds: float
    error: str = ""


def run_tests(tests: Iterable[str], fault: Fault | None) -> Outcome:
    """Run tests on a copy of the tree with a fault in it (None: as it is), to the first failure."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="crossover-mutation-") as folder:
        copy = Path(folder)
        for part in PARTS:
            if (ROOT / part).is_dir():
                shutil.copytree(
                    ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__")
                )
            else:
                shutil.copy(ROOT / part, copy / part)
        if fault:
            path = copy / fault.path
            path.write_text(fault.planted(path.read_text()))
        command = [sys.executable, "-m", "pytest", "-n", "0", "-x", "-rfE", "--tb=no"]
        command += ["-p", "no:cacheprovider", *tests]
        # The copy's packages, not those that are installed, also in the tests' own processes.
        environment = {**os.environ, "PYTHONPATH": folder}
        try:
            done = subprocess.run(
                command, cwd=copy, env=environment, capture_output=True, text=True, timeout=LIMIT
            )
        except subprocess.TimeoutExpired:
            return Outcome(f"a test that took over {LIMIT} s", time.monotonic() - start)
    seconds = time.monotonic() - start
    if done.returncode == TESTS_FAILED:
        found = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.M)
        return Outcome(found[1] if found else "a test", seconds)
    if done.returncode:
        last = (done.stdout + done.stderr).strip().splitlines()[-1:]
        return Outcome("", seconds, f"pytest could not run: {' '.join(last)}")
    return Outcome("", seconds)


def shown(results: Sequence[tuple[Fault, Outcome]]) -> Table:
    """A row a fault: what it does, where, which test noticed, seconds."""
    table = Table("fault", "planted in", "noticed by", "seconds", caption="seconds: copy and tests")
    table.columns[-1].justify = "right"
    for fault, outcome in results:
        noticed = escape(outcome.noticed) or f"[bold red]{outcome.error or 'nothing'}[/]"
        table.add_row(f"{fault.name}: {fault.says}", fault.path, noticed, f"{outcome.seconds:.0f}")
    return table


def as_markdown(results: Sequence[tuple[Fault, Outcome]]) -> str:
    """The table of docs/testing.md."""
    lines = ["| fault | planted in | noticed first by |", "| --- | --- | --- |"]
    for fault, outcome in results:
        file, _, test = outcome.noticed.partition("::")
        noticed = f"`{test.partition('[')[0]}` in `{file}`" if test else "**nothing**"
        lines.append(f"| {fault.says} | `{fault.path}` | {noticed} |")
    return "\n".join(lines)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", metavar="[NAME ...]", nargs=-1)
@click.option("--markdown", is_flag=True, help="The table as docs/testing.md has it.")
def main(names: tuple[str, ...], markdown: bool) -> None:
    """Plant the named faults, or all, in copies of the tree; exit 1 if one survives."""
    known = {fault.name: fault for fault in FAULTS}
    if unknown := sorted(set(names) - set(known)):
        known_names = ", ".join(known)
        print(f"error: no fault {', '.join(unknown)}; known: {known_names}", file=sys.stderr)
        sys.exit(MISUSE)
    chosen = [known[name] for name in names] or list(FAULTS)
    tests = sorted({test for fault in chosen for test in fault.tests})
    with ThreadPoolExecutor(AT_ONCE) as pool:
        clean = pool.submit(run_tests, tests, None)
        outcomes = list(pool.map(lambda fault: run_tests(fault.tests, fault), chosen))
    results = list(zip(chosen, outcomes, strict=True))
    if markdown:
        print(as_markdown(results))
    else:
        Console(width=None if sys.stdout.isatty() else 200).print(shown(results))
    survived = [fault.name for fault, outcome in results if not outcome.noticed]
    without = clean.result()
    if without.noticed or without.error:
        print(f"fails without any fault: {without.noticed or without.error}", file=sys.stderr)
    if survived:
        print(f"survived: {', '.join(survived)}", file=sys.stderr)
    sys.exit(1 if survived or without.noticed or without.error else 0)


if __name__ == "__main__":
    main()
