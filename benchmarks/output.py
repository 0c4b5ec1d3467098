"""What all benchmarks print and write: a table, and JSON that names the machine."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from study.provenance import processor

MOST_COLUMNS = 8
_PACKAGES = ("torch", "torchvision", "ray", "optuna", "pandas")


def machine() -> dict[str, Any]:
    """The processor, the cores that may be used, the load, and the versions that count."""
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        **{name: _version(name) for name in _PACKAGES},
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # a GPU machine that was lent may have torch alone
        return "not installed"


def show(rows: Sequence[Mapping[str, Any]], path: Path | None) -> None:
    """Print the rows, whose keys are the columns, and write them to `path` with the machine.

    With many columns the table stands on its side.
    """
    lines: Sequence[Sequence[Any]] = [[*rows[0]], *([*row.values()] for row in rows)]
    if len(rows[0]) > MOST_COLUMNS:
        lines = [*zip(*lines, strict=True)]
    table = Table(*map(_text, lines[0]))
    for line in lines[1:]:
        table.add_row(*map(_text, line))
    about = machine()
    console = Console()
    console.print(table)
    console.print(
        f"{about['processor']}, {about['cores']} cores, load {about['load']:.1f}, "
        f"torch {about['torch']}, Ray {about['ray']}",
        style="dim",
        highlight=False,
    )
    if path:
        path.write_text(json.dumps({"machine": about, "rows": list(rows)}, indent=2) + "\n")


def _text(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
