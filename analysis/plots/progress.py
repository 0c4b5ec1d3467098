"""The course of a search: best so far against trials and against epochs spent."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis import style, text
from analysis.load import Run
from analysis.plots.picture import Picture
from study.words import counted


def best_so_far(run: Run) -> Picture | None:
    """Objective of every completed trial and the best until then; None for a single trial.

    Trials are counted in the order of their numbers, in which they were asked for: of the last
    ones, asked for together, the longest began first.
    """
    trials = run.trials.sort_values("trial")
    value = trials[run.objective.name].to_numpy(dtype=float, na_value=np.nan)
    counts = trials["state"].eq("completed").to_numpy() & np.isfinite(value)
    if not counts.any() or len(trials) < 2:
        return None
    better = np.fmax if run.objective.direction == "max" else np.fmin
    course = better.accumulate(np.where(counts, value, np.nan))
    spent = trials["epoch"].to_numpy(dtype=float).cumsum()
    figure = style.figure(4.6)
    panels = figure.subplots(2, 1, sharey=True)
    proposed = np.arange(1, len(trials) + 1)
    for axes, x, label in (
        (panels[0], proposed, "trials, in the order they were proposed"),
        (panels[1], spent, "epochs spent, all trials together"),
    ):
        dots = axes.scatter(x[counts], value[counts], s=16, color=style.VALIDATION, alpha=0.7)
        style.thin_out(dots, int(counts.sum()), style.VALIDATION)
        axes.step(x, course, where="post", color=style.INK, lw=1.8)
        axes.set_xlabel(label)
        axes.set_xlim(0, x[-1] * 1.03)
        style.whole_number_ticks(axes)
        axes.set_ylabel(f"{run.objective.label}", fontsize=8.5)
    _focus(panels[0], value[counts], course[np.isfinite(course)], run.objective.direction)
    figure.legend(
        handles=[
            Line2D([], [], color=style.INK, label="best so far"),
            Line2D([], [], color=style.VALIDATION, marker="o", ms=4, lw=0, label="completed trial"),
        ],
        loc="outside upper left",
        ncols=2,
    )
    alt = (
        f"Two step charts of the best {run.objective.label} so far: against "
        f"{counted(len(trials), 'trial')} in the order they were proposed and against "
        f"{int(spent[-1]):,} epochs."
    )
    caption = _caption(run, trials, course, spent)
    return Picture("best_so_far", "Best so far", figure, caption, alt)


def _focus(axes: Axes, value: np.ndarray, course: np.ndarray, direction: str) -> None:
    """Keep a single hopeless trial from flattening the step line: clip its side."""
    low, high = value.min(), value.max()
    if len(value) >= 8:
        low, high = (
            (min(np.percentile(value, 10), course.min()), high)
            if direction == "max"
            else (low, max(np.percentile(value, 90), course.max()))
        )
    pad = (high - low) * 0.08 or max(abs(high) * 0.05, 1e-3)
    axes.set_ylim(low - pad, high + pad)


def _caption(run: Run, trials: pd.DataFrame, course: np.ndarray, spent: np.ndarray) -> str:
    final = course[-1]
    found = int(np.flatnonzero(course == final)[0])
    number = int(trials["trial"].iloc[found])
    label = run.objective.label
    share = spent[found] / spent[-1] if spent[-1] else 0.0
    found_at = (
        f"Trials are counted in the order they were proposed. The best {label} "
        f"({text.metric(final)}) came from trial {number}, after {share:.0%} of the "
        f"{int(spent[-1]):,} epochs spent."
    )
    late = found >= 0.75 * (len(trials) - 1)
    verdict = (
        "It was found late: more trials may well find better."
        if late
        else "Nothing better was found after that."
    )
    return f"{found_at} {verdict}"
