"""Generalisation gap against augmentation strength, every seed a point."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis import style, text
from analysis.experiment import names
from analysis.experiment.cells import Experiment
from analysis.experiment.estimates import estimate
from analysis.plots.picture import Picture
from study.arms import Arm


def gap_by_strength(experiment: Experiment, models: list[str]) -> Picture | None:
    """A panel for each arm's strengths, at its longest budget; None where none has two.

    Arms that differ in more than the strength are in panels of their own.
    """
    tables: dict[str, tuple[int, pd.DataFrame]] = {}
    for model in models:
        tables |= {n: (b, t) for n, b, t in _gaps(experiment, model) if _strengths(t) > 1}
    if not tables:
        return None
    figure = style.figure(3.5)
    grid = figure.subplots(1, len(tables), sharey=True, squeeze=False)
    said = []
    for axes, (name, (budget, table)) in zip(grid.flat, tables.items(), strict=True):
        _panel(axes, table)
        axes.set_title(f"{name}, {budget} epochs")
        axes.set_xlabel("augmentation strength")
        said.append(_said(name, budget, table))
    grid[0, 0].set_ylabel("validation − clean training loss (nats)")
    for axes in grid.flat:
        axes.axhline(0, color=style.MUTED, lw=0.9, ls=":")
    caption = (
        f"{' '.join(said)} Every point is a seed and thin lines join the points of one seed; "
        "diamonds are means with 95% intervals."
    )
    alt = (
        f"Scatter plot of the generalisation gap against augmentation strength for "
        f"{text.listed(list(tables))}, one point a seed."
    )
    title = "Generalisation gap against augmentation strength"
    return Picture("gap_by_strength", title, figure, caption, alt)


def _gaps(experiment: Experiment, model: str) -> Iterator[tuple[str, int, pd.DataFrame]]:
    """(name, longest budget, gap with a row a seed and a column a strength), each comparable.

    Arms are where they are alike but for their strength; a plain one is like those of every space.
    """
    arms = dict.fromkeys(c.arm for c in experiment.conditions if c.arm.model == model)
    groups: dict[tuple[str, tuple[str, ...]], list[Arm]] = {}
    for arm in arms:
        if arm.strength:
            groups.setdefault((arm.space.name, tuple(names.rest(arm))), []).append(arm)
    several = Counter(rest for _, rest in groups)
    for (space, rest), augmented in sorted(groups.items(), key=lambda group: group[0][1]):
        plain = [arm for arm in arms if not arm.strength and tuple(names.rest(arm)) == rest][:1]
        budget = max(c.budget for c in experiment.conditions if c.arm in augmented)
        columns = {
            c.arm.strength: experiment.of(c).set_index("seed")["gap"]
            for c in experiment.conditions
            if c.budget == budget and c.arm in (*plain, *augmented)
        }
        told = [*([space] if several[rest] > 1 else []), *rest]
        name = names.title(model) + (f" ({', '.join(told)})" if told else "")
        yield name, budget, pd.DataFrame(columns).sort_index(axis=1)


def _strengths(table: pd.DataFrame) -> int:
    """How many of them have a gap at all."""
    return int(table.notna().any().sum())


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


def _said(name: str, budget: int, table: pd.DataFrame) -> str:
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
        f"{name} after {budget} epochs: the mean gap goes from {start} at "
        f"strength {first:g} to {end} at {last:g}, {course}."
    )
