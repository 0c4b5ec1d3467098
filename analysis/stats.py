"""The statistics of paired experiments: tests, intervals and effect sizes.

Everywhere the last axis is the seeds, and axes before it are independent experiments. A
*difference* is one arm's value minus another's from the same seed, in the metric's unit.
The uncertainty covered is that of drawing other seeds (initialisation, order, split) on the
same data set with the same tuned parameters; not that of other data or of tuning again.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from study.claim_checks import MOST_SEEDS
from study.decidability import FLIPS
from trainables.errors import UserError

Array = NDArray[np.float64]

LEVEL = 0.95
RESAMPLES = 9_999
# Below this, most resamples of the seeds repeat a few values: no interval is honest.
FEWEST_FOR_INTERVAL = 5


def check_seeds(seeds: Sequence[int]) -> None:
    """Refuse a seed that occurs twice: a copy would count as an independent experiment."""
    twice = sorted({seed for seed in seeds if list(seeds).count(seed) > 1})
    if twice:
        raise UserError(
            f"duplicated seeds {', '.join(map(str, twice))}: a seed counts once in each arm"
        )


def sign_flip_p(differences: ArrayLike, alternative: str, rng: np.random.Generator) -> Array:
    """One-sided p-values of the paired permutation test on the mean difference.

    differences: (..., seeds). alternative: "greater" (mean above 0) or "less". Returns
    (...,). Exact by enumeration up to 14 seeds, then Monte Carlo from `rng`. Valid where
    differences are symmetric about their centre, which holds for a true null of equal arms.
    Source: Pitman 1937, through scipy.stats.permutation_test.
    """
    # Sorted by size so that random flips, too, do not depend on the order of the seeds.
    x = np.asarray(differences, dtype=float)
    x = np.take_along_axis(x, np.argsort(np.abs(x), axis=-1), axis=-1)
    result = stats.permutation_test(
        (x,),
        np.mean,
        permutation_type="samples",
        alternative=alternative,
        axis=-1,
        n_resamples=FLIPS,
        vectorized=True,
        batch=max(1, 4_000_000 // x.size),
        rng=rng,
    )
    return np.asarray(result.pvalue)


def equivalence_p(differences: ArrayLike, margin: float, rng: np.random.Generator) -> Array:
    """P-values of two one-sided tests that the mean lies within (-margin, margin).

    differences: (..., seeds); margin in their unit. Returns (...,), the larger of the two.
    The one-sided tests are `sign_flip_p`, as everywhere here, so that too few seeds cannot
    show equivalence by assuming normality. Source: Schuirmann 1987.
    """
    x = np.asarray(differences, dtype=float)
    above = sign_flip_p(x + margin, "greater", rng)
    below = sign_flip_p(x - margin, "less", rng)
    return np.maximum(above, below)


def wilcoxon_p(differences: ArrayLike, alternative: str) -> float:
    """One-sided p-value of Wilcoxon's signed-rank test: a cross-check by ranks.

    differences: (seeds,). 1 where all are zero. Source: Wilcoxon 1945, scipy.stats.wilcoxon.
    """
    x = np.asarray(differences, dtype=float)
    if not x.any():
        return 1.0
    return float(stats.wilcoxon(x, alternative=alternative).pvalue)


def page_p(values: ArrayLike) -> Array:
    """P-values of Page's L: values rise along the arms, with seeds as blocks.

    values: (..., arms, seeds), arms in the order expected to rise. Returns (...,). The null
    is that within a seed every order is equally likely. Exact for small tables, else by
    the normal approximation. Source: Page 1963, through scipy.stats.page_trend_test.
    """
    x = np.asarray(values, dtype=float)
    p = np.empty(x.shape[:-2])
    for index in np.ndindex(*x.shape[:-2]):
        p[index] = stats.page_trend_test(x[index].T).pvalue
    return p


def slopes(values: ArrayLike, grid: Sequence[float]) -> Array:
    """Least-squares slope along the arms within each seed.

    values: (..., arms, seeds); grid: (arms,). Returns (..., seeds), in the metric's unit
    per unit of the grid.
    """
    centred = np.asarray(grid, dtype=float) - np.mean(grid)
    weights = centred / np.sum(centred**2)
    return np.asarray(np.einsum("...as,a->...s", np.asarray(values, dtype=float), weights))


def mean_interval(
    differences: ArrayLike,
    rng: np.random.Generator,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
) -> tuple[Array, Array]:
    """Studentised (bootstrap-t), equal-tailed interval of the mean over seeds.

    differences: (..., seeds). Returns (low, high), each (...,), in their unit; NaN below
    five seeds. Chosen over BCa, which covers 88% at n = 8 (docs/statistics.md). Leading
    axes share the resamples. A resample of equal values is infinitely many standard errors
    away; an end that lies among these, since most seeds tie, is Student's, and no nearer than
    that of any other resample.
    Source: Efron and Tibshirani 1993, chapter 12.5.
    """
    x = np.asarray(differences, dtype=float)
    n = x.shape[-1]
    mean = x.mean(axis=-1, keepdims=True)
    if n < FEWEST_FOR_INTERVAL:
        return np.full(x.shape[:-1], np.nan), np.full(x.shape[:-1], np.nan)
    deviations = x - mean
    # By size: an interval depends neither on the order of the seeds nor on that of the arms.
    order = np.argsort(np.abs(deviations), axis=-1, kind="stable")
    deviations = np.take_along_axis(deviations, order, axis=-1)
    weights = rng.multinomial(n, np.full(n, 1 / n), size=resamples).T / n
    means = deviations @ weights
    variances = deviations**2 @ weights - means**2
    spread = deviations.var(axis=-1, keepdims=True)
    # All but 0: what rounding leaves of the variance of equal values.
    equal = variances <= 1e-12 * spread
    # Equal to the mean itself, up to rounding: no distance at all. So is a sample without spread.
    far = np.where(means**2 > 1e-12 * spread, np.copysign(np.inf, means), 0.0)
    tail = (1 - level) / 2
    with np.errstate(divide="ignore", invalid="ignore"):  # infinite ends, too, are mended below
        t = np.where(equal, far, means / np.sqrt(variances / (n - 1)))
        lowest, highest = np.quantile(t, [tail, 1 - tail], axis=-1)
    student = stats.t.ppf(1 - tail, n - 1)
    finite = np.where(np.isfinite(t), t, 0.0)
    lowest = np.where(np.isfinite(lowest), lowest, np.minimum(-student, finite.min(axis=-1)))
    highest = np.where(np.isfinite(highest), highest, np.maximum(student, finite.max(axis=-1)))
    error = np.sqrt(spread[..., 0] / (n - 1))
    return mean[..., 0] - highest * error, mean[..., 0] - lowest * error


def probability_of_improvement(differences: ArrayLike) -> Array:
    """P(first arm's value > second's) from the same seed, ties counting half.

    differences: (..., seeds). Returns (...,), in [0, 1]: a share of the pairs seen, without
    uncertainty. Source: Agarwal et al. 2021 (rliable), here over matched pairs.
    """
    x = np.asarray(differences, dtype=float)
    return np.asarray(((x > 0) + 0.5 * (x == 0)).mean(axis=-1))


def standardised_effect(differences: ArrayLike) -> Array:
    """Mean difference in standard deviations of the differences, Hedges-corrected d_z.

    differences: (..., seeds), sample standard deviation (n - 1). Returns (...,), without
    unit; infinite where equal differences are not zero, NaN for two seeds, where the
    correction is not defined. Source: Hedges 1981, Lakens 2013.
    """
    x = np.asarray(differences, dtype=float)
    df = x.shape[-1] - 1
    if df < 2:
        return np.full(x.shape[:-1], np.nan)
    log_factor = special.gammaln(df / 2) - special.gammaln((df - 1) / 2) - np.log(df / 2) / 2
    mean, deviation = x.mean(axis=-1), x.std(axis=-1, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(mean == 0, 0.0, np.exp(log_factor) * mean / deviation)


def holm(p: Sequence[float]) -> list[float]:
    """P-values corrected over all claims decided together, in the order given.

    Controls the chance of one or more false rejections, under any dependence.
    Source: Holm 1979, through statsmodels.
    """
    return [float(value) for value in multipletests(p, method="holm")[1]] if len(p) else []


def seeds_needed(effect: float, alpha: float, power: float = 0.8) -> int | None:
    """Seeds at which a one-sided paired test finds `effect` with probability `power`.

    effect: mean over standard deviation of the differences, above 0; alpha: after
    correction. None above MOST_SEEDS. An approximation: the power of the t-test, which the
    permutation test comes close to, and never fewer seeds than 2**-n < alpha needs.
    Source: statsmodels TTestPower (noncentral t).
    """
    counts = np.arange(2, MOST_SEEDS + 1)
    if not effect > 0:
        return None
    # Beyond 20 standard deviations the noncentral t is 1 in all digits and hard to compute.
    reached = TTestPower().power(min(effect, 20.0), counts, alpha, alternative="larger")
    smallest = np.maximum(2.0**-counts, 1 / (FLIPS + 1))
    enough = counts[(reached >= power) & (smallest < alpha)]
    return int(enough[0]) if enough.size else None
