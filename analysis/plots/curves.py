"""Learning curves: the best trial's, and all trials' together."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from analysis import style, text
from analysis.load import Run
from analysis.plots.picture import Picture
from study.records import STATES

_MARKED = ("pruned", "diverged", "failed")  # states whose last epoch is marked
_PANELS = {"loss": "loss (nats)", "accuracy": "accuracy (fraction)"}


def best_curves(run: Run, trial: int, state: str) -> Picture:
    """Clean training against validation, loss above accuracy, for one trial."""
    rows = run.epochs[run.epochs["trial"] == trial].sort_values("epoch")
    figure = style.figure(4.6)
    panels = figure.subplots(2, 1, sharex=True)
    for axes, (kind, label) in zip(panels, _PANELS.items(), strict=True):
        for part, colour, name in (
            ("train", style.TRAIN, "training, clean images"),
            ("val", style.VALIDATION, "validation"),
        ):
            axes.plot(
                rows["epoch"],
                _finite(rows[f"{part}_{kind}"]),
                color=colour,
                marker="o",
                markersize=4 if len(rows) <= 30 else 0,
                label=name,
            )
        axes.set_ylabel(label)
        axes.margins(x=0.04, y=0.08)
        if not np.isfinite(_finite(rows[[f"train_{kind}", f"val_{kind}"]])).any():
            style.mark_empty(axes)
    low = _finite(rows["val_loss"])
    if np.isfinite(low).any():
        where = int(np.nanargmin(low))
        panels[0].plot(
            rows["epoch"].iloc[where], low[where], "o", ms=9, mfc="none", mec=style.INK, mew=1.3
        )
    panels[1].legend(loc="best")
    panels[1].set_xlabel("epoch")
    style.whole_number_ticks(panels[1])
    title = f"Learning curves of trial {trial}" + (
        ", the best" if state == "completed" else f" ({state})"
    )
    alt = (
        f"Two line charts over {text.counted(len(rows), 'epoch')}: loss and accuracy of trial "
        f"{trial} on clean training images and on validation images."
    )
    return Picture("curves_best", title, figure, _best_caption(rows), alt)


def _best_caption(rows: pd.DataFrame) -> str:
    loss = _finite(rows["val_loss"])
    if not np.isfinite(loss).any():
        return "Its loss was not finite in any epoch: there is nothing to read from this trial."
    where, last = int(np.nanargmin(loss)), len(rows) - 1
    epochs = rows["epoch"].to_numpy()
    gap = loss[last] - float(rows["train_loss"].iloc[last])
    if last == 0:
        first = f"One epoch only: validation loss {loss[0]:.3f}."
    elif where == last:
        first = (
            f"Validation loss is lowest in the last epoch ({loss[last]:.3f}): it was still "
            "falling or flat, and overfitting had not set in."
        )
    else:
        rise = loss[last] - loss[where]
        first = (
            f"Validation loss is lowest after epoch {epochs[where]} of {epochs[last]} "
            f"({loss[where]:.3f}, circled) and ends {rise:.3f} above that: the later epochs did "
            "not lower it."
        )
    if not math.isfinite(gap):
        return first
    side = "above" if gap >= 0 else "below"
    return f"{first} It ends {abs(gap):.3f} nats {side} the loss on clean training images."


def all_curves(run: Run, best: int | None) -> Picture:
    """Every trial as a thin line coloured by state: training left, validation right."""
    figure = style.figure(4.6)
    grid = figure.subplots(2, 2, sharex=True, sharey="row")
    state_of = run.trials.set_index("trial")["state"]
    cut = False
    for row, (kind, label) in enumerate(_PANELS.items()):
        for column, part in enumerate(("train", "val")):
            axes, name = grid[row, column], f"{part}_{kind}"
            _lines(axes, run.epochs, name, state_of, best)
            if row == 0:
                axes.set_title("training, clean" if part == "train" else "validation")
            else:
                axes.set_xlabel("epoch")
        grid[row, 0].set_ylabel(label)
    limit = _loss_limit(run)
    worst = np.nanmax(_finite(run.epochs[["train_loss", "val_loss"]]), initial=0.0)
    if worst > limit:
        grid[0, 0].set_ylim(0, limit)
        cut = True
    style.whole_number_ticks(grid[1, 1], 5)
    figure.legend(handles=_handles(run, best), loc="outside lower center", ncols=3)
    alt = (
        f"Four panels of thin lines, one for each of {text.counted(len(run.trials), 'trial')}: "
        "loss above, accuracy below, clean training images left, validation images right."
    )
    caption = _all_caption(run, best)
    if cut:
        caption += f" Losses above {limit:.1f} nats leave the frame."
    return Picture("curves_all", "Learning curves of all trials", figure, caption, alt)


def _lines(
    axes: Axes, epochs: pd.DataFrame, name: str, state_of: pd.Series, best: int | None
) -> None:
    rows = epochs.sort_values(["trial", "epoch"], kind="stable")
    points = np.column_stack([rows["epoch"].to_numpy(float), _finite(rows[name])])
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
    finite = points[np.isfinite(points[:, 1])]
    if len(finite):
        axes.update_datalim(finite)
    else:
        style.mark_empty(axes)
    axes.autoscale_view()


def _loss_limit(run: Run) -> float:
    """Upper end of the loss axis, nats: twice the loss of a guess, or the bulk of the data."""
    classes = max(2, len(run.manifest.data.get("class_counts", {}).get("val", [])) or 10)
    losses = _finite(run.epochs[["train_loss", "val_loss"]])
    losses = losses[np.isfinite(losses)]
    bulk = float(np.percentile(losses, 90)) if len(losses) else 0.0
    return max(1.2 * math.log(classes), 1.1 * bulk)


def _all_caption(run: Run, best: int | None) -> str:
    counts = run.trials["state"].value_counts()
    pruned, diverged = int(counts.get("pruned", 0)), int(counts.get("diverged", 0))
    parts = []
    if best is not None:
        last = run.trials.loc[run.trials["state"] == "completed"]
        gap = _finite(last["val_loss"]) - _finite(last["train_loss"])
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


def _finite(values: pd.DataFrame | pd.Series) -> np.ndarray:
    """The values as floats with infinities as NaN, which no line is drawn through."""
    array = values.to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isfinite(array), array, np.nan)
