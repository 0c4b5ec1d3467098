"""Generalisation gap against augmentation strength, every seed a point."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis import style, text
from analysis.experiment import names
from analysis.experiment.cells import Experiment
from analysis.experiment.estimates import estimate
from analysis.plots.picture import Picture


def gap_by_strength(experiment: Experiment, models: list[str]) -> Picture | None:
    """A panel a model, at its longest budget; None where no model has two strengths."""
    tables = {model: _gaps(experiment, model) for model in models}
    tables = {m: (b, t) for m, (b, t) in tables.items() if t.dropna(how="all", axis=1).shape[1] > 1}
    if not tables:
        return None
    figure = style.figure(3.5)
    grid = figure.subplots(1, len(tables), sharey=True, squeeze=False)
    said = []
    for axes, (model, (budget, table)) in zip(grid.flat, tables.items(), strict=True):
        _panel(axes, table)
        axes.set_title(f"{names.title(model)}, {budget} epochs")
        axes.set_xlabel("augmentation strength")
        said.append(_said(model, budget, table))
    grid[0, 0].set_ylabel("validation − clean training loss (nats)")
    for axes in grid.flat:
        axes.axhline(0, color=style.MUTED, lw=0.9, ls=":")
    caption = (
        f"{' '.join(said)} Every point is a seed and thin lines join the points of one seed; "
        "diamonds are means with 95% intervals."
    )
    alt = (
        f"Scatter plot of the generalisation gap against augmentation strength for "
        f"{text.listed([names.title(model) for model in tables])}, one point a seed."
    )
    title = "Generalisation gap against augmentation strength"
    return Picture("gap_by_strength", title, figure, caption, alt)


def _gaps(experiment: Experiment, model: str) -> tuple[int, pd.DataFrame]:
    """(longest budget, gap with a row a seed and a column a strength)."""
    conditions = [c for c in experiment.conditions if c.arm.model == model]
    budget = max(condition.budget for condition in conditions)
    columns = {
        c.arm.strength: experiment.of(c).set_index("seed")["gap"]
        for c in conditions
        if c.budget == budget
    }
    return budget, pd.DataFrame(columns)


def _panel(axes: Axes, table: pd.DataFrame) -> None:
    strengths, values = table.columns.to_numpy(float), table.to_numpy(float)
    axes.plot(strengths, values.T, color=style.FAINT, lw=0.7)
    for strength, gaps in zip(strengths, values.T, strict=True):
        axes.scatter(
            np.full(len(gaps), strength), gaps, s=14, color=style.VALIDATION, alpha=0.5, lw=0
        )
    found = [estimate(gaps, "gap") for gaps in values.T]
    mean = [f.mean for f in found]
    axes.plot(strengths, mean, color=style.VALIDATION, marker="D", ms=6, mec="white", zorder=4)
    for strength, one in zip(strengths, found, strict=True):
        axes.plot([strength] * 2, [one.low, one.high], color=style.VALIDATION, lw=2.6, zorder=3)
    axes.set_xticks(strengths, [f"{strength:g}" for strength in strengths])
    axes.margins(x=0.12)


def _said(model: str, budget: int, table: pd.DataFrame) -> str:
    mean = table.mean().dropna()
    first, last = mean.index[0], mean.index[-1]
    steps = np.diff(mean.to_numpy())
    course = (
        "falling at every step"
        if (steps < 0).all()
        else "rising at every step"
        if (steps > 0).all()
        else "not the same way at every step"
    )
    start, end = (text.fixed(mean[strength], 3) for strength in (first, last))
    return (
        f"{names.title(model)} after {budget} epochs: the mean gap goes from {start} at "
        f"strength {first:g} to {end} at {last:g}, {course}."
    )
