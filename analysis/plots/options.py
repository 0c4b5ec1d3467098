"""An axis of options: a band each, with dots spread within it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis import style
from study.domains import Choice, Domain

_BAND = 0.42  # half the width of an option's band, of the distance between two options
_MOST_SHIFT = 0.3  # of a dot from the middle of its option's band


def draw_apart(axes: Axes, domain: Choice) -> None:
    """A band an option: nothing lies between two of them, as it does on an axis of numbers."""
    axes.grid(visible=False, axis="x")
    axes.tick_params(axis="x", length=0)
    for place in range(len(domain.options)):
        axes.axvspan(place - _BAND, place + _BAND, color=style.GRID, alpha=0.5, lw=0, zorder=0)


def positions(domain: Domain, values: pd.Series) -> np.ndarray:
    """x of every trial; an option's place among the options of a choice."""
    if not isinstance(domain, Choice):
        return np.asarray(values.to_numpy(dtype=float, na_value=np.nan))
    index = {option: place for place, option in enumerate(domain.options)}
    places: np.ndarray = values.map(index).to_numpy(dtype=float, na_value=np.nan)
    return places


def jitter(places: np.ndarray) -> np.ndarray:
    """Shifts that keep dots of one option from hiding each other, symmetric about its place.

    Neighbours in `places`, which are alike in the objective, are put far apart.
    """
    shifts = np.zeros(len(places))
    for place in np.unique(places[np.isfinite(places)]):
        of_option = np.flatnonzero(places == place)
        count = len(of_option)
        most = min(_MOST_SHIFT, 0.04 * count)
        order = np.argsort(np.arange(count) * 0.618 % 1)
        shifts[of_option[order]] = np.linspace(-most, most, count) if count > 1 else 0.0
    return shifts
