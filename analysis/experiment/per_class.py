"""How well each class is read: confusion, precision, recall, F1, and the worst mistakes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis import text
from analysis.experiment.estimates import estimates
from analysis.experiment.predictions import Predictions
from analysis.stats import FEWEST_FOR_INTERVAL, Array
from analysis.table import Table
from analysis.task import Task
from study.words import counted

_PAIRS = 8  # rows of the table of confused pairs
_SCORES = ("precision", "recall", "F1")


def confusion(predictions: Predictions) -> np.ndarray:
    """Counts (classes true, classes read) summed over the seeds."""
    from sklearn.metrics import confusion_matrix

    seeds, _, classes = predictions.probabilities.shape
    labels = np.tile(predictions.labels, seeds)
    return np.asarray(
        confusion_matrix(labels, predictions.predicted.ravel(), labels=range(classes))
    )


def by_row(counts: np.ndarray) -> Array:
    """Shares of each true class; 0 for a class that does not occur."""
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), dtype=float)


def scores(predictions: Predictions) -> Array:
    """(precision, recall, F1) by class and seed: (3, classes, seeds); 0 where undefined."""
    from sklearn.metrics import precision_recall_fscore_support

    classes = range(predictions.probabilities.shape[-1])
    each = [
        precision_recall_fscore_support(
            predictions.labels, predicted, labels=classes, zero_division=0
        )[:3]
        for predicted in predictions.predicted
    ]
    return np.moveaxis(np.array(each, dtype=float), 0, -1)


def scores_table(
    predictions: Predictions, classes: list[str], what: str, name: str, data: str
) -> Table:
    """A row a class and one for their mean: scores over the seeds, with intervals.

    A class without test images is "absent" and not in the mean.
    """
    support = np.bincount(predictions.labels, minlength=len(classes)).tolist()
    there = np.array([count > 0 for count in [*support, len(predictions.labels)]])
    values = scores(predictions)
    together = values[:, there[:-1]].mean(axis=1, keepdims=True)
    values = np.where(there[:, None], np.concatenate([values, together], axis=1), np.nan)
    low, high = estimates(values, 0.0, 1.0)
    mean = values.mean(axis=-1)
    absent = [name for name, count in zip(classes, support, strict=True) if not count]
    support.append(len(predictions.labels))
    shown: dict[str, object] = {"class": [*classes, "mean of classes"], "test images": support}
    raw = dict(shown)
    for row, score in enumerate(_SCORES):
        shown[score] = [
            text.ABSENT if m != m else f"{m:.3f}" + (f" [{a:.3f}, {b:.3f}]" if a == a else "")
            for m, a, b in zip(mean[row], low[row], high[row], strict=True)
        ]
        raw |= {score: mean[row], f"{score} low": low[row], f"{score} high": high[row]}
    n = values.shape[-1]
    caption = (
        f"{what}: precision, recall and F1 by class on the test set, mean over "
        f"{counted(n, 'seed')}" + (" with 95% interval." if n >= FEWEST_FOR_INTERVAL else ".")
    )
    if absent:
        caption += f" Absent from the test set, and not in the mean: {text.listed(absent)}."
    frame, csv = pd.DataFrame(shown), pd.DataFrame(raw)
    return Table(name, frame, caption, data, csv=csv, foot=1, right=_SCORES)


def confused_pairs(counts: np.ndarray) -> list[tuple[int, int, int, float]]:
    """(true, read as, count, share of the true class), the most frequent first."""
    shares = by_row(counts)
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_PAIRS]
    pairs = [divmod(int(place), counts.shape[1]) for place in order]
    return [(t, r, int(wrong[t, r]), float(shares[t, r])) for t, r in pairs if wrong[t, r]]


def pairs_table(
    counts: np.ndarray, classes: list[str], what: str, name: str, data: str, task: Task
) -> Table:
    """The most confused pairs, with how often the reverse happens."""
    headers = ["true", task.predicted, task.counted, "share of the true class", "the reverse"]
    rows = [
        (classes[t], classes[r], count, share, int(counts[r, t]))
        for t, r, count, share in confused_pairs(counts)
    ]
    frame = pd.DataFrame(rows, columns=headers)
    caption = f"{what}: most confused pairs, all seeds together."
    formats: dict[str, Callable[[Any], str]] = {headers[3]: lambda share: f"{share:.1%}"}
    formats |= dict.fromkeys((headers[2], headers[4]), lambda count: f"{count:,}")
    return Table(name, frame, caption, data, formats)


@dataclass(frozen=True)
class Mistake:
    """One test image read wrongly. runner_up: the second most probable class."""

    image: np.ndarray
    true: int
    read: int
    confidence: float
    runner_up: int
    runner_up_probability: float


def mistakes(predictions: Predictions, each: int = 3) -> dict[int, list[Mistake]]:
    """By true class, at most `each` mistakes of the drawn cell, the most confident first."""
    drawn = predictions.drawn
    if not drawn:
        return {}
    probabilities = drawn["test_probabilities"]
    found: dict[int, list[Mistake]] = {}
    for image, at in zip(drawn["test_images"], drawn["test_images_at"], strict=True):
        second, first = np.argsort(probabilities[at], kind="stable")[-2:]
        true = int(predictions.labels[at])
        if first != true:
            row = probabilities[at]
            mistake = Mistake(
                image, true, int(first), float(row[first]), int(second), float(row[second])
            )
            found.setdefault(true, []).append(mistake)
    return {
        true: sorted(several, key=lambda m: -m.confidence)[:each]
        for true, several in sorted(found.items())
    }
