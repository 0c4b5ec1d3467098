"""Dimensions of a search space: bounds, scale, unit, role and default.

Roles follow the tuning playbook (Godbole et al. 2023): a *scientific* dimension is what
the study compares, a *nuisance* one must be re-optimised for each scientific value, a
*fixed* one, whose range is a point, is a caveat that the report states.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

ROLES = ("scientific", "nuisance", "fixed")


@dataclass(frozen=True)
class Float:
    """A real number in [low, high]; `log` samples its logarithm uniformly."""

    low: float
    high: float
    default: float
    role: str
    log: bool = False
    unit: str = ""

    def __post_init__(self) -> None:
        _check_range(self)

    def contains(self, value: object) -> bool:
        """Whether `value` is a finite number inside the bounds."""
        return (
            isinstance(value, (int, float))
            and not isinstance(value, bool)
            and self.low <= value <= self.high  # which NaN is not, and no infinity
        )


@dataclass(frozen=True)
class Int:
    """A whole number in low..high, both included; `log` samples its logarithm uniformly."""

    low: int
    high: int
    default: int
    role: str
    log: bool = False
    unit: str = ""

    def __post_init__(self) -> None:
        _check_range(self)

    def contains(self, value: object) -> bool:
        """Whether `value` is a whole number inside the bounds."""
        return (
            isinstance(value, int)
            and not isinstance(value, bool)
            and (self.low <= value <= self.high)
        )


@dataclass(frozen=True)
class Choice:
    """One of a few values, without an order."""

    options: tuple[Any, ...]
    default: Any
    role: str
    unit: str = ""

    def __post_init__(self) -> None:
        _check_role(self.role)
        if len(set(self.options)) != len(self.options) or len(self.options) < 2:
            raise ValueError(f"a choice needs two or more different options, got {self.options!r}")
        if self.default not in self.options:
            raise ValueError(f"default {self.default!r} is not among {self.options!r}")

    def contains(self, value: object) -> bool:
        """Whether `value` is one of the options, and of its type: 64.0 is not 64."""
        return any(value == option and type(value) is type(option) for option in self.options)


Domain = Float | Int | Choice
_KINDS: dict[str, type] = {"float": Float, "int": Int, "choice": Choice}


def to_json(domain: Domain) -> dict[str, Any]:
    """A plain dictionary with a "kind" key that `from_json` turns back."""
    kind = next(name for name, cls in _KINDS.items() if type(domain) is cls)
    values = asdict(domain)
    if kind == "choice":
        values["options"] = list(values["options"])
    return {"kind": kind, **values}


def from_json(values: dict[str, Any]) -> Domain:
    """The domain a manifest describes; ValueError for a kind that does not exist."""
    values = dict(values)
    kind = values.pop("kind", None)
    if kind not in _KINDS:
        raise ValueError(f"unknown kind of dimension {kind!r}; known: {', '.join(_KINDS)}")
    if kind == "choice":
        values["options"] = tuple(values["options"])
    domain: Domain = _KINDS[kind](**values)
    return domain


def describe(domain: Domain) -> str:
    """The range for people: "0.0003 .. 0.03", "32, 64, 128", or "2" of one value."""
    if isinstance(domain, Choice):
        return ", ".join(str(option) for option in domain.options)
    if domain.low == domain.high:
        return f"{domain.low:g}"
    return f"{domain.low:g} .. {domain.high:g}"


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise ValueError(f"role must be one of {', '.join(ROLES)}, got {role!r}")


def _check_range(domain: Float | Int) -> None:
    _check_role(domain.role)
    bounds = (domain.low, domain.high, domain.default)
    if not all(math.isfinite(bound) for bound in bounds):
        raise ValueError(f"bounds and default must be finite, got {bounds}")
    if not domain.low <= domain.default <= domain.high:
        raise ValueError(
            f"default must lie in {domain.low:g} .. {domain.high:g}, got {domain.default:g}"
        )
    if domain.log and domain.low <= 0:
        raise ValueError(f"a log-scaled range must start above 0, got {domain.low:g}")
