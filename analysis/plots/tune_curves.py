"""Curves of a Ray Tune experiment that this project did not make."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from analysis import style, text
from analysis.plots.picture import Picture
from study.words import counted

if TYPE_CHECKING:
    from analysis.tune import TuneRun

_COLUMNS, _MOST = 2, 12


def tune_curves(run: TuneRun) -> list[Picture]:
    """Every numeric metric against the training iteration, a line a trial; perhaps none."""
    from analysis.tune import STEP

    shown = [name for name in run.metrics if np.isfinite(run.results[name]).any()][:_MOST]
    if not shown:
        return []
    rows = math.ceil(len(shown) / _COLUMNS)
    figure = style.figure(0.3 + 1.6 * rows)
    grid = figure.subplots(rows, _COLUMNS, sharex=True, squeeze=False)
    alpha = max(0.15, min(0.8, 12 / len(run.folders)))
    for axes, name in zip(grid.flat, shown, strict=False):
        for _, results in run.results.groupby("trial"):
            values = results[name].replace([np.inf, -np.inf], np.nan)
            marker = "o" if len(results) == 1 else ""
            colour = style.VALIDATION
            axes.plot(results[STEP], values, color=colour, lw=1, alpha=alpha, marker=marker, ms=3)
        axes.set_title(name.replace("$", r"\$"), fontsize=8.5)
        style.whole_number_ticks(axes, 5)
    for axes in grid.flat[len(shown) :]:
        axes.set_visible(False)
    figure.supxlabel("training iteration", fontsize=9)
    hidden = len(run.metrics) - len(shown)
    left_out = f" {counted(hidden, 'more metric is', 'more metrics are')} in the table."
    caption = (
        f"{counted(len(run.folders), 'trial')}, a line each, longest "
        f"{int(run.results[STEP].max())} iterations. Which way each metric is better is not "
        f"recorded.{left_out if hidden else ''}"
    )
    alt = f"Line charts of {text.listed(shown)} against training iteration, one line a trial."
    return [Picture("curves", "Metrics against training iteration", figure, caption, alt)]
