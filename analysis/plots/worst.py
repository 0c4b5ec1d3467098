"""Test images read wrongly, the most confident mistakes of each class."""

from __future__ import annotations

import numpy as np

from analysis import style
from analysis.experiment.per_class import Mistake
from analysis.plots.picture import Picture

_EACH = 3
_ROW = 0.62  # height of a class, in


def worst(
    found: dict[int, list[Mistake]], classes: list[str], what: str, slug: str
) -> Picture | None:
    """A row a true class, three images with what was read; None where nothing is wrong."""
    if not found:
        return None
    height = 0.3 + _ROW * len(found)
    figure = style.figure(height)
    figure.set_layout_engine(None)
    # Axes units are inches from the upper left, so that images and words share one system.
    axes = figure.add_axes((0, 0, 1, (height - 0.2) / height))
    axes.set_axis_off()
    for row, (true, several) in enumerate(found.items()):
        top = row * _ROW + 0.06
        axes.text(0.08, top + 0.26, classes[true], va="center", fontsize=12, weight="bold")
        for column, mistake in enumerate(several[:_EACH]):
            left = 0.45 + column * (style.WIDTH - 0.45) / _EACH
            axes.imshow(
                mistake.image, extent=(left, left + 0.52, top + 0.52, top), interpolation="none"
            )
            axes.text(left + 0.58, top + 0.13, _first(mistake, classes), fontsize=7.5, va="center")
            axes.text(
                left + 0.58,
                top + 0.37,
                _second(mistake, classes),
                fontsize=6.5,
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


def _first(mistake: Mistake, classes: list[str]) -> str:
    return f"read {classes[mistake.read]}, {mistake.confidence:.0%}"


def _second(mistake: Mistake, classes: list[str]) -> str:
    return f"then {classes[mistake.runner_up]},\n{mistake.runner_up_probability:.1%}"
