"""A mean over seeds with its interval."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from analysis.stats import Array, mean_interval
from study.metrics import METRICS


class Estimate(NamedTuple):
    """Mean and 95% interval over n seeds; NaN bounds below five, all NaN without any."""

    mean: float
    low: float
    high: float
    n: int


def bounds(metric: str) -> tuple[float, float]:
    """What values a metric can have: shares lie in [0, 1], losses are not negative."""
    if metric == "gap":
        return -np.inf, np.inf
    return 0.0, 1.0 if METRICS[metric].unit == "fraction" else np.inf


def estimate(values: ArrayLike, metric: str) -> Estimate:
    """Over the finite values of (seeds,); the interval is cut to what the metric can be."""
    x = np.asarray(values, dtype=float)
    x = x[np.isfinite(x)]
    if not x.size:
        return Estimate(np.nan, np.nan, np.nan, 0)
    low, high = estimates(x, *bounds(metric))
    return Estimate(float(x.mean()), float(low), float(high), x.size)


def estimates(
    values: ArrayLike, least: float = -np.inf, most: float = np.inf
) -> tuple[Array, Array]:
    """(low, high) of the means of (..., seeds), each (...,); the seed of the bootstrap is 0."""
    low, high = mean_interval(values, np.random.default_rng(0))
    return np.clip(low, least, most), np.clip(high, least, most)
