"""Learning curves of all trials together."""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis import style, text
from analysis.load import Run
from analysis.plots.curves import PANEL, finite, said
from analysis.plots.panel import MARKED, draw_trials
from analysis.plots.picture import Picture
from study.records import STATES
from study.words import counted

MOST_LINES = 500  # of one state; more hide one another, and are summarised as bands
_BANDS = "bands: median, middle 50% and middle 90% of the trials\nthat trained as far as the epoch"


def all_curves(run: Run, best: int | None) -> Picture:
    """Every trial as a thin line coloured by state: training left, validation right.

    States of more than MOST_LINES trials are bands of quantiles, and the figure says so.
    """
    curves = run.task.curves
    figure = style.figure(PANEL * len(curves))
    grid = figure.subplots(len(curves), 2, sharex=True, sharey="row")
    rows, banded = _rows(run), _banded(run)
    for row, (kind, label) in enumerate(curves.items()):
        for axes, part in zip(grid[row], ("train", "val"), strict=True):
            if f"{part}_{kind}" in run.epochs:
                draw_trials(axes, rows, finite(rows[f"{part}_{kind}"]), banded, best)
            else:
                axes.set_visible(False)
        shown = [axes for axes in grid[row] if axes.get_visible()]
        shown[0].set_ylabel(label)
        shown[0].tick_params(labelleft=True)
    for axes, title in zip(grid[0], ("training, clean", "validation"), strict=True):
        axes.set_title(title)
    for column in grid.T:
        lowest = [axes for axes in column if axes.get_visible()][-1]
        lowest.set_xlabel("epoch")
        lowest.tick_params(labelbottom=True)
    limit = _loss_limit(run)
    cut = np.nanmax(finite(run.epochs[["train_loss", "val_loss"]]), initial=0.0) > limit
    if cut:
        grid[0, 0].set_ylim(0, limit)
    style.whole_number_ticks(grid[-1, 1], 5)
    legend = figure.legend(
        handles=_handles(run, banded, best),
        title=_BANDS if banded else None,
        loc="outside lower center",
        ncols=3,
    )
    legend.get_title().set(fontsize=8, multialignment="center")
    drawn = "thin lines or bands that summarise them" if banded else "thin lines, one"
    alt = (
        f"Panels of {drawn} for each of {counted(len(run.trials), 'trial')}, from "
        f"above: {said(run.task)}; clean training images left, validation images right."
    )
    caption = _caption(run, banded, best)
    if cut:
        caption += f" Losses above {limit:.1f} nats leave the frame."
    return Picture("curves_all", "Learning curves of all trials", figure, caption, alt)


def _rows(run: Run) -> pd.DataFrame:
    """The epochs in order with the trial's state, only the columns that are drawn."""
    drawn = [f"{part}_{kind}" for kind in run.task.curves for part in ("train", "val")]
    rows = run.epochs[["trial", "epoch", *(name for name in drawn if name in run.epochs)]]
    rows = rows.sort_values(["trial", "epoch"], kind="stable", ignore_index=True)
    return rows.assign(state=rows["trial"].map(run.trials.set_index("trial")["state"]))


def _banded(run: Run) -> dict[str, int]:
    """State -> trials, of the states that have more than MOST_LINES curves."""
    counts = run.trials.loc[run.trials["epoch"] > 0, "state"].value_counts()
    return {state: int(count) for state, count in counts.items() if count > MOST_LINES}


def _loss_limit(run: Run) -> float:
    """Upper end of the loss axis, nats: above a blind guess and above the bulk of the data."""
    classes = max(2, len(run.manifest.data.get("class_counts", {}).get("val", [])) or 10)
    losses = finite(run.epochs[["train_loss", "val_loss"]])
    losses = losses[np.isfinite(losses)]
    bulk = float(np.percentile(losses, 90)) if len(losses) else 0.0
    return max(1.2 * math.log(classes), 1.1 * bulk)


def _caption(run: Run, banded: Collection[str], best: int | None) -> str:
    counts = run.trials["state"].value_counts()
    pruned, diverged = int(counts.get("pruned", 0)), int(counts.get("diverged", 0))
    parts = []
    if best is not None:
        last = run.trials.loc[run.trials["state"] == "completed"]
        gap = np.nanmedian(finite(last["val_loss"]) - finite(last["train_loss"]))
        parts.append(
            f"Completed trials ({len(last)}) end with a validation loss {abs(gap):.3f} nats "
            f"{'above' if gap >= 0 else 'below'} the clean training loss (median)."
        )
    if pruned:
        trials = counted(pruned, "trial was", "trials were")
        what = "their band ends" if "pruned" in banded else "these lines end"
        parts.append(f"{trials} stopped early: {what} where the scheduler cut them.")
    if diverged:
        marked = "" if "diverged" in banded else ", marked ×"
        parts.append(f"{counted(diverged, 'trial')} diverged{marked}.")
    return " ".join(parts) or "No trial has come to its end yet."


def _handles(run: Run, banded: dict[str, int], best: int | None) -> list[Artist]:
    present = [state for state in STATES if (run.trials["state"] == state).any()]
    handles: list[Artist] = []
    for state in present:
        colour, marker = style.STATE_COLOURS[state], style.STATE_MARKERS[state]
        if state in banded:
            label = f"{text.STATES[state]} ({banded[state]:,})"
            handles.append(Patch(color=colour, alpha=0.4, lw=0, label=label))
        else:
            marker = marker if state in MARKED else ""
            label = text.STATES[state]
            handles.append(Line2D([], [], color=colour, marker=marker, ms=4, lw=1, label=label))
    if best is not None:
        handles.append(Line2D([], [], color=style.INK, lw=2, label=f"best: trial {best}"))
    return handles
