"""What a claim is: arms, budgets, metric, direction, and how it is decided.

A *cell* is one training of one arm at one budget from one seed; claims share cells.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from study.arms import STRENGTH, Arm
from study.metrics import METRICS
from trainables.errors import UserError, unknown_name

DIRECTIONS = ("higher", "lower")
RULES = ("paired_difference", "crossover", "ordered_trend")
POSITIONS = ("short", "long")
MOST_SEEDS = 1_000  # a plan of more is a slip of the keyboard, and would not fit memory
MOST_EPOCHS = 1_000_000
_ID = re.compile(r"[a-z][a-z0-9_]*")


class Cell(NamedTuple):
    """One training: arm, budget in epochs, seed."""

    arm: Arm
    budget: int
    seed: int


@dataclass(frozen=True)
class Claim:
    """A sentence that an experiment can support or refute, fixed before the runs.

    sentence: what is claimed, for people. decided_by: a name of RULES. arms: two, the one
    that the sentence is about first; for a trend three or more by rising strength.
    metric: a name of METRICS. direction: how the first arm's metric is expected beside the
    second's, or how the metric moves as strength rises. budgets: epochs, rising. at: which
    of them decides, the short or the long; a crossover uses all. smallest_effect: the
    smallest difference that matters, in `unit`, above 0. alpha: the chance
    that is accepted, over all claims decided together, of supporting one wrongly, and once
    more that of refuting one wrongly. seeds: 0 .. seeds-1 are run.
    """

    id: str
    sentence: str
    decided_by: str
    arms: tuple[Arm, ...]
    metric: str
    direction: str
    budgets: tuple[int, ...]
    smallest_effect: float
    at: str = "long"
    alpha: float = 0.05
    seeds: int = 8

    def __post_init__(self) -> None:
        problems = list(_claim_problems(self))
        if problems:
            raise UserError("\n".join(f"claim {self.id!r}: {problem}" for problem in problems))

    @property
    def task(self) -> str:
        """What the arms do: "classification" or "segmentation"."""
        return self.arms[0].space.task

    @property
    def unit(self) -> str:
        """Unit of the effect and of `smallest_effect`."""
        unit = METRICS[self.metric].unit
        return f"{unit} per unit strength" if self.decided_by == "ordered_trend" else unit

    @property
    def sign(self) -> int:
        """1 where the claim expects a positive effect, -1 where a negative one."""
        return 1 if self.direction == "higher" else -1

    @property
    def decisive_budgets(self) -> tuple[int, ...]:
        """The budgets whose cells the verdict needs, in epochs."""
        if self.decided_by == "crossover":
            return self.budgets
        return (self.budgets[0 if self.at == "short" else -1],)

    def cells(self) -> tuple[Cell, ...]:
        """Every training the verdict needs, by budget, arm and seed."""
        product = itertools.product(self.decisive_budgets, self.arms, range(self.seeds))
        return tuple(Cell(arm, budget, seed) for budget, arm, seed in product)


def _claim_problems(claim: Claim) -> Iterator[str]:
    if not _ID.fullmatch(claim.id):
        yield "id must be lower-case letters, digits and _, starting with a letter"
    if not claim.sentence.strip():
        yield "sentence must not be empty"
    for name, value, known in (
        ("decided_by", claim.decided_by, RULES),
        ("metric", claim.metric, tuple(METRICS)),
        ("direction", claim.direction, DIRECTIONS),
        ("at", claim.at, POSITIONS),
    ):
        if value not in known:
            yield str(unknown_name(name, value, known))
    if not (math.isfinite(claim.smallest_effect) and claim.smallest_effect > 0):
        yield f"smallest_effect must be a finite number above 0, got {claim.smallest_effect!r}"
    if not 0 < claim.alpha < 0.5:
        yield f"alpha must lie between 0 and 0.5, got {claim.alpha!r}"
    if not 2 <= claim.seeds <= MOST_SEEDS:
        yield f"seeds must be from 2 to {MOST_SEEDS:,}, got {claim.seeds}"
    budgets = claim.budgets
    rising = all(a < b for a, b in itertools.pairwise(budgets))
    if not budgets or budgets[0] < 1 or budgets[-1] > MOST_EPOCHS or not rising:
        yield f"budgets must be rising whole numbers from 1 to {MOST_EPOCHS:,}, got {list(budgets)}"
    if claim.decided_by == "crossover" and len(budgets) < 2:
        yield f"a crossover needs two or more budgets, got {list(budgets)}"
    only = METRICS[claim.metric].task if claim.metric in METRICS else None
    if only and claim.arms and claim.task != only:
        yield f"metric {claim.metric!r} is measured in {only} only; the arms are of {claim.task}"
    yield from _arms_problems(claim)


def _arms_problems(claim: Claim) -> Iterator[str]:
    names = [arm.name for arm in claim.arms]
    data = sorted({arm.space.data for arm in claim.arms})
    if len(data) > 1:
        yield f"arms are of different data sets: {', '.join(data)}"
    if len(set(names)) < len(names):
        yield f"arms train the same thing twice: {', '.join(names)}"
    if claim.decided_by != "ordered_trend":
        if len(names) != 2:
            yield f"arms must be two, got {len(names)}"
        return
    if len(names) < 3:
        yield f"a trend needs three or more arms, got {len(names)}"
    if not all(a.strength < b.strength for a, b in itertools.pairwise(claim.arms)):
        yield "a trend's arms must stand by rising augment_strength"
    others = {(a.model, tuple(pair for pair in a.fixed if pair[0] != STRENGTH)) for a in claim.arms}
    if len(others) > 1:
        yield "a trend's arms must differ in augment_strength only"
