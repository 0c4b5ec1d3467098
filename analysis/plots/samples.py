"""Images as the model sees them: plain and augmented at several strengths."""

from __future__ import annotations

import zipfile

import numpy as np

from analysis import style, text
from analysis.load import Run
from analysis.plots.picture import Picture
from study.records import SAMPLES
from trainables.errors import FAILED, UserError

_COLUMNS = 8
_GAP = 2  # white pixels between images


def samples(run: Run) -> Picture | None:
    """A mosaic, one row a strength and one column an image; None where none were kept.

    Reads `samples.npz`: images uint8 (S, K, H, W, 3), labels (K,), strengths (S,). Raises
    UserError for a file that is damaged or of another shape.
    """
    path = run.path / SAMPLES
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            images, labels, strengths = file["images"], file["labels"], file["strengths"]
        count, kept, height, width, _ = images.shape
        if images.dtype != np.uint8 or labels.shape != (kept,) or strengths.shape != (count,):
            raise ValueError(f"images {images.shape} {images.dtype} do not fit")
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{path} is damaged ({error}): sample images are left out", FAILED
        ) from None
    images = images[:, :_COLUMNS]
    mosaic = _mosaic(images)
    figure = style.figure(0.45 + (style.WIDTH - 0.5) * mosaic.shape[0] / mosaic.shape[1])
    axes = figure.subplots()
    axes.imshow(mosaic, interpolation="nearest", aspect="equal")
    axes.set_yticks(
        [row * (height + _GAP) + height / 2 for row in range(count)],
        [text.number(float(strength), 2) for strength in strengths],
    )
    axes.set_xticks(
        [column * (width + _GAP) + width / 2 for column in range(images.shape[1])],
        [_class_name(run, int(label)) for label in labels[:_COLUMNS]],
    )
    axes.set_ylabel("augmentation strength")
    axes.set_xlabel("true class")
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    alt = (
        f"{images.shape[1]} images of {run.data} in columns, at augmentation strengths "
        f"{text.listed([text.number(float(s), 2) for s in strengths])} in rows."
    )
    title = "Images as the model sees them"
    return Picture("samples", title, figure, _caption(run, strengths), alt)


def _mosaic(images: np.ndarray) -> np.ndarray:
    """(S, K, H, W, 3) -> one picture with white gaps."""
    count, kept, height, width, _ = images.shape
    tall, wide = height + _GAP, width + _GAP
    canvas = np.full((count * tall - _GAP, kept * wide - _GAP, 3), 255, dtype=np.uint8)
    for row in range(count):
        for column in range(kept):
            top, left = row * tall, column * wide
            canvas[top : top + height, left : left + width] = images[row, column]
    return canvas


def _class_name(run: Run, label: int) -> str:
    names = run.manifest.data.get("classes")
    return str(names[label]) if isinstance(names, list) and label < len(names) else str(label)


def _caption(run: Run, strengths: np.ndarray) -> str:
    if len(strengths) == 1:
        return f"Images of {run.data} at strength {text.number(float(strengths[0]), 2)}."
    return (
        f"The same images from strength {text.number(float(strengths.min()), 2)} to "
        f"{text.number(float(strengths.max()), 2)}. Where a person can no longer read the class, "
        "the policy destroys what the model should learn."
    )
