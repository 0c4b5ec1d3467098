"""Images as the model sees them: plain and, where it is augmented, at several strengths."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from analysis import style, text
from analysis.load import Run
from analysis.plots.picture import Picture
from study.records import SAMPLES
from trainables.data.masks import VOID
from trainables.errors import FAILED, UserError

_COLUMNS, _SCENES = 8, 4  # images in a row; a scene needs more room than a digit
_GAP = 2  # white pixels between images
_TINT, _VEIL = 0.5, 0.85  # share of a class's colour in its pixels, and of white in void ones
_LEGEND_COLUMNS, _LEGEND_ROW = 4, 0.18  # entries, inches


def samples(run: Run) -> Picture | None:
    """A mosaic, one row a strength and one column an image; None where none were kept.

    Of a run without augmentation only the plain images are shown: its model saw no others.
    Reads `samples.npz`: images uint8 (S, K, H, W, 3), strengths (S,) and labels (K,), or
    masks uint8 (S, K, H, W), which are laid over their images. Raises UserError for a file
    that is damaged or of another shape.
    """
    path = run.path / SAMPLES
    if not path.exists():
        return None
    images, truth, strengths = _read(path)
    if not run.augmented:
        seen = strengths == 0
        if not seen.any():
            return None
        images, strengths = images[seen], strengths[seen]
        truth = truth[seen] if truth.ndim > 1 else truth
    draw = _scenes if truth.ndim == images.ndim - 1 else _labelled
    return draw(run, images, truth, strengths)


def _read(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(images, labels or masks, strengths) of a file, checked."""
    try:
        with np.load(path, allow_pickle=False) as file:
            images, strengths = file["images"], file["strengths"]
            truth = file["masks"] if "masks" in file else file["labels"]
        masks = truth.dtype == np.uint8 and truth.shape == images.shape[:4]
        fits = masks or truth.shape == images.shape[1:2]
        plain = images.dtype == np.uint8 and images.ndim == 5
        if not (plain and fits and strengths.shape == images.shape[:1]):
            raise ValueError(f"images {images.shape} {images.dtype} do not fit")
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{path} is damaged ({error}): sample images are left out", FAILED
        ) from None
    return images, truth, strengths


def _labelled(run: Run, images: np.ndarray, labels: np.ndarray, strengths: np.ndarray) -> Picture:
    images = images[:, :_COLUMNS]
    figure, axes = _rows(images, strengths, below=0.45)
    names = [_class_name(run, int(label)) for label in labels[:_COLUMNS]]
    axes.set_xticks(_centres(len(names), images.shape[3]), names)
    axes.set_xlabel("true class")
    alt = f"{images.shape[1]} images of {run.data} in columns{_in_rows(strengths)}."
    caption = _caption(run, "images", strengths, "read the class")
    return Picture("samples", "Images as the model sees them", figure, caption, alt)


def _scenes(run: Run, images: np.ndarray, masks: np.ndarray, strengths: np.ndarray) -> Picture:
    images, masks = images[:, :_SCENES], masks[:, :_SCENES]
    shown = [int(label) for label in np.unique(masks)]
    legend = -(-len(shown) // _LEGEND_COLUMNS) * _LEGEND_ROW
    figure, axes = _rows(overlaid(images, masks), strengths, below=legend + 0.15)
    axes.set_xticks([])
    colours = _palette() / 255
    patches = [
        Patch(facecolor=colours[label], edgecolor=style.MUTED, label=_class_name(run, label))
        for label in shown
    ]
    figure.legend(handles=patches, loc="outside lower center", ncols=_LEGEND_COLUMNS)
    alt = (
        f"{images.shape[1]} scenes of {run.data} in columns, tinted by true class"
        f"{_in_rows(strengths)}."
    )
    caption = _caption(run, "scenes", strengths, "tell the classes") + (
        " Every pixel is tinted with its true class. White is void: unlabelled, or outside of "
        "the scene, where the image is mirrored and nothing is learnt."
    )
    return Picture("samples", "Scenes and masks as the model sees them", figure, caption, alt)


def overlaid(images: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Images, uint8 (..., 3), half covered by VOC's colours of their masks, uint8 (...).

    VOID is white and nearly covers them: half of it over black padding would be the grey
    that half of black makes of a bright sky, and VOC's cream is hard to tell from classes.
    """
    share = np.where(masks == VOID, _VEIL, _TINT)[..., None]
    tinted: np.ndarray = np.round((1 - share) * images + share * _palette()[masks])
    return tinted.astype(np.uint8)


def _palette() -> np.ndarray:
    palette = style.voc_palette(VOID + 1)
    palette[VOID] = 255
    return palette


def _rows(images: np.ndarray, strengths: np.ndarray, below: float) -> tuple[Figure, Axes]:
    """Images (S, K, H, W, 3) in a figure with strengths at its side, `below` inches under it."""
    mosaic = _mosaic(images)
    figure = style.figure(below + (style.WIDTH - 0.5) * mosaic.shape[0] / mosaic.shape[1])
    axes = figure.subplots()
    axes.imshow(mosaic, interpolation="nearest", aspect="equal")
    if len(strengths) > 1:
        rows = _centres(len(strengths), images.shape[2])
        axes.set_yticks(rows, [text.number(float(strength), 2) for strength in strengths])
        axes.set_ylabel("augmentation strength")
    else:
        axes.set_yticks([])
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure, axes


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


def _centres(count: int, size: int) -> list[float]:
    """Where `count` images of `size` pixels have their middles in the mosaic."""
    return [index * (size + _GAP) + size / 2 for index in range(count)]


def _class_name(run: Run, label: int) -> str:
    names = run.manifest.data.get("classes")
    if isinstance(names, list) and label < len(names):
        return str(names[label])
    return "void" if label == VOID else str(label)


def _in_rows(strengths: np.ndarray) -> str:
    """What the rows are, for the alternative text; "" of a single one."""
    if len(strengths) == 1:
        return ""
    listed = text.listed([text.number(float(strength), 2) for strength in strengths])
    return f", at augmentation strengths {listed} in rows"


def _caption(run: Run, things: str, strengths: np.ndarray, able: str) -> str:
    if not run.augmented:
        return f"{things.capitalize()} of {run.data} as they are: no trial augmented them."
    low, high = (text.number(float(bound), 2) for bound in (strengths.min(), strengths.max()))
    if len(strengths) == 1:
        return f"{things.capitalize()} of {run.data} at strength {low}."
    return (
        f"The same {things} from strength {low} to {high}. Where a person can no longer {able}, "
        "the policy destroys what the model should learn."
    )
