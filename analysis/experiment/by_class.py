"""The table of a segmentation's classes: six scores with intervals, and their means."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis import text
from analysis.experiment.estimates import estimates
from analysis.experiment.pixels import SCORES, class_scores, macro_mean, support, weighted_mean
from analysis.experiment.scenes import Pixels
from analysis.stats import FEWEST_FOR_INTERVAL, Array
from analysis.table import Table
from study.words import counted

_MEANS = ("mean of classes", "weighted by pixels")


def class_table(pixels: Pixels, classes: list[str], what: str, name: str, data: str) -> Table:
    """A row a class and two for their means: scores over the seeds, with intervals.

    A class without truth pixels in the test set is "absent" and in neither mean.
    """
    counts = pixels.confusions.sum(axis=1)
    truth = support(pixels.confusions[0])  # (N, C), the same for every seed
    scores = class_scores(counts, pixels.bins)
    means = [macro_mean(scores), weighted_mean(scores, truth.sum(axis=0))]
    # (scores, rows, seeds): the seeds last, for the intervals.
    values = np.concatenate([scores, np.stack(means, axis=-1)], axis=-1).swapaxes(1, 2)
    shown: dict[str, object] = {
        "class": [*classes, *_MEANS],
        "test pixels": [*truth.sum(axis=0).tolist(), *[int(truth.sum())] * 2],
        "test images": [*(truth > 0).sum(axis=0).tolist(), *[len(truth)] * 2],
    }
    raw = dict(shown)
    for score, rows in zip(SCORES, values, strict=True):
        mean, low, high = _over_seeds(rows)
        shown[score] = [_cell(*cell) for cell in zip(mean, low, high, strict=True)]
        raw |= {score: mean, f"{score} low": low, f"{score} high": high}
    caption = _caption(what, values.shape[-1], counts.sum(axis=0), classes)
    formats = {"test pixels": lambda count: f"{count:,}"}
    frame, csv = pd.DataFrame(shown), pd.DataFrame(raw)
    return Table(name, frame, caption, data, formats, csv, foot=len(_MEANS), right=SCORES)


def _over_seeds(rows: Array) -> tuple[Array, Array, Array]:
    """(mean, low, high) of (rows, seeds), each (rows,); NaN for absent classes."""
    found = np.full((3, len(rows)), np.nan)
    there = np.isfinite(rows).all(axis=1)
    if there.any():
        found[:, there] = rows[there].mean(axis=1), *estimates(rows[there], 0.0, 1.0)
    mean, low, high = found
    return mean, low, high


def _cell(mean: float, low: float, high: float) -> str:
    if mean != mean:
        return text.ABSENT
    return f"{mean:.3f}" + (f"\n[{low:.3f}, {high:.3f}]" if low == low else "")


def _caption(what: str, seeds: int, counts: np.ndarray, classes: list[str]) -> str:
    """counts: (C, C), all seeds together."""
    interval = " with 95% interval" if seeds >= FEWEST_FOR_INTERVAL else ""
    caption = (
        f"{what}: scores by class over the pixels of the test set, mean over "
        f"{counted(seeds, 'seed')}{interval}. Accuracy is "
        "one class against the rest: pixels that are rightly not given to a class count too, so "
        "it is near 1 for every small class."
    )
    absent = [name for name, row in zip(classes, counts, strict=True) if not row.sum()]
    if not absent:
        return caption
    mistaken = counts[:, counts.sum(axis=1) == 0].sum() / counts.sum()
    cost = "No pixel is predicted as absent."
    if mistaken:
        share = f"{mistaken:.2%}" if mistaken >= 1e-4 else "Less than 0.01%"
        cost = (
            f"{share} of the pixels are predicted as absent classes, which costs the classes they "
            "belong to, and lowers the run's mean IoU and macro F1 further: these count a class "
            "that is predicted without occurring as 0."
        )
    return f"{caption} Absent from the test set, and in neither mean: {text.listed(absent)}. {cost}"
