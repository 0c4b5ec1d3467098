"""What a cell's file shows of its model: confusions, predictions of some images, pictures.

Reads the arrays of `trainables.cell` and `trainables.cell_scenes`; bounded whatever the size of
the test set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from trainables.cell_file import Arrays, drawn_scenes, read_arrays
from trainables.pixel_scores import mean_iou

ROWS = 200  # of the table of predictions: the first of the test set, the same in every cell


@dataclass(frozen=True)
class Shown:
    """An image of the test set, uint8 (H, W, 3), and masks, uint8 (H, W), by name."""

    image: np.ndarray
    caption: str
    masks: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Evidence:
    """confusion: int (C, C), images or pixels, rows truth. columns, rows: a table of images."""

    classes: Sequence[str]
    confusion: np.ndarray
    columns: list[str]
    rows: list[list[Any]]
    shown: list[Shown]


def read_evidence(path: Path, classes: Sequence[str]) -> Evidence:
    """The evidence of a cell's `.npz`, of a classification or of a segmentation."""
    arrays = read_arrays(path)
    made = _scenes if "test_confusions" in arrays else _images
    return made(arrays, classes)


def _images(arrays: Arrays, classes: Sequence[str]) -> Evidence:
    probabilities, labels = arrays["test_probabilities"], arrays["test_labels"]
    predicted, confidence = probabilities.argmax(1), probabilities.max(1)
    confusion = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(confusion, (labels, predicted), 1)
    rows = [
        [at, classes[labels[at]], classes[predicted[at]], round(float(confidence[at]), 4)]
        for at in range(min(ROWS, len(labels)))
    ]
    shown = [
        Shown(
            image,
            f"{classes[labels[at]]} read as {classes[predicted[at]]} ({confidence[at]:.2f})",
        )
        for image, at in zip(
            arrays.get("test_images", ()), arrays.get("test_images_at", ()), strict=True
        )
    ]
    columns = ["test image", "truth", "prediction", "probability"]
    return Evidence(classes, confusion, columns, rows, shown)


def _scenes(arrays: Arrays, classes: Sequence[str]) -> Evidence:
    confusions = arrays["test_confusions"].astype(np.int64)
    ious = np.nan_to_num(mean_iou(confusions))  # a picture of void alone has none
    rows = [
        [at, round(float(iou), 4), round(float(counts.trace() / max(1, counts.sum())), 4)]
        for at, (iou, counts) in enumerate(zip(ious[:ROWS], confusions, strict=False))
    ]
    shown = [
        Shown(
            scene.image,
            f"test image {scene.number}: mean IoU {ious[scene.number]:.2f}",
            {"truth": scene.truth, "prediction": scene.prediction},
        )
        for scene in drawn_scenes(arrays)
    ]
    columns = ["test image", "mean IoU", "pixel accuracy"]
    return Evidence(classes, confusions.sum(0), columns, rows, shown)
