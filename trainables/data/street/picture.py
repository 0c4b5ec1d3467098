"""A picture in the making, and where in it a thing stands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Field = np.ndarray  # float32 (h, w), or what broadcasts to it


@dataclass(frozen=True)
class Picture:
    """What is painted on, and what paint is mixed with.

    rgb: float32 (3, S, S), 0..255. mask: uint8 (S, S). axis: float32 (S,), where pixels'
    centres lie, in image sides. grain: float32 (S, S), fine noise in -1..1. light: how much
    brighter a thing is at its right than at its left, and at its top than at its foot.
    """

    rgb: np.ndarray
    mask: np.ndarray
    axis: np.ndarray
    grain: Field
    light: tuple[float, float]

    @property
    def side(self) -> int:
        """Height and width in pixels."""
        return len(self.axis)


@dataclass(frozen=True)
class Place:
    """Where an object stands. Lengths in image sides, from the top left.

    x, y: its foot. height: of the object. reach: what it occupies, in its own heights: to
    the left, to the right, above its foot, below it. lean: tangent of its tilt. mirrored:
    left and right exchanged.
    """

    x: float
    y: float
    height: float
    reach: tuple[float, float, float, float]
    lean: float = 0.0
    mirrored: bool = False
