"""Numbers and names as people read them; the same in tables, captions and axes."""

from __future__ import annotations

import math
from typing import Any

from study.domains import Choice, Domain, describe

MISSING = "–"
ABSENT = "absent"  # of a class that no test image has
MINUS = "\N{MINUS SIGN}"
DECIMALS = 4  # of a metric


def number(value: Any, digits: int = 3) -> str:
    """`value` with `digits` significant digits: "0.00123", "−12", "3e-05"; NaN as a dash."""
    if value is None or value is MISSING:
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if hasattr(value, "item"):
        value = value.item()
    if not isinstance(value, (int, float)):
        return str(value)
    if not math.isfinite(value):
        return MISSING if math.isnan(value) else minus(str(value))
    if isinstance(value, int) or (abs(value) < 1e6 and value == int(value)):
        return minus(f"{int(value)}")
    return minus(f"{value:.{digits}g}")


def metric(value: float | None) -> str:
    """A loss or a share with four decimals, so that a column of them lines up."""
    if value is None or not math.isfinite(value):
        return MISSING
    return fixed(value, DECIMALS)


def fixed(value: float, decimals: int) -> str:
    """So many decimals, and no minus sign before zeros."""
    return minus(f"{round(value, decimals) + 0.0:.{decimals}f}")


def seconds(value: float) -> str:
    """A time in seconds with one decimal, NaN as a dash."""
    return MISSING if math.isnan(value) else f"{value:.1f}"


def signed(value: float | None) -> str:
    """A difference with its sign: "+0.0312", "+0.0014", "−4.50"; NaN as a dash.

    Three significant digits, but no decimals that `metric` would not show.
    """
    if value is None or not math.isfinite(value):
        return MISSING
    return _to(_decimals(value), value)


def interval(low: float, high: float) -> str:
    """ "+0.010 to +0.302", as many decimals as the larger one needs; a dash where there is none."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return MISSING
    decimals = _decimals(max(abs(low), abs(high)))
    return f"{_to(decimals, low)} to {_to(decimals, high)}"


def minus(shown: str) -> str:
    """The same with a minus sign in front instead of a hyphen; an exponent keeps its own."""
    return shown.replace("-", MINUS, 1) if shown.startswith("-") else shown


def _decimals(value: float) -> int:
    """How many show three significant digits, none of them beyond those of a metric."""
    first = int(f"{value:.2e}".partition("e")[2])  # the power of ten, once it is rounded
    return max(0, min(2 - first, DECIMALS))


def _to(decimals: int, value: float) -> str:
    """With its sign; what would be rounded away keeps one digit, and with it its side of 0."""
    if value == 0:
        return "0"
    shown = f"{value:+.{decimals}f}" if abs(value) < 1e6 else f"{value:+.3g}"
    return minus(shown if float(shown) else f"{value:+.1g}")


# A trial's states (`study.records.STATES`) for readers who do not know Optuna's words.
STATES = {
    "completed": "completed",
    "pruned": "stopped early",
    "diverged": "diverged",
    "failed": "failed",
    "running": "unfinished",
}


def p(value: float | None) -> str:
    """A p-value with two significant digits, "< 0.0001" below that."""
    if value is None or not math.isfinite(value):
        return MISSING
    return "< 0.0001" if value < 1e-4 else f"{value:.2g}"


def dimension(name: str) -> str:
    """Name of a hyperparameter in words: "learning rate"."""
    return name.replace("_", " ")


def dimension_header(name: str, domain: Domain) -> str:
    """The same with its unit, for a column or an axis: "batch size (images)"."""
    words = dimension(name)
    return f"{words} ({domain.unit})" if domain.unit and domain.unit != words else words


def searched(domain: Domain) -> str:
    """The range for people: "0.0003 .. 0.03", "32, 64, 128", or the one value."""
    return number(domain.default) if scale(domain) == "fixed" else describe(domain)


def scale(domain: Domain) -> str:
    """How a dimension is sampled: "log", "linear", "choice" or "fixed"."""
    if isinstance(domain, Choice):
        return "choice"
    if domain.low == domain.high:  # a range may be a point
        return "fixed"
    return "log" if domain.log else "linear"


def capital(words: str) -> str:
    """The words with a capital first letter and the others as they are: "Mean IoU"."""
    return words[:1].upper() + words[1:]


def listed(words: list[str]) -> str:
    """ "a, b and c"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
