"""Learning curves of one trial: clean training against validation."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from analysis import style, text
from analysis.load import Run
from analysis.plots.picture import Picture

PANELS = {"loss": "loss (nats)", "accuracy": "accuracy (fraction)"}


def best_curves(run: Run, trial: int, state: str) -> Picture:
    """Clean training against validation, loss above accuracy, for one trial."""
    rows = run.epochs[run.epochs["trial"] == trial].sort_values("epoch")
    figure = style.figure(4.6)
    panels = figure.subplots(2, 1, sharex=True)
    for axes, (kind, label) in zip(panels, PANELS.items(), strict=True):
        for part, colour, name in (
            ("train", style.TRAIN, "training, clean images"),
            ("val", style.VALIDATION, "validation"),
        ):
            axes.plot(
                rows["epoch"],
                finite(rows[f"{part}_{kind}"]),
                color=colour,
                marker="o",
                markersize=4 if len(rows) <= 30 else 0,
                label=name,
            )
        axes.set_ylabel(label)
        axes.margins(x=0.04, y=0.08)
        if not np.isfinite(finite(rows[[f"train_{kind}", f"val_{kind}"]])).any():
            style.mark_empty(axes)
    low = finite(rows["val_loss"])
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
            f"Validation loss is lowest in the last epoch ({loss[last]:.3f}): it was still "
            "falling or flat, and overfitting had not set in."
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
