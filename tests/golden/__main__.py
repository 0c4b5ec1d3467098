"""Trains the tiny search and confirmation anew and stores their tables, with their origin.

    uv run python -m tests.golden

Only where a change is meant to change the numbers; CHANGELOG.md then says so. What is not
committed is refused: the tables' origin would be nowhere to be found.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.output import machine
from study.provenance import git_state, now
from tests.golden.runs import HERE, confirmed, searched, stored


def main() -> None:
    """Replace the stored tables; ends in one line where the tree is not a commit's."""
    git = git_state()
    if git["dirty"] or not git["commit"]:
        sys.exit("error: the tree has changes that are not committed; commit them first")
    with tempfile.TemporaryDirectory() as folder:
        tables = {**searched(Path(folder)), **confirmed(Path(folder))}
    for name, table in tables.items():
        stored(name).parent.mkdir(exist_ok=True)
        table.to_csv(stored(name), index=False)
    origin = {"command": "uv run python -m tests.golden", "made": now(), "git": git}
    about = {key: value for key, value in machine().items() if key != "load"}
    (HERE / "origin.json").write_text(json.dumps({**origin, **about}, indent=2) + "\n")


if __name__ == "__main__":
    main()
