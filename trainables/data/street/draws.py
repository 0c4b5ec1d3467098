"""Random numbers and colours of one scene, made from uniform numbers alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Colour = tuple[float, float, float]  # red, green, blue, each 0..255
T = TypeVar("T")


class Draws:
    """Scalars from one generator: how many are drawn never depends on the picture's size."""

    def __init__(self, rng: np.random.Generator):
        self.rng = rng

    def uniform(self, low: float, high: float) -> float:
        """A number in [low, high)."""
        return low + (high - low) * float(self.rng.random())

    def chance(self, probability: float) -> bool:
        """True as often as the probability says."""
        return float(self.rng.random()) < probability

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, all alike."""
        return options[int(self.rng.random() * len(options))]

    def weighted(self, weights: Sequence[float]) -> int:
        """An index, as often as its weight says."""
        left = float(self.rng.random()) * sum(weights)
        for index, weight in enumerate(weights):
            left -= weight
            if left < 0:
                return index
        return len(weights) - 1

    def order(self, count: int) -> list[int]:
        """0..count-1, shuffled."""
        keys = self.rng.random(count)
        return sorted(range(count), key=lambda index: float(keys[index]))

    def colour(self, *palette: Colour, spread: float = 15.0) -> Colour:
        """One of the palette's, made lighter or darker and shifted by up to `spread`."""
        light = self.uniform(0.7, 1.2)
        red, green, blue = self.pick(palette)
        return (
            red * light + self.uniform(-spread, spread),
            green * light + self.uniform(-spread, spread),
            blue * light + self.uniform(-spread, spread),
        )


def scaled(colour: Colour, factor: float) -> Colour:
    """Lighter (above 1) or darker (below 1)."""
    return colour[0] * factor, colour[1] * factor, colour[2] * factor
