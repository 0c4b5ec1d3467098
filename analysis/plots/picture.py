"""A figure with what belongs to it: name, title, caption and alternative text."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure


@dataclass(frozen=True)
class Picture:
    """name: of its files. caption: what to conclude. alt: what a reader without it misses."""

    name: str
    title: str
    figure: Figure
    caption: str
    alt: str
