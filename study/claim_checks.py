"""What a claim must be, checked field by field, so that all that is wrong is told at once."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from study.arms import STRENGTH, Arm
from study.metrics import METRICS
from trainables.errors import unknown_name

DIRECTIONS = ("higher", "lower")
RULES = ("paired_difference", "crossover", "ordered_trend")
POSITIONS = ("short", "long")
MOST_SEEDS = 1_000  # a plan of more is a slip of the keyboard, and would not fit memory
MOST_EPOCHS = 1_000_000
_NAMES = {
    "decided_by": RULES,
    "metric": tuple(METRICS),
    "direction": DIRECTIONS,
    "at": POSITIONS,
}
_ID = re.compile(r"[a-z][a-z0-9_]*")


def claim_problems(values: Mapping[str, Any]) -> Iterator[str]:
    """A phrase for each rule that a claim breaks, as far as what is given can tell.

    values: fields of a claim by name, each of its type; what is absent is checked with nothing.
    None among the arms is one that cannot be read: it counts, and is compared with nothing.
    """
    if "id" in values and not _ID.fullmatch(values["id"]):
        yield "id must be lower-case letters, digits and _, starting with a letter"
    if "sentence" in values and not values["sentence"].strip():
        yield "sentence must not be empty"
    for name, known in _NAMES.items():
        if name in values and values[name] not in known:
            yield str(unknown_name(name, values[name], known))
    alpha, seeds = values.get("alpha"), values.get("seeds")
    if alpha is not None and not 0 < alpha < 0.5:
        yield f"alpha must lie between 0 and 0.5, got {alpha!r}"
    if seeds is not None and not 2 <= seeds <= MOST_SEEDS:
        yield f"seeds must be from 2 to {MOST_SEEDS:,}, got {seeds}"
    if "budgets" in values:
        yield from _budget_problems(values["budgets"], values.get("decided_by"))
    if "arms" in values:
        yield from _arms_problems(values["arms"], values.get("decided_by"), values.get("metric"))
    yield from _effect_problems(values)


def _budget_problems(budgets: Sequence[int], decided_by: str | None) -> Iterator[str]:
    crossover = decided_by == "crossover"
    if crossover and len(budgets) < 2:
        yield f"a crossover needs two or more budgets, got {list(budgets)}"
    rising = all(a < b for a, b in itertools.pairwise(budgets))
    inside = all(1 <= budget <= MOST_EPOCHS for budget in budgets)
    if not rising or not inside or not (budgets or crossover):
        yield f"budgets must be rising whole numbers from 1 to {MOST_EPOCHS:,}, got {list(budgets)}"


def _arms_problems(
    listed: Sequence[Arm | None], decided_by: str | None, metric: str | None
) -> Iterator[str]:
    arms = [arm for arm in listed if arm is not None]
    data = sorted({arm.space.data for arm in arms})
    tasks = {arm.space.task for arm in arms}
    only = METRICS[metric].task if metric in METRICS else None
    if len(data) > 1:
        yield f"arms are of different data sets: {', '.join(data)}"
    if only and len(tasks) == 1 and only not in tasks:
        yield f"metric {metric!r} is measured in {only} only; the arms are of {tasks.pop()}"
    if len(set(arms)) < len(arms):
        yield f"arms train the same thing twice: {', '.join(arm.name for arm in arms)}"
    if decided_by == "ordered_trend":
        yield from _trend_problems(arms, len(listed))
    elif len(listed) < 2 or (len(listed) > 2 and decided_by in RULES):
        yield f"arms must be two, got {len(listed)}"


def _trend_problems(arms: Sequence[Arm], count: int) -> Iterator[str]:
    if count < 3:
        yield f"a trend needs three or more arms, got {count}"
    strengths = [arm.strength for arm in dict.fromkeys(arms)]  # a copy is told of as such
    if not all(a < b for a, b in itertools.pairwise(strengths)):
        yield "a trend's arms must stand by rising augment_strength"
    others = {(a.model, tuple(pair for pair in a.fixed if pair[0] != STRENGTH)) for a in arms}
    if len(others) > 1:
        yield "a trend's arms must differ in augment_strength only"


def _effect_problems(values: Mapping[str, Any]) -> Iterator[str]:
    """Of an effect that is none, or that a fraction of 1 cannot have."""
    effect, metric, rule = (values.get(k) for k in ("smallest_effect", "metric", "decided_by"))
    if effect is None:
        return
    if not (math.isfinite(effect) and effect > 0):
        yield f"smallest_effect must be a finite number above 0, got {effect!r}"
        return
    if metric not in METRICS or METRICS[metric].unit != "fraction" or rule not in RULES:
        return
    most, what = 1.0, "arms differ by 1"
    if rule == "ordered_trend":
        arms = values.get("arms", ())
        if None in arms or len({arm.strength for arm in arms}) < 3:
            return  # of such arms there are other problems, and the slopes are not known
        most = _steepest([arm.strength for arm in arms])
        what = f"its slope over these strengths is {most:.3g} per unit strength"
    if effect > most * (1 + 1e-9):  # rounding
        yield (
            f"smallest_effect {effect:g} cannot be reached: {metric} is a fraction of 1, "
            f"so {what} at most"
        )


def _steepest(strengths: Sequence[float]) -> float:
    """The largest least-squares slope of values between 0 and 1 over these strengths."""
    mean = sum(strengths) / len(strengths)
    deviations = [strength - mean for strength in strengths]
    return sum(d for d in deviations if d > 0) / sum(d**2 for d in deviations)
