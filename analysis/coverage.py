"""How often an interval holds the truth, on simulated studies."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy import stats

from analysis.simulations import DISTRIBUTIONS, Row, row
from analysis.stats import Array, mean_interval

_SELDOM = 0.2


def coverage(studies: int, rng: np.random.Generator) -> Iterator[Row]:
    """How often a nominal 95% interval of the mean holds the true mean, 0.

    The alternatives that are not used stand beside the one that is.
    """
    for name, draw in DISTRIBUTIONS.items():
        for n in (8, 16, 30):
            x = draw(rng, (studies, n))
            for method, bounds, interval in (
                ("studentised bootstrap", (0.93, 0.97), mean_interval),
                ("BCa bootstrap (not used)", (0.0, 1.0), _bca),
                ("Student's t (not used)", (0.0, 1.0), _student),
            ):
                held = _holds(interval, x, rng)
                yield row("coverage", f"{method}, {name}, n = {n}", held, *bounds)


def coverage_of_ties(studies: int, rng: np.random.Generator) -> Iterator[Row]:
    """The same of seeds that mostly tie, which no interval promises anything for.

    Of studies whose seeds differ at all.
    """
    for n in (8, 16, 30):
        x = (rng.random((studies, n)) < _SELDOM) - _SELDOM
        x = x[x.std(axis=-1) > 0]
        if not len(x):
            continue
        what = f"studentised bootstrap, two values, 1 in {1 / _SELDOM:.0f}, n = {n}"
        yield row("coverage", what, _holds(mean_interval, x, rng))


def _holds(
    interval: Callable[[Array, np.random.Generator], tuple[Array, Array]],
    x: Array,
    rng: np.random.Generator,
) -> np.ndarray:
    """Whether the interval of each row holds 0."""
    # In parts: the bootstrap holds (studies, resamples) numbers at once.
    ends = [np.stack(interval(part, rng)) for part in np.array_split(x, max(1, len(x) // 250))]
    low, high = np.concatenate(ends, axis=-1)
    return np.asarray((low <= 0) & (high >= 0))


def _bca(x: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    result = stats.bootstrap((x,), np.mean, axis=-1, n_resamples=1999, method="BCa", rng=rng)
    return result.confidence_interval.low, result.confidence_interval.high


def _student(x: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    interval = stats.ttest_1samp(x, 0.0, axis=-1).confidence_interval(0.95)
    return interval.low, interval.high
