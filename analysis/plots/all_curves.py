"""Learning curves of all trials together."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from analysis import style, text
from analysis.load import Run
from analysis.plots.curves import PANEL, finite, said
from analysis.plots.picture import Picture
from study.records import STATES

_MARKED = ("pruned", "diverged", "failed")  # states whose last epoch is marked


def all_curves(run: Run, best: int | None) -> Picture:
    """Every trial as a thin line coloured by state: training left, validation right."""
    curves = run.task.curves
    figure = style.figure(PANEL * len(curves))
    grid = figure.subplots(len(curves), 2, sharex=True, sharey="row")
    state_of = run.trials.set_index("trial")["state"]
    for row, (kind, label) in enumerate(curves.items()):
        for axes, part in zip(grid[row], ("train", "val"), strict=True):
            if f"{part}_{kind}" in run.epochs:
                _lines(axes, run.epochs, f"{part}_{kind}", state_of, best)
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
    figure.legend(handles=_handles(run, best), loc="outside lower center", ncols=3)
    alt = (
        f"Panels of thin lines, one for each of {text.counted(len(run.trials), 'trial')}, from "
        f"above: {said(run.task)}; clean training images left, validation images right."
    )
    caption = _all_caption(run, best)
    if cut:
        caption += f" Losses above {limit:.1f} nats leave the frame."
    return Picture("curves_all", "Learning curves of all trials", figure, caption, alt)


def _lines(
    axes: Axes, epochs: pd.DataFrame, name: str, state_of: pd.Series, best: int | None
) -> None:
    rows = epochs.sort_values(["trial", "epoch"], kind="stable")
    points = np.column_stack([rows["epoch"].to_numpy(float), finite(rows[name])])
    numbers = rows["trial"].to_numpy()
    starts = np.flatnonzero(np.diff(numbers)) + 1
    segments = np.split(points, starts)
    owners = numbers[np.concatenate([[0], starts])]
    states = state_of.reindex(owners).to_numpy()
    for state in STATES:
        chosen = [s for s, of in zip(segments, states, strict=True) if of == state]
        colour, dense = style.STATE_COLOURS[state], len(chosen) > style.DENSE
        alpha = max(0.03, min(0.6, 60 / max(1, len(chosen))))
        lines = LineCollection(chosen, colors=colour, linewidths=0.9, alpha=alpha)
        lines.set_rasterized(dense)
        axes.add_collection(lines, autolim=False)
        ends = [s[0] for s in chosen if len(s) == 1] + [
            s[-1] for s in chosen if len(s) > 1 and state in _MARKED
        ]
        if ends:
            x, y = np.array(ends).T
            marks = axes.scatter(x, y, s=12, marker=style.STATE_MARKERS[state], color=colour)
            marks.set(linewidths=0.9, alpha=min(1.0, alpha * 1.5))
            marks.set_rasterized(dense)
    if best is not None and best in owners:
        curve = segments[int(np.flatnonzero(owners == best)[0])]
        axes.plot(*curve.T, color=style.INK, lw=2, marker="o" if len(curve) == 1 else "", ms=4)
    drawn = points[np.isfinite(points[:, 1])]
    if len(drawn):
        axes.update_datalim(drawn)
    else:
        style.mark_empty(axes)
    axes.autoscale_view()


def _loss_limit(run: Run) -> float:
    """Upper end of the loss axis, nats: above a blind guess and above the bulk of the data."""
    classes = max(2, len(run.manifest.data.get("class_counts", {}).get("val", [])) or 10)
    losses = finite(run.epochs[["train_loss", "val_loss"]])
    losses = losses[np.isfinite(losses)]
    bulk = float(np.percentile(losses, 90)) if len(losses) else 0.0
    return max(1.2 * math.log(classes), 1.1 * bulk)


def _all_caption(run: Run, best: int | None) -> str:
    counts = run.trials["state"].value_counts()
    pruned, diverged = int(counts.get("pruned", 0)), int(counts.get("diverged", 0))
    parts = []
    if best is not None:
        last = run.trials.loc[run.trials["state"] == "completed"]
        gap = finite(last["val_loss"]) - finite(last["train_loss"])
        parts.append(
            f"Completed trials ({len(last)}) end with a validation loss {np.nanmedian(gap):.3f} "
            "nats above the clean training loss (median)."
        )
    if pruned:
        trials = text.counted(pruned, "trial was", "trials were")
        parts.append(f"{trials} stopped early: these lines end where the scheduler cut them.")
    if diverged:
        parts.append(f"{text.counted(diverged, 'trial')} diverged, marked ×.")
    return " ".join(parts) or "No trial has come to its end yet."


def _handles(run: Run, best: int | None) -> list[Line2D]:
    present = [state for state in STATES if (run.trials["state"] == state).any()]
    handles = []
    for state in present:
        marker = style.STATE_MARKERS[state] if state in _MARKED else ""
        line = Line2D([], [], color=style.STATE_COLOURS[state], marker=marker, ms=4, lw=1)
        line.set_label(state)
        handles.append(line)
    if best is not None:
        handles.append(Line2D([], [], color=style.INK, lw=2, label=f"best: trial {best}"))
    return handles
