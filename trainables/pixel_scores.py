"""Scores from counts of pixels: for the training's records, W&B and the report. No torch.

Everywhere the last two axes of a confusion are (truth, prediction); void pixels are in none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def precision(confusions: np.ndarray) -> Array:
    """TP / (TP + FP) by class: (..., C, C) to (..., C); 0 for a class never predicted."""
    return ratio(_hits(confusions), confusions.sum(axis=-2))


def recall(confusions: np.ndarray) -> Array:
    """TP / (TP + FN) by class: (..., C, C) to (..., C); 0 for a class without truth pixels."""
    return ratio(_hits(confusions), confusions.sum(axis=-1))


def mean_iou(confusions: np.ndarray) -> Array:
    """Mean of TP / (TP + FP + FN) over the classes seen or predicted: (..., C, C) to (...,).

    NaN where no pixel counts. `trainables.metrics.mean_iou` is the same of one tensor, for the
    records: it sums in torch's order, in which all runs so far have their last digit.
    """
    hits = _hits(confusions)
    union = confusions.sum(axis=-1) + confusions.sum(axis=-2) - hits
    return mean(ratio(hits, union), (union > 0).astype(float))


def average_precision(bins: np.ndarray) -> np.ndarray:
    """Average precision by class, (..., C); NaN for a class without truth pixels.

    bins: (..., C, 2, B), pixels by the probability given to the class, B equal bins of
    [0, 1]; [c, 1] those whose truth is c, [c, 0] the others. The sum over bins, from the
    highest, of precision times the recall gained: scikit-learn's `average_precision_score`
    of scores rounded down to their bin.
    """
    counts = bins[..., ::-1].astype(float).cumsum(axis=-1)
    hits, called = counts[..., 1, :], counts.sum(axis=-2)
    summed = (ratio(hits, called) * np.diff(hits, axis=-1, prepend=0.0)).sum(axis=-1)
    total = hits[..., -1]
    return np.divide(summed, total, out=np.full(total.shape, np.nan), where=total > 0)


def ratio(a: np.ndarray, b: np.ndarray) -> Array:
    """a / b, and 0 where b is 0."""
    return np.divide(a, b, out=np.zeros(np.broadcast(a, b).shape), where=b > 0)


def mean(values: Array, weights: Array) -> Array:
    """Weighted mean over the last axis, NaN where nothing has a weight."""
    total = weights.sum(axis=-1)
    return np.where(total > 0, ratio((values * weights).sum(axis=-1), total), np.nan)


def _hits(confusions: np.ndarray) -> Array:
    return np.diagonal(confusions, axis1=-2, axis2=-1).astype(float)
