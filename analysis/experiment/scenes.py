"""What the cells of a segmentation left beside the records: counts of pixels and a few scenes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from analysis.experiment.cells import Condition, Experiment
from analysis.experiment.predictions import Misfit, read_cells
from trainables.cell_file import Arrays, drawn_scenes
from trainables.data.masks import BACKGROUND
from trainables.pixel_scores import mean_iou

KINDS = ("best", "median", "worst", "nothing but background")
_EACH = 3  # scenes that a cell keeps of each kind


@dataclass(frozen=True)
class Pixels:
    """A condition's predictions on the test set of a segmentation, as counts of pixels.

    confusions: int64 (seeds, N, C, C), rows truth, columns prediction, at the labels' own
    size, void left out. bins: int64 (seeds, C, 2, B), see `pixel_scores.average_precision`.
    contrast: float32 (N,), distance of the mean colours of objects and background, 0 to 441,
    NaN where an image lacks either. drawn: all arrays of the cell that is drawn, perhaps
    none. notes: what is lacking.
    """

    confusions: np.ndarray
    bins: np.ndarray
    contrast: np.ndarray
    drawn: Arrays = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Scene:
    """A drawn test image, cut to the picture in its square.

    image: uint8 (h, w, 3). truth, predicted: uint8 (h, w), VOID where nothing counts in
    truth. number: its position in the test set. iou: the image's mean IoU. empty: whether
    it holds an object and is predicted as nothing but background.
    """

    image: np.ndarray
    truth: np.ndarray
    predicted: np.ndarray
    number: int
    iou: float
    empty: bool


def read_pixels(experiment: Experiment, condition: Condition) -> Pixels | None:
    """Counts of every cell that left a readable file; None where none did."""
    found, notes = read_cells(experiment, condition, _truth)
    if not found:
        return None
    return Pixels(
        np.stack([arrays["test_confusions"] for arrays in found]).astype(np.int64),
        np.stack([arrays["test_score_bins"] for arrays in found]),
        found[0]["test_contrast"],
        next((arrays for arrays in found if "test_images" in arrays), {}),
        notes,
    )


def scenes(drawn: Arrays, background: bool = True) -> dict[str, list[Scene]]:
    """The drawn cell's scenes by KINDS, each kind from high to low IoU; kinds without one lack.

    A scene is of the first kind that fits: best and worst are the first and last _EACH of
    all test images by mean IoU (ties included), then those predicted as background only.
    background: whether the first class is one; otherwise that kind is left out.
    """
    if not drawn:
        return {}
    confusions = drawn["test_confusions"]
    ious = mean_iou(confusions)
    ranked = np.sort(ious[np.isfinite(ious)])
    empty = only_background(confusions)
    found: dict[str, list[Scene]] = {}
    for number, image, truth, predicted in drawn_scenes(drawn):
        if not np.isfinite(ious[number]):
            continue
        iou, nothing = float(ious[number]), bool(background and empty[number])
        scene = Scene(image, truth, predicted, number, iou, nothing)
        if scene.iou >= ranked[-_EACH:][0]:
            kind = "best"
        elif scene.iou <= ranked[:_EACH][-1]:
            kind = "worst"
        elif not empty[number]:
            kind = "median"
        elif background:
            kind = "nothing but background"
        else:
            continue  # kept for a background that this data set does not have
        found.setdefault(kind, []).append(scene)
    return {kind: sorted(found[kind], key=lambda s: -s.iou) for kind in KINDS if kind in found}


def has_background(classes: list[str]) -> bool:
    """Whether the first class is the background, which is told by its name."""
    return bool(classes) and classes[BACKGROUND].lower() == "background"


def only_background(confusions: np.ndarray) -> np.ndarray:
    """Which images (..., C, C) hold an object and are predicted as nothing but background."""
    called = confusions.sum(axis=-2)
    nothing_else = called[..., BACKGROUND + 1 :].sum(axis=-1) == 0
    return np.asarray(holds_object(confusions) & nothing_else)


def holds_object(confusions: np.ndarray) -> np.ndarray:
    """Which images (..., C, C) have truth pixels of another class than background."""
    return np.asarray(confusions.sum(axis=-1)[..., BACKGROUND + 1 :].sum(axis=-1) > 0)


def _truth(arrays: Arrays) -> np.ndarray:
    """Truth pixels by image and class, (N, C), once all shapes are checked."""
    confusions, bins = arrays["test_confusions"], arrays["test_score_bins"]
    if confusions.ndim != 3 or confusions.shape[1] != confusions.shape[2]:
        raise Misfit(f"has confusions of the shape {confusions.shape}")
    count, classes, _ = confusions.shape
    if bins.ndim != 3 or bins.shape[:2] != (classes, 2):
        raise Misfit(f"has score bins {bins.shape} for {classes} classes")
    if arrays["test_contrast"].shape != (count,):
        raise Misfit(f"has {arrays['test_contrast'].shape} contrasts for {count} images")
    if "test_images" in arrays:
        _check_drawn(arrays, count)
    return np.asarray(confusions.sum(axis=2))


def _check_drawn(arrays: Arrays, count: int) -> None:
    shape = arrays["test_images"].shape
    fitting = {
        "test_truths": shape[:3],
        "test_predictions": shape[:3],
        "test_images_at": shape[:1],
        "test_inside": (*shape[:1], 2),
    }
    for name, wanted in fitting.items():
        if arrays[name].shape != wanted:
            raise Misfit(f"has {name} {arrays[name].shape} for images {shape}")
    at = arrays["test_images_at"]
    if at.size and not 0 <= at.min() <= at.max() < count:
        raise Misfit(f"has an image that is not among the {count} of the test set")
