"""Test images beside their truth, what was predicted, and where the two differ."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from analysis import style, text
from analysis.experiment.scenes import Scene
from analysis.plots.picture import Picture
from study.words import counted
from trainables.data.masks import VOID

_COLUMNS = ("image", "truth", "prediction", "errors")
_TITLES = {
    "best": "Best test images",
    "median": "Test images in the middle",
    "worst": "Worst test images",
    "nothing but background": "Predicted as nothing but background",
}
# Inches: the page's edge, between panels, above a row, above all rows, a row of the legend.
_EDGE, _GAP, _LABEL, _TOP, _LEGEND = 0.06, 0.05, 0.22, 0.42, 0.19
_SIDE = (style.WIDTH - 2 * _EDGE - _GAP * (len(_COLUMNS) - 1)) / len(_COLUMNS)
_PIXELS = 160  # of a panel's longer side at most: pictures are most of a page's size
_NAMES = 4  # of classes in a row of the legend
_WHITE, _RIGHT, _WRONG = (255, 255, 255), (222, 226, 231), (213, 94, 0)


def segments(
    found: dict[str, list[Scene]], classes: list[str], what: str, slug: str
) -> list[Picture]:
    """One picture for each kind of scene (`scenes.KINDS`), a row an image."""
    return [_picture(kind, several, classes, what, slug) for kind, several in found.items()]


def _picture(kind: str, several: list[Scene], classes: list[str], what: str, slug: str) -> Picture:
    ious = [f"{scene.iou:.3f}" for scene in several]
    alt = (
        f"{counted(len(several), 'row')} of four panels: test image, truth, prediction and "
        f"errors. Mean IoU {text.listed(ious)}."
    )
    caption = (
        f"{what}, seed 0. Mean IoU over the classes seen or predicted in an image, at its label's "
        f"own size: {text.listed(ious)}. Void counts nowhere; images are numbered from 0."
    )
    name = f"scenes_{kind.split()[0]}-{slug}"
    return Picture(name, _TITLES[kind], _drawing(kind, several, classes), caption, alt)


def _drawing(kind: str, several: list[Scene], classes: list[str]) -> Figure:
    palette = style.voc_palette(256)
    palette[VOID] = _WHITE
    handles = _legend(several, classes, palette)
    heights = [_SIDE * _shape(scene)[0] for scene in several]
    below = _LEGEND * -(-len(handles) // _NAMES) + 0.12
    height = _TOP + sum(heights) + _LABEL * len(several) + below
    figure = style.figure(height)
    figure.set_layout_engine(None)
    # Axes units are inches from the upper left, so that images and words share one system.
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    for column, heading in enumerate(_COLUMNS):
        axes.text(_left(column), _TOP - 0.08, heading, weight="bold")
    top = _TOP
    for scene, tall in zip(several, heights, strict=True):
        top += _LABEL
        axes.text(_EDGE, top - 0.05, _label(kind, scene), fontsize=8, color=style.INK)
        for column, panel in enumerate(_panels(scene, palette)):
            _show(axes, panel, _left(column), top, _SIDE * _shape(scene)[1], tall)
        top += tall
    axes.set_aspect("auto")
    axes.set_xlim(0, style.WIDTH)
    axes.set_ylim(height, 0)
    figure.legend(handles=handles, loc="lower center", ncols=_NAMES, handlelength=1.1)
    return figure


def _left(column: int) -> float:
    return _EDGE + column * (_SIDE + _GAP)


def _shape(scene: Scene) -> tuple[float, float]:
    """(height, width) as shares of the longer side."""
    height, width = scene.truth.shape
    return height / max(height, width), width / max(height, width)


def _label(kind: str, scene: Scene) -> str:
    empty = ", nothing but background" if scene.empty and not kind.startswith("nothing") else ""
    return f"test image {scene.number}, mean IoU {scene.iou:.3f}{empty}"


def _panels(scene: Scene, palette: np.ndarray) -> Iterator[np.ndarray]:
    """Image, truth, prediction and errors, each uint8 (h, w, 3) of at most _PIXELS a side."""
    step = -(-max(scene.truth.shape) // _PIXELS)
    truth, predicted = scene.truth[::step, ::step], scene.predicted[::step, ::step]
    errors = np.where((truth == predicted)[..., None], _RIGHT, _WRONG)
    yield _shrunk(scene.image, step)
    yield palette[truth]
    yield palette[predicted]
    yield np.where((truth == VOID)[..., None], _WHITE, errors).astype(np.uint8)


def _shrunk(image: np.ndarray, step: int) -> np.ndarray:
    """Means of step x step pixels, uint8; what is left over at the end is repeated."""
    height, width = (-(-side // step) * step for side in image.shape[:2])
    full = np.pad(image, ((0, height - len(image)), (0, width - image.shape[1]), (0, 0)), "edge")
    blocks = full.reshape(height // step, step, width // step, step, 3)
    return np.asarray(blocks.mean(axis=(1, 3)).round().astype(np.uint8))


def _show(axes: Axes, panel: np.ndarray, left: float, top: float, wide: float, tall: float) -> None:
    axes.imshow(panel, extent=(left, left + wide, top + tall, top), interpolation="none")
    axes.add_patch(Rectangle((left, top), wide, tall, fill=False, edgecolor=style.FAINT, lw=0.6))


def _legend(several: list[Scene], classes: list[str], palette: np.ndarray) -> list[Patch]:
    """A patch for every class that is seen or predicted in these scenes, and for the errors."""
    masks = [mask for scene in several for mask in (scene.truth, scene.predicted)]
    found = np.unique(np.concatenate([np.unique(mask) for mask in masks])).tolist()
    names = dict(enumerate(style.class_names(classes))) | {VOID: "void"}
    colours = {names.get(number, str(number)): palette[number] for number in found}
    colours |= {"wrong": np.array(_WRONG), "right": np.array(_RIGHT)}
    return [
        Patch(facecolor=colour / 255, edgecolor=style.FAINT, lw=0.6, label=name)
        for name, colour in colours.items()
    ]
