"""Counts, durations and configurations as people read them, on the terminal and in the report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from trainables.config import TUNE

_SHORT = {
    "learning_rate": "lr",
    "augment_strength": "strength",
    "weight_decay": "wd",
    "batch_size": "batch",
}

# What of a search's trial or an experiment's cell fits a line of 80 columns.
BRIEF = ("arm", "seed", "learning_rate", "augment_strength")
IN_AN_ARM = ("learning_rate", "augment_strength")  # what an arm's name and budget say


def counted(count: int, singular: str, plural: str = "") -> str:
    """ "1 trial", "3 trials"."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def amount(value: float, unit: str) -> str:
    """ "1 GPU", "0.25 GPUs"."""
    return f"{value:g} {unit if value == 1 else unit + 's'}"


def in_units(value: float | None, unit: str) -> tuple[float, str]:
    """A size and its unit as people read them: shares in percentage points; None as NaN."""
    size = math.nan if value is None else value
    if unit.startswith("fraction"):
        return 100 * size, "percentage points" + unit.removeprefix("fraction")
    return size, unit


def sized(value: float, unit: str) -> str:
    """A size, at least 0, with its unit: "2.5 percentage points", "0.12 nats", "1234 nats"."""
    size, read = in_units(value, unit)
    # Three digits, but whole numbers as they are read: `g` would make 1.23e+03 of 1234.
    shown = f"{size:.0f}" if 999.5 <= size < 1e6 else f"{size:.3g}"
    return f"{shown} {read}"


def epochs_of(budgets: Sequence[int]) -> str:
    """ "1 epoch", "4 epochs", "4 and 12 epochs"."""
    *first, last = map(str, budgets)
    listed = f"{', '.join(first)} and {last}" if first else last
    return f"{listed} {'epoch' if listed == '1' else 'epochs'}"


def figure(value: float) -> str:
    """A metric's value: "0.8125"; "3.1e-05" where four decimals would show none of it."""
    return f"{value:.1e}" if 0 < abs(value) < 0.00005 else f"{value:.4f}"


def one_of(names: Sequence[str]) -> str:
    """ "a", "a or b", "a, b or c"."""
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def duration(seconds: float) -> str:
    """ "42 s", "3 min 05 s", "2 h 10 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def describe(config: dict[str, Any], names: tuple[str, ...] | None = None) -> str:
    """A configuration (or these names of it) in a few words: "lr 0.003, strength 0.5"."""
    words = []
    for name, value in config.items():
        if names is not None and (name not in names or ("arm" in config and name in IN_AN_ARM)):
            continue
        if name == "seed" and config.get("phase") == TUNE:  # one for all, and none of the cells'
            words.append("tuning")
            continue
        words.append(_worded(name, setting(value)))
    return ", ".join(words)


def setting(value: Any) -> str:
    """A configuration's value: "0.0032", "64"."""
    return f"{value:.2g}" if isinstance(value, float) else str(value)


def short(name: str) -> str:
    """A dimension's name as lines have room for it: "lr"."""
    return _SHORT.get(name, name)


def _worded(name: str, shown: str) -> str:
    if name == "epochs":
        return f"{shown} epochs"
    return shown if name == "arm" else f"{short(name)} {shown}"
