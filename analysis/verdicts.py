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
  that finishing the experiment takes back no verdict on another claim.
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
from analysis.effects import AtBudget, at_budgets, seeds_to_settle
from analysis.evidence import Evidence, evidence, oriented_effects
from analysis.stats import holm, probability_of_improvement, standardised_effect, wilcoxon_p
from study.claims import Cell, Claim

VERDICTS = ("supported", "refuted", "inconclusive", "withheld")


@dataclass(frozen=True)
class Verdict:
    """What the experiment says about one claim.

    effect, low, high: first arm minus second (or slope along the strengths) at the deciding
    budget, mean over n paired seeds and 95% interval, in `unit`; NaN bounds below 5 seeds.
    standardised: Hedges-corrected d_z. p_improvement: share of seeds in which the effect
    has the direction claimed. p, p_holm: for the claim, raw and corrected. p_against,
    p_against_holm: against it. p_wilcoxon: cross-check of `p` at the deciding budget.
    seeds_needed: where inconclusive; None also where over 1000, or where no number settles it.
    crossing: where a crossover is supported, else there may be none. diverged: cells by arm.
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
                claim,
                data,
                verdict_of(claim, float(found.effect), p_for, p_against),
                claim.unit,
                claim.seeds,
                p=float(found.p_for),
                p_holm=p_for,
                p_against=float(found.p_against),
                p_against_holm=p_against,
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
    return evidence(claim, table.tested, table.estimated, diverged, rng)


def _described(verdict: Verdict, table: Arranged, family: int, rng: np.random.Generator) -> Verdict:
    """The verdict with its effect sizes, intervals and what else a reader needs."""
    claim = verdict.claim
    # Adding 0 turns -0.0 into 0.0.
    effects = claim.sign * oriented_effects(claim, table.estimated) + 0.0
    tested = oriented_effects(claim, table.tested)
    budgets = at_budgets(claim, effects, tested, verdict.p, rng)
    counts = table.diverged.sum(axis=(0, 2))
    crosses = claim.decided_by == "crossover" and verdict.verdict == "supported"
    return dataclasses.replace(
        verdict,
        diverged=tuple((arm.name, int(k)) for arm, k in zip(claim.arms, counts, strict=True) if k),
        budgets=budgets,
        effect=budgets[-1].effect,
        low=budgets[-1].low,
        high=budgets[-1].high,
        standardised=float(standardised_effect(effects[-1])),
        p_improvement=float(probability_of_improvement(tested[-1])),
        p_wilcoxon=wilcoxon_p(tested[-1], "greater"),
        crossing=(crossing(claim.sign * effects, claim.decisive_budgets, rng) if crosses else None),
        seeds_needed=(
            seeds_to_settle(
                claim, claim.sign * effects, family, bool(table.diverged[-1].any()), rng
            )
            if verdict.verdict == "inconclusive"
            else None
        ),
    )
