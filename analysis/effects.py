"""The effect of a claim at each of its budgets, and the seeds that would settle it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.evidence import not_ahead_p
from analysis.stats import (
    Array,
    mean_interval,
    probability_of_improvement,
    seeds_needed,
    sign_flip_p,
)
from study.claims import Claim


@dataclass(frozen=True)
class AtBudget:
    """The effect at one budget: mean over seeds and its 95% interval, in the claim's unit.

    p: uncorrected, of what the claim says there; None at budgets that decide nothing.
    improvement: share of seeds in which the effect has the direction claimed, ties half.
    """

    budget: int
    effect: float
    low: float
    high: float
    p: float | None
    improvement: float


def at_budgets(
    claim: Claim, effects: Array, tested: Array, p: float | None, rng: np.random.Generator
) -> tuple[AtBudget, ...]:
    """Describe every budget of a claim.

    effects: (budgets, seeds), first arm minus second or slope. tested: the same, oriented,
    with diverged cells beyond all others. p: that of the claim as a whole.
    """
    # A difference of two shares cannot pass 1, which an interval knows nothing of.
    bound = 1.0 if claim.unit == "fraction" else np.inf
    lows, highs = (np.clip(end, -bound, bound) for end in mean_interval(effects, rng))
    each = _p_by_budget(claim, p, tested, rng)
    better = probability_of_improvement(tested)
    rows = zip(claim.decisive_budgets, effects, lows, highs, each, better, strict=True)
    return tuple(
        AtBudget(budget, float(values.mean()), float(low), float(high), p_here, float(share))
        for budget, values, low, high, p_here, share in rows
    )


def _p_by_budget(
    claim: Claim, p: float | None, tested: Array, rng: np.random.Generator
) -> list[float | None]:
    if claim.decided_by != "crossover":
        return [p]
    first = float(not_ahead_p(claim, tested[0], rng))
    last = float(sign_flip_p(tested[-1], "greater", rng))
    return [first, *[None] * (len(tested) - 2), last]


def seeds_to_settle(
    claim: Claim, effects: Array, family: int, diverged: bool, rng: np.random.Generator
) -> int | None:
    """Seeds that would settle the claim if mean and spread stayed as they are.

    effects: (budgets, seeds), oriented. family: claims decided together. Towards
    significance where the mean is at least the smallest effect of interest, towards
    equivalence where it is smaller, which is never concluded where a training diverged.
    """
    margin, alpha = claim.smallest_effect, claim.alpha / family
    if diverged and abs(effects[-1].mean()) < margin:
        return None
    mean, deviation = effects.mean(axis=-1), effects.std(axis=-1, ddof=1)
    distances = [abs(mean[-1]) if abs(mean[-1]) >= margin else margin - abs(mean[-1])]
    deviations = [deviation[-1]]
    if claim.decided_by == "crossover" and not_ahead_p(claim, effects[0], rng) >= alpha:
        distances.append(mean[0] if mean[0] >= margin else margin - mean[0])
        deviations.append(deviation[0])
    counts = [
        seeds_needed(float(distance / spread) if spread > 0 else np.inf, alpha)
        for distance, spread in zip(distances, deviations, strict=True)
    ]
    known = [count for count in counts if count is not None]
    return max([claim.seeds + 1, *known]) if len(known) == len(counts) else None
