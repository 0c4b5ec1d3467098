"""Where two arms cross: the budget from which on the claimed one leads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.stats import FEWEST_FOR_INTERVAL, LEVEL, Array

_RESAMPLES = 2_000


@dataclass(frozen=True)
class Crossing:
    """An estimate in epochs with its percentile interval over resampled seeds.

    The interval rests on the resamples that cross; `without` of `resamples` do not, and
    for them the crossing lies outside the budgets run, `between`.
    """

    budget: float
    low: float
    high: float
    resamples: int
    without: int
    between: tuple[int, int]

    def __str__(self) -> str:
        first, last = self.between
        return (
            f"at about {self.budget:.3g} epochs, between {first} and {last} (95% interval "
            f"{self.low:.3g} to {self.high:.3g}; {self.without} of {self.resamples} resamples "
            "of the seeds have no crossing in the budgets run)"
        )


def crossing(effects: Array, budgets: tuple[int, ...], rng: np.random.Generator) -> Crossing | None:
    """Estimate where the mean effect turns positive for good, or None where it does not.

    effects: (budgets, seeds), positive where the claimed arm leads. Straight lines in log
    epochs between budgets; the uncertainty is that of the seeds alone, not of the
    interpolation, which more budgets narrow. Source: percentile bootstrap, Efron 1979.
    """
    n = effects.shape[-1]
    estimate = _turn(effects.mean(axis=-1)[:, None], budgets)[0]
    if np.isnan(estimate) or n < FEWEST_FOR_INTERVAL:
        return None
    weights = rng.multinomial(n, np.full(n, 1 / n), size=_RESAMPLES).T / n
    turns = _turn(effects @ weights, budgets)
    low, high = np.nanquantile(turns, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    after = next(i for i, budget in enumerate(budgets) if budget >= estimate)
    return Crossing(
        float(estimate),
        float(low),
        float(high),
        _RESAMPLES,
        int(np.isnan(turns).sum()),
        (budgets[max(after, 1) - 1], budgets[max(after, 1)]),
    )


def _turn(means: Array, budgets: tuple[int, ...]) -> Array:
    """Last rise through 0 of each column of (budgets, curves), in epochs; NaN without one."""
    logs = np.log(budgets)
    turns = np.full(means.shape[1], np.nan)
    leads = means > 0
    for i in range(len(budgets) - 1):
        here = ~leads[i] & leads[i + 1]
        share = -means[i, here] / (means[i + 1, here] - means[i, here])
        turns[here] = np.exp(logs[i] + share * (logs[i + 1] - logs[i]))
    return np.where(leads[-1], turns, np.nan)
