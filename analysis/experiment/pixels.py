"""Scores of a segmentation from counts of pixels: by class, and their means.

Everywhere the last two axes of a confusion are (truth, prediction), and void pixels are in
none of the counts. A class without truth pixels is *absent*: it has no recall and no average
precision, so all its scores are NaN and it is in no mean over classes. The pixels that are
given to it cost the classes that are there, whose pixels they are.
"""

from __future__ import annotations

import numpy as np

from analysis.stats import Array
from trainables.pixel_scores import average_precision, mean, precision, ratio, recall

SCORES = ("accuracy", "precision", "recall", "F1", "IoU", "average precision")


def support(confusions: np.ndarray) -> np.ndarray:
    """Truth pixels by class, (..., C)."""
    return np.asarray(confusions.sum(axis=-1))


def class_scores(confusions: np.ndarray, bins: np.ndarray) -> Array:
    """SCORES by class: (len(SCORES), ..., C), NaN for absent classes.

    confusions: (..., C, C), pixels. bins: (..., C, 2, B) as for `average_precision`.
    Accuracy is one-vs-rest, so a rare class that is never predicted still has a high one.
    Precision is 0 where a class that is there is never predicted, as scikit-learn's
    `precision_recall_fscore_support(zero_division=0)` has it.
    """
    counts = confusions.astype(float)
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    truth, called = counts.sum(axis=-1), counts.sum(axis=-2)
    wrong = truth + called - 2 * hits  # false positives and false negatives
    total = counts.sum(axis=(-2, -1))[..., None]
    scores = [
        1 - ratio(wrong, total),
        precision(counts),
        recall(counts),
        ratio(2 * hits, truth + called),
        ratio(hits, hits + wrong),
        average_precision(bins),
    ]
    return np.where(truth > 0, np.stack(scores), np.nan)


def macro_mean(scores: Array) -> Array:
    """Mean over the classes that are there: (..., C) to (...,); NaN where none is."""
    there = np.isfinite(scores)
    return mean(np.where(there, scores, 0.0), there.astype(float))


def weighted_mean(scores: Array, support: np.ndarray) -> Array:
    """The same weighted by truth pixels, (..., C) each: large classes count most."""
    there = np.isfinite(scores)
    return mean(np.where(there, scores, 0.0), np.where(there, support, 0.0))
