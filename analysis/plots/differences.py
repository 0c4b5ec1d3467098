"""Paired differences: every seed of every claim, against zero and what was claimed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib import ticker

from analysis import style, text
from analysis.arrange import arrange
from analysis.evidence import oriented_effects
from analysis.plots.picture import Picture
from analysis.verdicts import Verdict
from study.claims import Claim
from study.words import counted, in_units

COLOURS = {
    "supported": "#1a7f4b",
    "refuted": "#b3382c",
    "inconclusive": "#8a6100",
    "withheld": "#6b4a9e",
}


class Row(NamedTuple):
    """A claim at one of its budgets. effects: first arm minus second, a value a seed."""

    claim: Claim
    verdict: str
    budget: int
    effects: np.ndarray
    low: float
    high: float


def differences(cells: pd.DataFrame, verdicts: Sequence[Verdict]) -> list[Picture]:
    """One dot plot for each unit, of the claims that have a verdict."""
    decided = [v for v in verdicts if v.verdict != "withheld"]
    units = dict.fromkeys(verdict.unit for verdict in decided)
    return [
        _dot_plot([row for v in decided if v.unit == unit for row in _rows(cells, v)], unit)
        for unit in units
    ]


def _rows(cells: pd.DataFrame, verdict: Verdict) -> list[Row]:
    claim = verdict.claim
    effects = claim.sign * oriented_effects(claim, arrange(cells, claim).estimated)
    return [
        Row(claim, verdict.verdict, at.budget, values, at.low, at.high)
        for at, values in zip(verdict.budgets, effects, strict=True)
    ]


def _dot_plot(rows: list[Row], unit: str) -> Picture:
    scale, words = in_units(1.0, unit)
    figure = style.figure(0.9 + 0.6 * len(rows))
    axes = figure.subplots()
    for place, row in enumerate(rows):
        colour, least = COLOURS[row.verdict], scale * row.claim.smallest_effect
        axes.fill_between([-least, least], place - 0.42, place + 0.42, color=style.GRID, lw=0)
        spread = place + np.linspace(-0.22, 0.22, len(row.effects))
        axes.scatter(scale * row.effects, spread, s=13, color=colour, alpha=0.55, linewidths=0)
        axes.plot([scale * row.low, scale * row.high], [place, place], color=colour, lw=2.6)
        axes.plot(scale * row.effects.mean(), place, "D", color=colour, ms=6, mec="white", mew=0.8)
    axes.axvline(0, color=style.INK, lw=1)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), [_label(row) for row in rows])
    axes.tick_params(axis="y", length=0, labelsize=7.5, labelcolor=style.INK)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(f"effect ({words})")
    axes.xaxis.set_major_locator(ticker.MaxNLocator(6))
    axes.margins(x=0.06)
    kind = "Slopes along the strengths" if "per unit" in unit else "Paired differences"
    alt = (
        f"Dot plot of {counted(len(rows), 'row')}, one a claim and budget: the effect of "
        "every seed, mean, 95% interval, the zero line and the smallest effect of interest."
    )
    slug = "slopes" if "per unit" in unit else unit.split()[0]
    title = f"{kind} ({words})"
    return Picture(f"differences-{slug}", title, figure, _caption(rows, unit), alt)


def _label(row: Row) -> str:
    label = f"{row.claim.id}\n{row.budget} epochs, claimed {_claimed(row)}"
    last = row.budget == row.claim.decisive_budgets[-1]  # the verdict is of all its rows
    return f"{label}\n{row.verdict}" if last else label


def _claimed(row: Row) -> str:
    """What the claim says at this budget, as an arrow."""
    claim, arrow = row.claim, "→" if row.claim.sign > 0 else "←"
    if row.budget == claim.decisive_budgets[-1]:
        return arrow
    return f"not yet {arrow}" if row.budget == claim.decisive_budgets[0] else "nothing"


def _caption(rows: list[Row], unit: str) -> str:
    clear = sum(row.low > 0 or row.high < 0 for row in rows)
    width = [abs(row.effects.mean()) for row in rows]
    largest = rows[int(np.argmax(width))]
    crosses = any(row.claim.decided_by == "crossover" for row in rows)
    of_crossovers = ", of a crossover for its longest budget and not yet for its shortest"
    size, words = in_units(float(largest.effects.mean()), unit)
    return (
        f"Intervals that exclude zero: {clear} of {len(rows)}. The largest effect is that of "
        f"{largest.claim.id} at {largest.budget} epochs ({text.signed(size)} {words}). "
        "Every point is a seed, diamonds are means with 95% intervals; the grey band holds "
        "effects declared too small to matter, the arrow is the direction claimed"
        f"{of_crossovers if crosses else ''}."
    )
