"""One look for every figure: sizes, type and a palette safe for colour-blind readers.

Figures are 4.8 in wide with 9 pt type, so that they are still read on a 390 px wide phone.
Colours are Okabe and Ito's (jfly.uni-koeln.de/color); states differ by marker as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure

from study.domains import Choice, Domain, Int

WIDTH = 4.8
INK, MUTED, FAINT, GRID = "#1b1f24", "#5b6570", "#b9c0c8", "#e3e6ea"
TRAIN, VALIDATION = "#d55e00", "#0072b2"
STATE_COLOURS = {
    "completed": "#0072b2",
    "pruned": "#9aa3ad",
    "diverged": "#d55e00",
    "failed": "#cc79a7",
    "running": "#009e73",
}
STATE_MARKERS = {"completed": "o", "pruned": "v", "diverged": "x", "failed": "P", "running": "s"}
LONGEST = 16  # characters of a class's name in a figure
DENSE = 300  # more marks than this are drawn as pixels inside the SVG
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

DPI = 160  # of PNG files; text is laid out at the same, for its widths depend on it

_RC: dict[Any, Any] = {
    "figure.dpi": DPI,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "svg.hashsalt": "crossover",
    "savefig.facecolor": "white",
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw and save figures inside this block; global settings are as before after it."""
    with mpl.rc_context(_RC):
        yield


def figure(height: float) -> Figure:
    """An empty figure of the common width; `height` in inches."""
    return Figure(figsize=(WIDTH, height), layout="constrained")


def name_data(figure: Figure, data: str) -> None:
    """Write the data set's name into the figure, for when it is shown without its caption."""
    name = data.replace("$", r"\$")  # two of them would start mathematics
    # Without a layout that makes room for it, a share of the height would be far down a tall one.
    free = figure.get_layout_engine() is None
    at = {"y": 1 - 0.05 / figure.get_figheight(), "va": "top"} if free else {}
    figure.suptitle(f"data: {name}", x=0.995, ha="right", fontsize=7, color=MUTED, **at)


def loss_axis(axes: Axes, losses: np.ndarray) -> None:
    """A log scale with plain numbers where losses span more than a factor of four."""
    finite = losses[np.isfinite(losses) & (losses > 0)]
    if not finite.size:
        mark_empty(axes)
        return
    if finite.max() / finite.min() <= 4:
        return
    axes.set_yscale("log")
    axes.set_ylim(finite.min() / 1.15, finite.max() * 1.15)
    axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5), numticks=12))
    axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(ticker.NullLocator())


def mark_empty(axes: Axes) -> None:
    """Say in the panel that it has nothing to show."""
    axes.set_yticks([])
    axes.text(
        0.5, 0.5, "no finite value", transform=axes.transAxes, ha="center", va="center", color=MUTED
    )


def thin_out(marks: PathCollection, count: int, colour: str) -> None:
    """Make `count` points small, faint and pixels where they would hide one another."""
    if count > DENSE:
        marks.set(sizes=[4], linewidths=0, alpha=0.3, rasterized=True, color=colour)


def class_names(classes: list[str]) -> list[str]:
    """Names as labels of axes and legends: no longer than the figure allows, no mathematics."""
    cut = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in classes]
    return [name.replace("$", r"\$") for name in cut]


def voc_palette(classes: int) -> np.ndarray:
    """Pascal VOC's colours by class, uint8 (classes, 3); class 0, the background, is black.

    The bits of a class's number are dealt to red, green and blue in turn, most significant
    colour bit first. Source: `VOClabelcolormap.m` of the VOC 2012 development kit.
    """
    palette = np.zeros((classes, 3), dtype=np.uint8)
    for number in range(classes):
        for bit in range(8):
            for channel in range(3):
                dealt = number >> (3 * bit + channel) & 1
                palette[number, channel] |= dealt << (7 - bit)
    return palette


def lay_out(figure: Figure) -> None:
    """Place everything once; each file written afterwards then costs one drawing, not two."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
    figure.set_layout_engine(None)


def whole_number_ticks(axes: Axes, count: int = 7) -> None:
    """Ticks of the x axis at whole numbers only (epochs, trials)."""
    axes.xaxis.set_major_locator(ticker.MaxNLocator(nbins=count, integer=True, min_n_ticks=1))


def dimension_axis(axes: Axes, domain: Domain) -> None:
    """Scale, limits and ticks of the x axis as the search space has them."""
    if isinstance(domain, Choice):
        axes.set_xlim(-0.5, len(domain.options) - 0.5)
        axes.set_xticks(range(len(domain.options)), [str(option) for option in domain.options])
        return
    if domain.low == domain.high:
        return
    if domain.log:
        _log_axis(axes, domain.low, domain.high, whole=isinstance(domain, Int))
        margin = (domain.high / domain.low) ** 0.05
        axes.set_xlim(domain.low / margin, domain.high * margin)
    else:
        axes.xaxis.set_major_locator(ticker.MaxNLocator(nbins=5, integer=isinstance(domain, Int)))
        margin = (domain.high - domain.low) * 0.05
        axes.set_xlim(domain.low - margin, domain.high + margin)


def _log_axis(axes: Axes, low: float, high: float, whole: bool) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_minor_formatter(ticker.NullFormatter())
    if high / low >= 30 and not whole:
        axes.xaxis.set_major_locator(ticker.LogLocator(numticks=6))
        axes.xaxis.set_major_formatter(ticker.FuncFormatter(_power_of_ten))
        return
    ratio = (high / low) ** (1 / 4)
    ticks = [low * ratio**step for step in range(5)]
    ticks = sorted({round(tick) for tick in ticks} if whole else set(ticks))
    axes.xaxis.set_major_locator(ticker.FixedLocator(ticks))
    digits = ".0f" if whole else ".2g"
    axes.xaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:{digits}}"))
    axes.xaxis.set_minor_locator(ticker.NullLocator())


def _power_of_ten(value: float, _: int) -> str:
    """ "10⁻³": typeset by mathtext it would double the time of drawing the figure."""
    return "10" + str(round(math.log10(value))).translate(_SUPERSCRIPT)
