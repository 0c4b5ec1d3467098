"""What a claim is: arms, budgets, metric, direction, and how it is decided.

A *cell* is one training of one arm at one budget from one seed; claims share cells.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import NamedTuple

from study.arms import Arm
from study.claim_checks import claim_problems
from study.metrics import METRICS
from trainables.errors import UserError


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
        problems = list(claim_problems(vars(self)))
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
