"""From the cells of an experiment to a verdict on each claim.

The rules, over all claims decided together (Holm's correction on each side, see
`analysis.evidence` for why one-sided tests at the full alpha are right):

- *supported*: the corrected p-value for the claim is below alpha and the effect, in the
  direction claimed, is at least the smallest of interest;
- *refuted*: the corrected p-value against it is below alpha: the opposite holds by at least
  the smallest effect of interest, or the effect is shown to be smaller than that; a
  crossover is refuted where one of its two conjuncts is;
- *inconclusive*: neither;
- *withheld*: a cell is missing. The claim still counts in the correction, with p = 1, so
  that finishing the experiment never loosens another verdict.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis import sentences
from analysis.arrange import Arranged, arrange, check_cells
from analysis.crossing import Crossing, crossing
from analysis.evidence import Evidence, evidence, not_ahead_p, oriented_effects
from analysis.stats import (
    Array,
    holm,
    mean_interval,
    probability_of_improvement,
    seeds_needed,
    sign_flip_p,
    standardised_effect,
    wilcoxon_p,
)
from study.claims import Cell, Claim

VERDICTS = ("supported", "refuted", "inconclusive", "withheld")


@dataclass(frozen=True)
class AtBudget:
    """The effect at one budget: mean over seeds and its 95% interval, in the claim's unit.

    p: uncorrected, of what the claim says there; None at budgets that decide nothing.
    """

    budget: int
    effect: float
    low: float
    high: float
    p: float | None


@dataclass(frozen=True)
class Verdict:
    """What the experiment says about one claim.

    effect, low, high: first arm minus second (or slope along the strengths) at the deciding
    budget, mean over n paired seeds and 95% interval, in `unit`; NaN bounds below 5 seeds.
    standardised: Hedges-corrected d_z. p_improvement: share of seeds in which the effect
    has the direction claimed. p, p_holm: for the claim, raw and corrected. p_against,
    p_against_holm: against it. p_wilcoxon: cross-check of `p` at the deciding budget.
    seeds_needed: where inconclusive; None also where over 1000. diverged: cells by arm.
    Everything measured is None where the verdict is withheld.
    """

    claim: Claim
    data: str
    verdict: str
    unit: str
    n: int
    missing: tuple[Cell, ...] = ()
    diverged: tuple[tuple[str, int], ...] = ()
    budgets: tuple[AtBudget, ...] = ()
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    standardised: float | None = None
    p_improvement: float | None = None
    p: float | None = None
    p_holm: float | None = None
    p_against: float | None = None
    p_against_holm: float | None = None
    p_wilcoxon: float | None = None
    route: str = ""
    seeds_needed: int | None = None
    crossing: Crossing | None = None
    plain: str = ""
    what_would_change_it: str = ""


def decide(
    cells: pd.DataFrame, claims: Sequence[Claim], *, data: str, seed: int = 0
) -> list[Verdict]:
    """Verdicts on claims that are decided together, in the order given.

    cells: one row a training, columns arm (`Arm.name`), budget, seed, diverged and the
    metrics. data: name of the data set, told in every sentence. seed: of the bootstrap.
    """
    check_cells(cells, list(claims))
    arranged = [arrange(cells, claim) for claim in claims]
    weighed = [_weigh(c, a, _stream(seed, c)) for c, a in zip(claims, arranged, strict=True)]
    supports = holm([1.0 if e is None else float(e.p_for) for e in weighed])
    refutes = holm([1.0 if e is None else float(e.p_against) for e in weighed])
    verdicts = []
    for claim, table, found, p_for, p_against in zip(
        claims, arranged, weighed, supports, refutes, strict=True
    ):
        if found is None:
            verdict = Verdict(claim, data, "withheld", claim.unit, 0, missing=table.missing)
        else:
            verdict = Verdict(
                claim, data, verdict_of(claim, float(found.effect), p_for, p_against),
                claim.unit, claim.seeds,
                p=float(found.p_for), p_holm=p_for,
                p_against=float(found.p_against), p_against_holm=p_against,
                route=str(found.route),
            )
            verdict = _described(verdict, table, len(claims), _stream(seed, claim))
        verdicts.append(
            dataclasses.replace(
                verdict,
                plain=sentences.plain(verdict),
                what_would_change_it=sentences.what_would_change_it(verdict),
            )
        )
    return verdicts


def verdict_of(claim: Claim, effect: float, p_for_holm: float, p_against_holm: float) -> str:
    """The rule itself; effect is oriented, positive in the direction claimed."""
    if p_for_holm < claim.alpha and effect >= claim.smallest_effect:
        return "supported"
    return "refuted" if p_against_holm < claim.alpha else "inconclusive"


def _stream(seed: int, claim: Claim) -> np.random.Generator:
    """A random stream of the claim's own name: the other claims do not change its figures."""
    return np.random.default_rng([seed, zlib.crc32(claim.id.encode())])


