"""Test images read wrongly, the most confident mistakes of each class."""

from __future__ import annotations

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from analysis import style
from analysis.experiment.per_class import Mistake
from analysis.plots.picture import Picture

_EACH = 3  # at most; fewer where names are long
_ROW = 0.62  # height of a class, in
_SIDE, _EDGE, _SPACE = 0.52, 0.08, 0.06  # of an image, of the figure, between image and words, in
_FIRST, _SECOND = 7.0, 6.5  # type sizes, pt


def worst(
    found: dict[int, list[Mistake]], classes: list[str], what: str, slug: str
) -> Picture | None:
    """A row a true class, up to three images with what was read; None where nothing is wrong."""
    if not found:
        return None
    height = 0.3 + _ROW * len(found)
    figure = style.figure(height)
    figure.set_layout_engine(None)
    # Axes units are inches from the upper left, so that images and words share one system.
    axes = figure.add_axes((0, 0, 1, (height - 0.2) / height))
    axes.set_axis_off()
    names = style.class_names(classes)
    size = 12.0 if max(map(len, names)) <= 2 else 8.0
    margin, step, each = _layout(names, size)
    found = {true: several[:each] for true, several in found.items()}
    for row, (true, several) in enumerate(found.items()):
        top = row * _ROW + 0.06
        axes.text(_EDGE, top + 0.26, names[true], va="center", fontsize=size, weight="bold")
        for column, mistake in enumerate(several):
            left = margin + column * step
            axes.imshow(
                mistake.image, extent=(left, left + _SIDE, top + _SIDE, top), interpolation="none"
            )
            x = left + _SIDE + _SPACE
            axes.text(x, top + 0.13, _first(mistake, names), fontsize=_FIRST, va="center")
            axes.text(
                x,
                top + 0.39,
                _second(mistake, names),
                fontsize=_SECOND,
                va="center",
                color=style.MUTED,
            )
    axes.set_aspect("auto")
    axes.set_xlim(0, style.WIDTH)
    axes.set_ylim(_ROW * len(found) + 0.1, 0)
    everything = [mistake for several in found.values() for mistake in several]
    sure = float(np.mean([m.confidence > 0.9 for m in everything]))
    second = float(np.mean([m.runner_up == m.true for m in everything]))
    caption = (
        f"{what}, seed 0: the most confident mistakes of each true class (left). {sure:.0%} of the "
        f"{len(everything)} shown were made with more than 90% confidence; in {second:.0%} the "
        "right class was the runner-up."
    )
    alt = f"{len(everything)} test images read wrongly, with the class read, confidence, runner-up."
    return Picture(f"mistakes-{slug}", "Most confident mistakes", figure, caption, alt)


def _layout(names: list[str], size: float) -> tuple[float, float, int]:
    """Where the first image starts, from one image to the next (both in), and images a row."""
    margin = _EDGE + _widest(names, size, "bold") + 0.1
    needed = _SIDE + 2 * _SPACE + _widest([f"read {name}" for name in names], _FIRST)
    each = min(_EACH, max(1, int((style.WIDTH - margin) / needed)))
    return margin, (style.WIDTH - margin) / each, each


def _widest(words: list[str], size: float, weight: str = "normal") -> float:
    """Width of the longest of these, in."""
    font = FontProperties(size=size, weight=weight)
    measure = text_to_path.get_text_width_height_descent
    return max(float(measure(word, font, ismath=False)[0]) for word in words) / 72


def _first(mistake: Mistake, names: list[str]) -> str:
    return f"read {names[mistake.read]}\n{mistake.confidence:.0%}"


def _second(mistake: Mistake, names: list[str]) -> str:
    return f"then {names[mistake.runner_up]}\n{mistake.runner_up_probability:.1%}"
