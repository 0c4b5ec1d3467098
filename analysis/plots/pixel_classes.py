"""How the classes of a segmentation are distributed over the splits: by pixels and by images."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from analysis import style, text
from analysis.plots.classes import SPLITS
from analysis.plots.picture import Picture

_ROW = 0.23  # height of a class, in
_APART = 0.22  # of a split's point beside its class's line, so that all three are seen


def pixel_classes(
    pixels: dict[str, list[int]],
    images: dict[str, list[int]],
    sizes: dict[str, int],
    classes: list[str],
) -> Picture | None:
    """Share of pixels (log scale) and share of images that hold a class, a point a split.

    pixels, images: counts by split ("train", "val", "test") and class. sizes: images of the
    splits. None where no split has counts.
    """
    splits = [name for name in SPLITS if sum(pixels.get(name) or [])]
    if not splits:
        return None
    shares = {name: np.array(pixels[name]) / sum(pixels[name]) for name in splits}
    held = {
        name: np.array(images[name]) / sizes[name]
        for name in splits
        if name in images and sizes.get(name)
    }
    figure = style.figure(1.1 + _ROW * len(classes))
    panels = figure.subplots(1, 2 if held else 1, sharey=True, squeeze=False)[0]
    _points(panels[0], shares)
    panels[0].set_xscale("log")
    panels[0].set_xlabel("share of pixels (log scale)")
    if held:
        _points(panels[1], held)
        panels[1].set_xlim(-0.04, 1.04)
        panels[1].set_xlabel("share of images that hold it")
    panels[0].set_yticks(range(len(classes)), style.class_names(classes))
    panels[0].set_ylim(len(classes) - 0.4, -0.6)
    for axes in panels:
        axes.tick_params(axis="y", length=0, labelcolor=style.INK)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    alt = (
        f"Dot plots of {len(classes)} classes in the "
        f"{text.listed([SPLITS[name][0] for name in splits])} split: share of pixels on a log "
        "scale, and share of the images that hold the class."
    )
    caption = _caption(shares, classes)
    return Picture("class_distribution", "Classes in each split", figure, caption, alt)


def _points(axes: Axes, shares: dict[str, np.ndarray]) -> None:
    shift = np.linspace(-_APART, _APART, len(shares)) if len(shares) > 1 else [0.0]
    for (name, values), apart in zip(shares.items(), shift, strict=True):
        label, colour = SPLITS[name]
        there = np.flatnonzero(values)  # a class that is not there has no point
        axes.plot(values[there], there + apart, "o", ms=3.6, color=colour, label=label)


def _caption(shares: dict[str, np.ndarray], classes: list[str]) -> str:
    first, values = next(iter(shares.items()))
    there = np.flatnonzero(values)
    most, least = int(values.argmax()), int(there[values[there].argmin()])
    return (
        f"By pixels, {classes[most]} makes up {values[most]:.1%} of the {SPLITS[first][0]} split "
        f"and {classes[least]} {values[least]:.2%}, void left out, at the network's size."
        f"{_lacking(shares, classes)} Training and validation as seed 0 splits them; the splits "
        "are the same for all systems."
    )


def _lacking(shares: dict[str, np.ndarray], classes: list[str]) -> str:
    """Which classes have no point, with the splits that lack the same ones together."""
    splits: dict[str, list[str]] = {}
    for name, values in shares.items():
        absent = text.listed([classes[number] for number in np.flatnonzero(values == 0)])
        splits.setdefault(absent, []).append(SPLITS[name][0])
    found = [
        f"{absent} in the {text.listed(named)} split" for absent, named in splits.items() if absent
    ]
    return f" Without a pixel, and a point: {'; '.join(found)}." if found else ""
