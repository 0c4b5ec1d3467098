"""The two p-values of a claim: for it and against it, before any correction.

For a claim with smallest effect of interest m > 0 and a true effect e, counted positive in
the direction claimed, *supported* is wrong where e <= 0 and *refuted* is wrong where
e >= m. No e allows both errors, so each side is a one-sided test at the full alpha:

- `p_for` tests e <= 0.
- `p_against` is the smaller of two routes: the opposite holds (tests e >= 0, and counts only
  where the estimate is at most -m), or the effect is too small to matter (equivalence
  within (-m, m)). Neither p-value is below that of the test of e >= m, so their minimum
  still errs with probability alpha at most.

A crossover is the conjunction of "at the short budget the first arm is not ahead" (a
non-inferiority test: the lead there is m or more is rejected) and "at the long budget it
is". The plain failure to find a lead at the short budget would reward noise. By the
intersection-union rule (Berger 1982) both must pass at alpha, so p is the larger one. It
is refuted where either conjunct is; with two ways to err, that p is doubled (Bonferroni).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analysis.stats import Array, equivalence_p, page_p, sign_flip_p, slopes
from study.claims import Claim

ROUTES = ("opposite", "too small", "early lead")


class Evidence(NamedTuple):
    """Arrays over the leading axes of the values: one entry an experiment.

    effect: oriented mean, in the claim's unit. route: which of ROUTES gave `p_against`.
    """

    effect: Array
    p_for: Array
    p_against: Array
    route: np.ndarray


def oriented_effects(claim: Claim, values: Array) -> Array:
    """Effects per seed, positive in the direction claimed.

    values: (..., budgets, arms, seeds). Returns (..., budgets, seeds): the first arm minus
    the second, or the slope along the strengths; in the claim's unit.
    """
    if claim.decided_by == "ordered_trend":
        return claim.sign * slopes(values, [arm.strength for arm in claim.arms])
    return claim.sign * (values[..., 0, :] - values[..., 1, :])


def evidence(
    claim: Claim,
    tested: Array,
    estimated: Array,
    diverged: np.ndarray,
    rng: np.random.Generator,
) -> Evidence:
    """Weigh experiments that all have the claim's shape.

    tested, estimated: (..., budgets, arms, seeds), finite (see `analysis.divergence`): p-values
    are of the first, sizes of the second. diverged: (..., budgets), whether any cell there
    diverged: equivalence is never concluded from such cells. effect is the mean at the deciding
    (for a crossover the last) budget.
    """
    x, sizes = oriented_effects(claim, tested), oriented_effects(claim, estimated).mean(axis=-1)
    last, failed, margin = x[..., -1, :], diverged[..., -1], claim.smallest_effect
    effect = sizes[..., -1]
    if claim.decided_by == "ordered_trend":
        ordered = claim.sign * tested[..., -1, :, :]
        p_for, p_opposite = page_p(ordered), page_p(-ordered)
    else:
        p_for, p_opposite = sign_flip_p(last, "greater", rng), sign_flip_p(last, "less", rng)
    p_opposite = np.where(effect <= -margin, p_opposite, 1.0)
    p_small = np.where(failed, 1.0, equivalence_p(last, margin, rng))
    ahead = np.ones_like(p_for)
    if claim.decided_by == "crossover":
        first = x[..., 0, :]
        p_for = np.maximum(p_for, not_ahead_p(claim, first, rng))
        ahead = np.where(sizes[..., 0] >= margin, sign_flip_p(first, "greater", rng), 1.0)
    routes = np.stack([p_opposite, p_small, ahead])
    ways_to_err = 2 if claim.decided_by == "crossover" else 1
    p_against = np.minimum(1.0, ways_to_err * routes.min(axis=0))
    return Evidence(effect, p_for, p_against, np.array(ROUTES)[routes.argmin(axis=0)])


def not_ahead_p(claim: Claim, first: Array, rng: np.random.Generator) -> Array:
    """P-values of a crossover's short conjunct: a lead of m or more is rejected.

    first: (..., seeds), oriented effects at the short budget. Returns (...,).
    """
    return sign_flip_p(first - claim.smallest_effect, "less", rng)
