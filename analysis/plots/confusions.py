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
_NAMED = 5  # of classes that are right alike; more are counted
_LETTER = 0.052  # mean width of a letter of 8 pt type, in
_DIGIT = 0.077  # of a digit, with its share of a comma, in
_EDGE = 0.15  # right of the cells, in


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
    right = f"{np.trace(counts) / counts.sum():.1%} of {pooled} are right."
    alt = f"Matrix of {len(classes)} true classes by {len(classes)} classes {task.predicted}"
    return [
        Picture(
            f"confusion-{slug}",
            "Confusion matrix, counts",
            _matrix(counts, classes, task, share=False),
            f"{what}: {right} {most}{_in_units(counts, classes)}",
            f"{alt}, counts of {pooled}.",
        ),
        Picture(
            f"confusion_shares-{slug}",
            "Confusion matrix, % of each true class",
            _matrix(100 * shares, classes, task, share=True),
            f"{what}: each row sums to 100% of a true class. {_least_right(counts, classes)}",
            f"{alt}, each row normalised, of {pooled}.",
        ),
    ]


def _least_right(counts: np.ndarray, classes: list[str]) -> str:
    """Which class is right least often, with all that are so alike; absent ones are not."""
    there = np.flatnonzero(counts.sum(axis=1))
    recall = np.diag(by_row(counts))[there]
    lowest = recall.min()
    worst = [classes[number] for number in there[recall == lowest]]
    if len(worst) == len(there) > 1:
        return f"Every class is right equally often ({lowest:.1%})."
    if len(worst) == 1:
        return f"Class {worst[0]} is right least often ({lowest:.1%})."
    which = (
        f"Classes {text.listed(worst)}"
        if len(worst) <= _NAMED
        else f"{len(worst)} of {len(there)} classes"
    )
    return f"{which} are right least often ({lowest:.1%} each)."


def _unit(counts: np.ndarray, classes: list[str]) -> int:
    """What all the cells are counted in, so that the largest count fits into its own."""
    cell = (style.WIDTH - _margin(classes) - _EDGE) / len(classes)
    unit = 1
    while len(str(counts.max() // unit)) * _DIGIT > cell:
        unit *= 1000
    return unit


def _margin(classes: list[str]) -> float:
    """Room for the names at the left of the cells and below, in."""
    longest = max(map(len, style.class_names(classes)))
    return 0.4 + _LETTER * longest if longest > 2 else 0.53


def _in_units(counts: np.ndarray, classes: list[str]) -> str:
    """That the numbers are of thousands or millions, to end a caption; "" where they are not."""
    unit = _unit(counts, classes) if len(classes) <= _NUMBERED else 1
    return f" Counts are in units of {unit:,}." if unit > 1 else ""


def _rounded(value: float) -> str:
    """Without decimals; of what is more than nothing never 0."""
    return "<1" if 0 < value < 1 else f"{value:,.0f}"


def _matrix(values: np.ndarray, classes: list[str], task: Task, share: bool) -> Figure:
    """A matrix of counts or of percentages; numbers in the cells, or a scale if too many."""
    names = style.class_names(classes)
    margin = _margin(classes)
    bar = 0.75 if len(classes) > _NUMBERED else 0.0
    # Placed by hand: laying out two hundred numbers costs more than drawing them.
    width, height = style.WIDTH - margin - _EDGE - bar, 3.57
    figure = style.figure(height + margin + 0.26)
    figure.set_layout_engine(None)
    box = np.array([margin, margin, width, height]) / np.tile(figure.get_size_inches(), 2)
    axes = figure.add_axes(tuple(box))
    norm = _norm(values, share, task)
    image = axes.imshow(np.ma.masked_equal(values, 0), cmap="Blues", norm=norm, aspect="auto")
    # A class that is never predicted has a column too, where all is white.
    between = np.arange(len(classes) + 1) - 0.5
    axes.hlines(between, -0.5, len(classes) - 0.5, color=style.GRID, lw=0.6)
    axes.vlines(between, -0.5, len(classes) - 0.5, color=style.GRID, lw=0.6)
    if bar:
        beside = figure.add_axes((box[0] + box[2] + 0.02, box[1], 0.025, box[3]))
        label = "% of the true class" if share else task.counted
        figure.colorbar(image, cax=beside, label=label)
    else:
        _number(axes, values, norm, 1 if share else _unit(values, classes))
    axes.set_xticks(range(len(classes)), names, rotation=90 if max(map(len, names)) > 2 else 0)
    axes.set_yticks(range(len(classes)), names)
    axes.set_xlabel(task.predicted)
    axes.set_ylabel("true class")
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def _number(axes: Axes, values: np.ndarray, norm: Normalize, unit: int) -> None:
    for (row, column), value in np.ndenumerate(values):
        dark = value and norm(value) > 0.6
        colour = "white" if dark else style.INK if value else style.FAINT
        shown = _rounded(value / unit)
        axes.text(column, row, shown, ha="center", va="center", fontsize=8, color=colour)


def _norm(values: np.ndarray, share: bool, task: Task) -> Normalize:
    """A root brings out rare mistakes beside right answers; pixels span more than that."""
    if share or not task.counts_pixels:
        return PowerNorm(0.5, vmin=0, vmax=max(float(values.max()), 1e-9))
    # From below the smallest count, so that it is seen on white.
    return LogNorm(vmin=values[values > 0].min() / 3, vmax=values.max())
