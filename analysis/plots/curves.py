"""Learning curves of one trial: clean training against validation."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis import style, text
from analysis.load import Run
from analysis.plots.picture import Picture
from analysis.task import Task
from study.metrics import Metric
from study.words import counted

PANEL = 2.3  # height of a panel, in


def best_curves(run: Run, trial: int, state: str) -> Picture:
    """Clean training against validation, loss above the shares, for one trial.

    What is measured on validation images only (mean IoU) has one line.
    """
    rows = run.epochs[run.epochs["trial"] == trial].sort_values("epoch")
    curves = run.task.curves
    figure = style.figure(PANEL * len(curves))
    panels = figure.subplots(len(curves), 1, sharex=True)
    for axes, (kind, label) in zip(panels, curves.items(), strict=True):
        _panel(axes, rows, kind)
        axes.set_ylabel(label)
    low = finite(rows["val_loss"])
    if np.isfinite(low).any():
        where = int(np.nanargmin(low))
        panels[0].plot(
            rows["epoch"].iloc[where], low[where], "o", ms=9, mfc="none", mec=style.INK, mew=1.3
        )
    panels[1].legend(loc="best")
    panels[-1].set_xlabel("epoch")
    style.whole_number_ticks(panels[-1])
    title = f"Learning curves of trial {trial}" + (
        ", the best" if state == "completed" else f" ({text.STATES[state]})"
    )
    alt = (
        f"Line charts over {counted(len(rows), 'epoch')}: {said(run.task)} of trial {trial} "
        "on clean training images and on validation images."
    )
    caption = _of_loss(rows) + _of_objective(rows, run.objective)
    return Picture("curves_best", title, figure, caption, alt)


def _panel(axes: Axes, rows: pd.DataFrame, kind: str) -> None:
    drawn = False
    for part, colour, name in (
        ("train", style.TRAIN, "training, clean images"),
        ("val", style.VALIDATION, "validation"),
    ):
        if f"{part}_{kind}" not in rows:
            continue
        values = finite(rows[f"{part}_{kind}"])
        size = 4 if len(rows) <= 30 else 0
        axes.plot(rows["epoch"], values, color=colour, marker="o", markersize=size, label=name)
        drawn |= bool(np.isfinite(values).any())
    axes.margins(x=0.04, y=0.08)
    if not drawn:
        style.mark_empty(axes)


def said(task: Task) -> str:
    """The metrics of the panels in words: "loss and accuracy"."""
    return text.listed([label.split(" (")[0] for label in task.curves.values()])


def _of_objective(rows: pd.DataFrame, objective: Metric) -> str:
    """Where the objective was best and how it ended; "" of the loss, which is said already."""
    values = finite(rows[objective.name])
    if objective.name == "val_loss" or len(values) < 2 or not np.isfinite(values).any():
        return ""
    highest = objective.direction == "max"
    where, last = int(np.nanargmax(values) if highest else np.nanargmin(values)), len(values) - 1
    what = (
        f" {text.capital(objective.label)}, the objective, is {'highest' if highest else 'lowest'}"
    )
    if where == last:
        return f"{what} in the last epoch ({values[last]:.3f})."
    end = (
        f"ends at {values[last]:.3f}" if np.isfinite(values[last]) else "is not finite in the last"
    )
    epochs = rows["epoch"].to_numpy()
    return f"{what} after epoch {epochs[where]} of {epochs[last]} ({values[where]:.3f}) and {end}."


def _of_loss(rows: pd.DataFrame) -> str:
    loss = finite(rows["val_loss"])
    if not np.isfinite(loss).any():
        return "Its loss was not finite in any epoch: there is nothing to read from this trial."
    where, last = int(np.nanargmin(loss)), len(rows) - 1
    epochs = rows["epoch"].to_numpy()
    gap = loss[last] - float(rows["train_loss"].iloc[last])
    if last == 0:
        first = f"One epoch only: validation loss {loss[0]:.3f}."
    elif where == last:
        first = (
            f"Validation loss is lowest in the last epoch ({loss[last]:.3f}): it had not begun to "
            "rise."
        )
    elif not math.isfinite(loss[last]):
        first = (
            f"Validation loss is lowest after epoch {epochs[where]} of {epochs[last]} "
            f"({loss[where]:.3f}, circled) and not finite in the last."
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


def finite(values: pd.DataFrame | pd.Series) -> np.ndarray:
    """The values as floats with infinities as NaN, which no line is drawn through."""
    array = values.to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isfinite(array), array, np.nan)
