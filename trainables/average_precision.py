"""Average precision from counts: for the training's records and for the report. No torch."""

from __future__ import annotations

import numpy as np


def average_precision(bins: np.ndarray) -> np.ndarray:
    """Average precision by class, (..., C); NaN for a class without truth pixels.

    bins: (..., C, 2, B), pixels by the probability given to the class, B equal bins of
    [0, 1]; [c, 1] those whose truth is c, [c, 0] the others. The sum over bins, from the
    highest, of precision times the recall gained: scikit-learn's `average_precision_score`
    of scores rounded down to their bin.
    """
    counts = bins[..., ::-1].astype(float).cumsum(axis=-1)
    hits, called = counts[..., 1, :], counts.sum(axis=-2)
    precision = np.divide(hits, called, out=np.zeros(hits.shape), where=called > 0)
    summed = (precision * np.diff(hits, axis=-1, prepend=0.0)).sum(axis=-1)
    total = hits[..., -1]
    return np.divide(summed, total, out=np.full(total.shape, np.nan), where=total > 0)
