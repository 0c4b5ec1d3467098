"""The objective against each dimension of the search space."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis import style, text
from analysis.load import Run
from analysis.plots import options
from analysis.plots.picture import Picture
from study.domains import Choice, Domain, Float, Int
from study.records import CONFIG

_COLUMNS = 2
_SHOWN = ("pruned", "running", "completed")


def slices(run: Run, trials: pd.DataFrame, best: pd.Series | None) -> Picture | None:
    """One panel a searched dimension; None where nothing has a finite objective.

    trials: as `tables.ordered_trials` gives them, best first.
    """
    dimensions: dict[str, Domain] = {
        name: domain for name, domain in run.searched.items() if CONFIG + name in trials
    }
    value = trials[run.objective.name].to_numpy(dtype=float, na_value=np.nan)
    shown = np.isfinite(value) & trials["state"].isin(_SHOWN).to_numpy()
    if not dimensions or not shown.any():
        return None
    rows = math.ceil(len(dimensions) / _COLUMNS)
    figure = style.figure(0.55 + 1.75 * rows)
    grid = figure.subplots(rows, _COLUMNS, sharey=True, squeeze=False)
    for axes, (name, domain) in zip(grid.flat, dimensions.items(), strict=False):
        _panel(axes, name, domain, trials[shown], value[shown], best, run)
    for axes in grid.flat[len(dimensions) :]:
        axes.set_visible(False)
    figure.supylabel(run.objective.label, fontsize=9)
    figure.legend(handles=_handles(trials[shown], best), loc="outside lower center", ncols=3)
    alt = (
        f"Scatter plots of {run.objective.label} against "
        f"{text.listed([text.dimension(name) for name in dimensions])}, one point a trial."
    )
    if chosen := _of_options(dimensions):
        alt += f" For {chosen}, one band an option."
    return Picture(
        "slices",
        f"{text.capital(run.objective.label)} by hyperparameter",
        figure,
        _caption(run, trials, dimensions),
        alt,
    )


def _panel(
    axes: Axes,
    name: str,
    domain: Domain,
    trials: pd.DataFrame,
    value: np.ndarray,
    best: pd.Series | None,
    run: Run,
) -> None:
    style.dimension_axis(axes, domain)
    x = options.positions(domain, trials[CONFIG + name])
    if isinstance(domain, Choice):
        x = x + options.jitter(x)
        options.draw_apart(axes, domain)
    default = options.positions(domain, pd.Series([domain.default]))[0]
    axes.axvline(default, color=style.MUTED, lw=0.9, ls=":", zorder=1)
    for state in _SHOWN:
        chosen = trials["state"].eq(state).to_numpy()
        colour, full = style.STATE_COLOURS[state], state == "completed"
        marks = axes.scatter(
            x[chosen],
            value[chosen],
            s=20 if full else 16,
            marker=style.STATE_MARKERS[state],
            facecolors=colour if full else "none",
            edgecolors="white" if full else colour,
            linewidths=0.5 if full else 0.9,
            zorder=3 if full else 2,
        )
        style.thin_out(marks, int(chosen.sum()), colour)
    if best is not None:
        where = trials["trial"].eq(best["trial"]).to_numpy()
        axes.plot(x[where], value[where], "o", ms=9, mfc="none", mec=style.INK, mew=1.4, zorder=4)
    axes.margins(y=0.12)
    axes.set_xlabel(text.dimension_header(name, domain), fontsize=8.5)


def _caption(run: Run, trials: pd.DataFrame, dimensions: dict[str, Domain]) -> str:
    """Which dimension the best trials agree on most, as a share of the range searched."""
    ranked = trials[trials["rank"].notna()]
    top = ranked.head(max(3, len(ranked) // 4))
    widths = {
        name: _share(domain, top[CONFIG + name])
        for name, domain in dimensions.items()
        if isinstance(domain, (Float, Int)) and ranked[CONFIG + name].nunique() > 1
    }
    legend = "Dotted: the default."
    if chosen := _of_options(dimensions):
        legend += (
            f" Of {chosen} only the labelled values were tried: dots are moved a little to the "
            "side within a band so that they do not hide each other."
        )
    if len(ranked) < 6 or not widths:
        return f"{legend} Too few completed trials to say where the good values lie."
    name = min(widths, key=widths.__getitem__)
    values = top[CONFIG + name].astype(float)
    scale = " on a log scale" if text.scale(dimensions[name]) == "log" else ""
    return (
        f"The best {len(top)} of {len(ranked)} completed trials agree most on "
        f"{text.dimension(name)}: they lie in {text.number(values.min())} .. "
        f"{text.number(values.max())}, {widths[name]:.0%} of the range searched{scale}. {legend}"
    )


def _of_options(dimensions: dict[str, Domain]) -> str:
    """The dimensions that have options instead of a range, in words."""
    chosen = [name for name, domain in dimensions.items() if isinstance(domain, Choice)]
    return text.listed([text.dimension(name) for name in chosen])


def _share(domain: Float | Int, values: pd.Series) -> float:
    low, high = values.astype(float).min(), values.astype(float).max()
    ends = [low, high, domain.low, domain.high]
    low, high, start, end = np.log(ends) if domain.log else ends
    return float((high - low) / (end - start))


def _handles(trials: pd.DataFrame, best: pd.Series | None) -> list[Line2D]:
    handles = []
    for state in reversed(_SHOWN):
        if trials["state"].eq(state).any():
            colour = style.STATE_COLOURS[state]
            marker, fill = style.STATE_MARKERS[state], colour if state == "completed" else "none"
            line = Line2D([], [], lw=0, ms=5, marker=marker, mec=colour, mfc=fill)
            line.set_label(text.STATES[state])
            handles.append(line)
    if best is not None:
        handles.append(
            Line2D([], [], lw=0, ms=8, marker="o", mfc="none", mec=style.INK, label="best")
        )
    return handles
