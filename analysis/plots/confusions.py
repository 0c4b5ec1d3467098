"""Confusion matrices."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from analysis import style
from analysis.experiment.per_class import by_row, confused_pairs
from analysis.plots.picture import Picture

_NUMBERED = 12  # with more classes the numbers would not be readable


def confusions(
    counts: np.ndarray, classes: list[str], what: str, slug: str, pooled: str
) -> list[Picture]:
    """Counts, and shares of each true class. pooled: how many predictions of which cells."""
    shares = by_row(counts)
    pairs = confused_pairs(counts)
    most = (
        f"Most often, {classes[pairs[0][0]]} is read as {classes[pairs[0][1]]} "
        f"({pairs[0][2]} times, {pairs[0][3]:.1%} of its images)."
        if pairs
        else "Nothing is read wrongly."
    )
    recall = np.diag(shares)
    worst = int(recall.argmin())
    read = f"{np.trace(counts) / max(1, counts.sum()):.1%} of {pooled} are right."
    lowest = f"Class {classes[worst]} is read correctly least often ({recall[worst]:.1%})."
    alt = f"Matrix of {len(classes)} true classes by {len(classes)} classes read"
    return [
        Picture(
            f"confusion-{slug}",
            "Confusion matrix, counts",
            _matrix(counts, classes, [[f"{n}" if n else "" for n in row] for row in counts]),
            f"{what}: {read} {most}",
            f"{alt}, counts of {pooled}.",
        ),
        Picture(
            f"confusion_shares-{slug}",
            "Confusion matrix, % of each true class",
            _matrix(shares, classes, [[_percent(s) for s in row] for row in shares]),
            f"{what}: each row sums to 100% of a true class. {lowest}",
            f"{alt}, each row normalised, of {pooled}.",
        ),
    ]


def _percent(share: float) -> str:
    return "" if share == 0 else "<1" if share < 0.01 else f"{100 * share:.0f}"


def _matrix(values: np.ndarray, classes: list[str], labels: list[list[str]]) -> Figure:
    # Placed by hand: laying out two hundred numbers costs more than drawing them.
    figure = style.figure(4.3)
    figure.set_layout_engine(None)
    axes = figure.add_axes((0.11, 0.11, 0.86, 0.83))
    # The root brings out the rare mistakes beside the frequent right answers.
    norm = PowerNorm(0.5, vmin=0, vmax=max(float(values.max()), 1e-9))
    axes.imshow(values, cmap="Blues", norm=norm, aspect="auto")
    if len(classes) <= _NUMBERED:
        for (row, column), value in np.ndenumerate(values):
            colour = "white" if norm(value) > 0.6 else style.INK
            axes.text(
                column,
                row,
                labels[row][column],
                ha="center",
                va="center",
                fontsize=8,
                color=colour,
            )
    axes.set_xticks(range(len(classes)), classes)
    axes.set_yticks(range(len(classes)), classes)
    axes.set_xlabel("read as")
    axes.set_ylabel("true class")
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure
