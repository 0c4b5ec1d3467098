"""Numbers and names as people read them; the same in tables, captions and axes."""

from __future__ import annotations

import math
from typing import Any

from study.domains import Choice, Domain, describe

MISSING = "–"
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
        return MISSING if math.isnan(value) else _minus(str(value))
    if isinstance(value, int) or (abs(value) < 1e6 and value == int(value)):
        return _minus(f"{int(value)}")
    return _minus(f"{value:.{digits}g}")


def metric(value: float | None) -> str:
    """A loss or a share with four decimals, so that a column of them lines up."""
    if value is None or not math.isfinite(value):
        return MISSING
    return _minus(f"{round(value, DECIMALS) + 0.0:.{DECIMALS}f}")  # + 0.0: no "-0.0000"


def signed(value: float | None, digits: int = 3) -> str:
    """A difference with its sign: "+0.0312", "+0.0014", "−4.5"; NaN as a dash.

    Of the significant digits only those that `metric` would show, but at least one.
    """
    if value is None or not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0"
    first = math.floor(math.log10(abs(value)))  # where the first significant digit stands
    return _minus(f"{value:+.{max(1, min(digits, DECIMALS + 1 + first))}g}")


def _minus(shown: str) -> str:
    """The same with a minus sign in front instead of a hyphen; an exponent keeps its own."""
    return shown.replace("-", MINUS, 1) if shown.startswith("-") else shown


def interval(low: float, high: float) -> str:
    """ "+0.01 to +0.03"; a dash where there is none."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return MISSING
    return f"{signed(low)} to {signed(high)}"


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


def compact(count: int) -> str:
    """A count in at most four characters: "950", "12k", "1.2M"."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= 0.9995 * size:
            return f"{count / size:.{int(count < 9.95 * size)}f}{letter}"
    return str(count)


def capital(words: str) -> str:
    """The words with a capital first letter and the others as they are: "Mean IoU"."""
    return words[:1].upper() + words[1:]


def listed(words: list[str]) -> str:
    """ "a, b and c"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
