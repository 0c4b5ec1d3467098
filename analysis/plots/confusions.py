"""Confusion matrices."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize, PowerNorm
from matplotlib.figure import Figure

from analysis import style, text
from analysis.experiment.per_class import by_row, confused_pairs
from analysis.plots.picture import Picture
from analysis.task import Task

_NUMBERED = 12  # with more classes the numbers would not be readable
_LETTER = 0.052  # width of a letter of 8 pt type, in


def confusions(
    counts: np.ndarray, classes: list[str], what: str, slug: str, pooled: str, task: Task
) -> list[Picture]:
    """Counts, and shares of each true class. pooled: how many predictions of which cells."""
    shares = by_row(counts)
    pairs = confused_pairs(counts)
    most = (
        f"Most often, {classes[pairs[0][0]]} is {task.predicted} {classes[pairs[0][1]]} "
        f"({pairs[0][2]:,} times, {pairs[0][3]:.1%} of its {task.counted})."
        if pairs
        else "Nothing is wrong."
    )
    there = np.flatnonzero(counts.sum(axis=1))
    recall = np.diag(shares)
    worst = int(there[recall[there].argmin()])
    right = f"{np.trace(counts) / counts.sum():.1%} of {pooled} are right."
    lowest = f"Class {classes[worst]} is right least often ({recall[worst]:.1%})."
    alt = f"Matrix of {len(classes)} true classes by {len(classes)} classes {task.predicted}"
    return [
        Picture(
            f"confusion-{slug}",
            "Confusion matrix, counts",
            _matrix(counts, classes, task, share=False),
            f"{what}: {right} {most}",
            f"{alt}, counts of {pooled}.",
        ),
        Picture(
            f"confusion_shares-{slug}",
            "Confusion matrix, % of each true class",
            _matrix(100 * shares, classes, task, share=True),
            f"{what}: each row sums to 100% of a true class. {lowest}",
            f"{alt}, each row normalised, of {pooled}.",
        ),
    ]


def _percent(share: float) -> str:
    return "<1" if share < 1 else f"{share:.0f}"


def _matrix(values: np.ndarray, classes: list[str], task: Task, share: bool) -> Figure:
    """A matrix of counts or of percentages; numbers in the cells, or a scale if too many."""
    names = style.class_names(classes)
    longest = max(map(len, names))
    margin = 0.4 + _LETTER * longest if longest > 2 else 0.53
    bar = 0.75 if len(classes) > _NUMBERED else 0.0
    # Placed by hand: laying out two hundred numbers costs more than drawing them.
    width, height = style.WIDTH - margin - 0.15 - bar, 3.57
    figure = style.figure(height + margin + 0.26)
    figure.set_layout_engine(None)
    box = np.array([margin, margin, width, height]) / np.tile(figure.get_size_inches(), 2)
    axes = figure.add_axes(tuple(box))
    norm = _norm(values, share, task)
    image = axes.imshow(np.ma.masked_equal(values, 0), cmap="Blues", norm=norm, aspect="auto")
    if bar:
        beside = figure.add_axes((box[0] + box[2] + 0.02, box[1], 0.025, box[3]))
        label = "% of the true class" if share else task.counted
        figure.colorbar(image, cax=beside, label=label)
    else:
        _number(axes, values, norm, share)
    axes.set_xticks(range(len(classes)), names, rotation=90 if longest > 2 else 0)
    axes.set_yticks(range(len(classes)), names)
    axes.set_xlabel(task.predicted)
    axes.set_ylabel("true class")
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def _number(axes: Axes, values: np.ndarray, norm: Normalize, share: bool) -> None:
    for (row, column), value in np.ndenumerate(values):
        if value:
            shown = _percent(value) if share else text.compact(int(value))
            colour = "white" if norm(value) > 0.6 else style.INK
            axes.text(column, row, shown, ha="center", va="center", fontsize=8, color=colour)


def _norm(values: np.ndarray, share: bool, task: Task) -> Normalize:
    """A root brings out rare mistakes beside right answers; pixels span more than that."""
    if share or not task.counts_pixels:
        return PowerNorm(0.5, vmin=0, vmax=max(float(values.max()), 1e-9))
    # From below the smallest count, so that it is seen on white.
    return LogNorm(vmin=values[values > 0].min() / 3, vmax=values.max())
