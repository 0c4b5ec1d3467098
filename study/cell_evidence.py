"""What a cell's file shows of its model: confusions, predictions of some images, pictures.

Reads the arrays of `trainables.cell` and `trainables.cell_scenes`; bounded whatever the size of
the test set.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROWS = 200  # of the table of predictions: the first of the test set, the same in every cell

Arrays = dict[str, np.ndarray]


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
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
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
    rows = [
        [at, round(_mean_iou(counts), 4), round(float(counts.trace() / max(1, counts.sum())), 4)]
        for at, counts in enumerate(confusions[:ROWS])
    ]
    columns = ["test image", "mean IoU", "pixel accuracy"]
    return Evidence(classes, confusions.sum(0), columns, rows, list(_pictures(arrays, confusions)))


def _pictures(arrays: Arrays, confusions: np.ndarray) -> Iterator[Shown]:
    """The drawn scenes, cut to the picture in its square, with truth and prediction."""
    if "test_images" not in arrays:
        return
    for number, at in enumerate(arrays["test_images_at"]):
        height, width = arrays["test_inside"][number]
        cut = (number, slice(height), slice(width))
        yield Shown(
            arrays["test_images"][cut],
            f"test image {at}: mean IoU {_mean_iou(confusions[at]):.2f}",
            {"truth": arrays["test_truths"][cut], "prediction": arrays["test_predictions"][cut]},
        )


def _mean_iou(counts: np.ndarray) -> float:
    """Mean IoU over the classes seen or predicted, of confusions (C, C); 0 without any."""
    hits = counts.diagonal()
    union = counts.sum(0) + counts.sum(1) - hits
    there = union > 0
    return float((hits[there] / union[there]).mean()) if there.any() else 0.0