def _weigh(claim: Claim, table: Arranged, rng: np.random.Generator) -> Evidence | None:
    if table.missing:
        return None
    diverged = np.asarray(table.diverged.any(axis=(1, 2)))
    return evidence(claim, table.tested, diverged, rng)


def _described(
    verdict: Verdict, table: Arranged, family: int, rng: np.random.Generator
) -> Verdict:
    """The verdict with its effect sizes, intervals and what else a reader needs."""
    claim = verdict.claim
    # Adding 0 turns -0.0 into 0.0.
    effects = claim.sign * oriented_effects(claim, table.estimated) + 0.0
    tested = oriented_effects(claim, table.tested)
    budgets = _at_budgets(claim, effects, _p_by_budget(verdict, tested, rng), rng)
    counts = table.diverged.sum(axis=(0, 2))
    crosses = claim.decided_by == "crossover"
    return dataclasses.replace(
        verdict,
        diverged=tuple(
            (arm.name, int(k)) for arm, k in zip(claim.arms, counts, strict=True) if k
        ),
        budgets=budgets,
        effect=budgets[-1].effect,
        low=budgets[-1].low,
        high=budgets[-1].high,
        standardised=float(standardised_effect(effects[-1])),
        p_improvement=float(probability_of_improvement(tested[-1])),
        p_wilcoxon=wilcoxon_p(tested[-1], "greater"),
        crossing=(
            crossing(claim.sign * effects, claim.decisive_budgets, rng) if crosses else None
        ),
        seeds_needed=(
            _needed(claim, claim.sign * effects, family, rng)
            if verdict.verdict == "inconclusive"
            else None
        ),
    )


def _p_by_budget(
    verdict: Verdict, tested: Array, rng: np.random.Generator
) -> list[float | None]:
    claim = verdict.claim
    if claim.decided_by != "crossover":
        return [verdict.p]
    first = float(not_ahead_p(claim, tested[0], rng))
    last = float(sign_flip_p(tested[-1], "greater", rng))
    return [first, *[None] * (len(tested) - 2), last]


def _at_budgets(
    claim: Claim, effects: Array, p: list[float | None], rng: np.random.Generator
) -> tuple[AtBudget, ...]:
    # A difference of two shares cannot pass 1, which an interval knows nothing of.
    bound = 1.0 if claim.unit == "fraction" else np.inf
    lows, highs = (np.clip(end, -bound, bound) for end in mean_interval(effects, rng))
    rows = zip(claim.decisive_budgets, effects, lows, highs, p, strict=True)
    return tuple(
        AtBudget(budget, float(values.mean()), float(low), float(high), p_here)
        for budget, values, low, high, p_here in rows
    )


def _needed(
    claim: Claim, effects: Array, family: int, rng: np.random.Generator
) -> int | None:
    """Seeds that would settle the claim if mean and spread stayed as they are.

    effects: (budgets, seeds), oriented. Towards significance where the mean is at least
    the smallest effect of interest, towards equivalence where it is smaller.
    """
    margin, alpha = claim.smallest_effect, claim.alpha / family
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
