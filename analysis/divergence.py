"""What a diverged training counts for: the worst outcome, in every statistic.

Leaving diverged cells out would reward an arm for failing. Two replacements are made:

- for *tests* a value beyond all others, so far that only its being worst matters. It is as
  bad as any finite value could have been, so an arm never gains by diverging; two diverged
  cells of one seed are a tie.
- for *estimates*, which need a size, the worst value there can be where the metric has one
  (0 for accuracy and F1), else the claim's worst finite value moved on by the spread of its
  finite values, and at least by the smallest effect of interest. A convention, stated with
  every effect that rests on it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analysis.stats import Array
from study.metrics import Metric

_BEYOND = 1e6


class Replaced(NamedTuple):
    """Values of the shape given, finite throughout, and which of them had diverged."""

    tested: Array
    estimated: Array
    diverged: np.ndarray


def replace_diverged(values: Array, metric: Metric, smallest_effect: float) -> Replaced:
    """Give every NaN or infinite value its worst-outcome replacements.

    values: (arms, seeds) of one claim at one budget, in the metric's unit.
    """
    diverged = ~np.isfinite(values)
    if not diverged.any():
        return Replaced(values, values, diverged)
    finite = values[~diverged]
    worse = -1.0 if metric.direction == "max" else 1.0
    if not finite.size:
        nothing = np.zeros_like(values)
        return Replaced(nothing, nothing, diverged)
    scale = max(float(np.abs(finite).max()), smallest_effect)
    worst = float(finite.min() if metric.direction == "max" else finite.max())
    if metric.direction == "max" and metric.unit == "fraction":
        estimate = 0.0
    else:
        estimate = worst + worse * max(float(np.ptp(finite)), smallest_effect)
    return Replaced(
        np.where(diverged, worse * _BEYOND * scale, values),
        np.where(diverged, estimate, values),
        diverged,
    )
