"""One panel of learning curves of many trials: thin lines, or bands that summarise them."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from analysis import style
from study.records import STATES

MARKED = ("pruned", "diverged", "failed")  # states whose last epoch is marked
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def draw_trials(
    axes: Axes, rows: pd.DataFrame, values: np.ndarray, banded: Collection[str], best: int | None
) -> None:
    """A line a trial, bands for the states in `banded`, the best trial on top.

    rows: "trial", "epoch" and "state", sorted by the first two. values: (rows,), NaN where
    there is nothing to draw.
    """
    if not np.isfinite(values).any():
        style.mark_empty(axes)
    trial, epoch = rows["trial"].to_numpy(), rows["epoch"].to_numpy(float)
    for state in STATES:
        chosen = rows["state"].eq(state).to_numpy()
        if state in banded:
            _bands(axes, epoch[chosen], values[chosen], state)
        elif chosen.any():
            points = np.column_stack([epoch[chosen], values[chosen]])
            starts = np.flatnonzero(np.diff(trial[chosen])) + 1
            _lines(axes, np.split(points, starts), state)
    chosen = trial == best
    if best is not None and chosen.any():
        marker = "o" if chosen.sum() == 1 else ""
        axes.plot(epoch[chosen], values[chosen], color=style.INK, lw=2, marker=marker, ms=4)
    axes.autoscale_view()


def _bands(axes: Axes, epoch: np.ndarray, values: np.ndarray, state: str) -> None:
    """Quantiles of the values at every epoch that any of the trials has reached."""
    table = pd.Series(values).groupby(epoch).quantile(list(_QUANTILES)).unstack()
    colour = style.STATE_COLOURS[state]
    for low, high, alpha in ((0.05, 0.95, 0.2), (0.25, 0.75, 0.3)):
        axes.fill_between(table.index, table[low], table[high], color=colour, alpha=alpha, lw=0)
    axes.plot(table.index, table[0.5], color=colour, lw=1.4)


def _lines(axes: Axes, curves: list[np.ndarray], state: str) -> None:
    """A line a trial; curves: (epochs, 2) each."""
    colour, dense = style.STATE_COLOURS[state], len(curves) > style.DENSE
    alpha = max(0.03, min(0.6, 60 / len(curves)))
    lines = LineCollection(curves, colors=colour, linewidths=0.9, alpha=alpha)
    lines.set_rasterized(dense)
    axes.add_collection(lines, autolim=False)
    ends = np.array([c[-1] for c in curves if len(c) == 1 or state in MARKED])
    if len(ends):
        x, y = ends.T
        marks = axes.scatter(x, y, s=12, marker=style.STATE_MARKERS[state], color=colour)
        marks.set(linewidths=0.9, alpha=min(1.0, alpha * 1.5))
        marks.set_rasterized(dense)
    drawn = np.concatenate(curves)
    drawn = drawn[np.isfinite(drawn[:, 1])]
    if len(drawn):
        axes.update_datalim(drawn)
