"""Images that a segmentation predicts as nothing but background, and what can be measured of them.

A description, not a test: the images of one test set, under a few seeds, and quantities that
go together. What makes a network miss them is not decided by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis import text
from analysis.experiment import names
from analysis.experiment.cells import Condition
from analysis.experiment.scenes import Pixels, has_background, holds_object, only_background
from analysis.page import Part
from analysis.stats import Array
from analysis.table import Table
from study.words import counted
from trainables.data.masks import BACKGROUND

HEADING = "Images predicted as nothing but background"
MEASURES = (
    "object size\n(share of the image's pixels)",
    "contrast with the background\n(colour distance, 0 to 441)",
    "frequency of its classes\n(share of training pixels)",
)


@dataclass(frozen=True)
class Emptied:
    """One condition's test images that hold an object.

    empty: (seeds, n), whether an image is predicted as nothing but background.
    measured: (len(MEASURES), n), NaN where a quantity is not known.
    """

    condition: Condition
    empty: np.ndarray
    measured: Array

    @property
    def ever(self) -> np.ndarray:
        """Whether an image is predicted so with one seed or more, (n,)."""
        return np.asarray(self.empty.any(axis=0))


def emptied(condition: Condition, pixels: Pixels, train_counts: list[int]) -> Emptied:
    """What `background` tells of a condition. train_counts: training pixels by class, or []."""
    holding = holds_object(pixels.confusions[0])
    truth = pixels.confusions[0][holding].sum(axis=-1).astype(float)
    objects = truth[:, BACKGROUND + 1 :]
    frequency = np.full(len(objects), np.nan)
    if sum(train_counts) and len(train_counts) == truth.shape[1]:
        shares = np.array(train_counts[BACKGROUND + 1 :]) / sum(train_counts)
        # Each class once, however large: how often the network has met what it should find.
        frequency = (objects > 0) @ shares / (objects > 0).sum(axis=1)
    measured = [objects.sum(axis=1) / truth.sum(axis=1), pixels.contrast[holding], frequency]
    return Emptied(condition, only_background(pixels.confusions)[:, holding], np.stack(measured))


def background(found: list[Emptied], classes: list[str], data: str) -> Part:
    """How many images each system empties, and how these differ from the others."""
    if not has_background(classes):
        name = f" ({classes[BACKGROUND]})" if classes else ""
        line = f"The first class{name} is not called background: this part does not apply."
        return Part(HEADING, lines=[line])
    if not any(one.empty.size for one in found):
        what = "test image holds an object" if found else "cell left readable predictions"
        return Part(HEADING, lines=[f"No {what}."])
    some = [one for one in found if one.empty.any()]
    tables = [_counts(found, data)]
    if some:
        tables.append(_comparison(some, data))
    return Part(HEADING, lines=[_summary(found, some)], tables=tables)


def _summary(found: list[Emptied], some: list[Emptied]) -> str:
    images = found[0].empty.shape[1]
    if not some:
        return (
            f"There is none: every system, with every seed, finds something in each of the "
            f"{images:,} test images that hold an object."
        )
    most = max(some, key=lambda one: float(one.empty.mean()))
    small = sum(_smaller(one) for one in some)
    return (
        f"Of the {images:,} test images that hold an object, {names.trained(most.condition)} "
        f"predicts nothing but background for {most.empty.sum(axis=1).mean():.1f} a seed, the most "
        f"of all systems. In {small} of the {counted(len(some), 'system')} with such images "
        "their objects are smaller than those of the other images (medians)."
    )


def _smaller(one: Emptied) -> bool:
    if one.ever.all():
        return False
    sizes = one.measured[0]
    return bool(np.median(sizes[one.ever]) < np.median(sizes[~one.ever]))


def _counts(found: list[Emptied], data: str) -> Table:
    rows = [
        {
            "system": names.system(one.condition.arm),
            "epochs": one.condition.budget,
            "seeds": len(one.empty),
            "images with an object": one.empty.shape[1],
            "mean a seed": float(one.empty.sum(axis=1).mean()),
            "fewest": int(one.empty.sum(axis=1).min()),
            "most": int(one.empty.sum(axis=1).max()),
            "with one seed or more": int(one.ever.sum()),
            "with every seed": int(one.empty.all(axis=0).sum()),
        }
        for one in found
    ]
    caption = (
        "Of the test images that hold an object, how many are predicted as nothing but background."
    )
    return Table("only_background", pd.DataFrame(rows), caption, data)


def _comparison(some: list[Emptied], data: str) -> Table:
    """A row a system and quantity: the emptied images beside the others."""
    rows = [
        {
            "system": names.system(one.condition.arm),
            "epochs": one.condition.budget,
            "measured": measure,
            **_beside(values, one.ever),
        }
        for one in some
        for measure, values in zip(MEASURES, one.measured, strict=True)
    ]
    frame = pd.DataFrame(rows)
    formats: dict[str, Callable[[Any], str]] = {"p": text.p}
    caption = (
        "Emptied: the same images, with one seed or more; others: those that hold an object and "
        "are not. p: Mann-Whitney's, two-sided; it describes these images, and was neither "
        "registered nor corrected. Void pixels are left out, and background is none of an "
        "image's classes here."
    )
    return Table("only_background_why", frame, caption, data, formats)


def _beside(values: Array, empty: np.ndarray) -> dict[str, float]:
    known = np.isfinite(values)
    groups = {"emptied": values[empty & known], "others": values[~empty & known]}
    row: dict[str, float] = {}
    for name, group in groups.items():
        row |= {
            f"{name}: n": len(group),
            f"{name}: median": float(np.median(group)) if len(group) else np.nan,
            f"{name}: mean": float(group.mean()) if len(group) else np.nan,
        }
    return row | {"p": _mann_whitney(*groups.values())}


def _mann_whitney(a: Array, b: Array) -> float:
    """Two-sided p; NaN where a group is empty, 1 where all values are the same."""
    from scipy.stats import mannwhitneyu

    if not (len(a) and len(b)):
        return np.nan
    if np.ptp(np.concatenate([a, b])) == 0:
        return 1.0
    return float(mannwhitneyu(a, b, alternative="two-sided").pvalue)
