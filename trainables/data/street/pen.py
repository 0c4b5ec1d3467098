"""Shapes by their distance functions, painted back to front into a window of a picture.

Only additions, multiplications, divisions, square roots and comparisons touch a pixel, in
a fixed order: IEEE arithmetic makes these the same on every machine, unlike matrix
products and the functions of the mathematical library.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from trainables.data.masks import VOID
from trainables.data.street.draws import Colour
from trainables.data.street.picture import Field, Picture, Place

Point = tuple[float, float]

THINNEST = 1.3 / 64  # in image sides: thin parts keep about a pixel at the default size
# Void around an object, in pixels and in image sides: the larger counts. VOC's is about a
# hundredth of the picture.
BORDER_PIXELS, BORDER = 1.3, 0.01


class Pen:
    """Paints one object's parts, in its own coordinates, and keeps its outline.

    u: float32 (h, w), to the right of the foot; v: float32 (h, 1), up from it; both in the
    object's heights. Shapes are signed distances in that unit, positive inside.
    """

    def __init__(self, picture: Picture, place: Place):
        side = picture.side
        self.border = max(BORDER_PIXELS / side, BORDER) / place.height
        left, right, above, below = (length * place.height for length in place.reach)
        if place.mirrored:
            left, right = right, left
        margin = self.border * place.height + 2 / side
        rows = _window(place.y - above - margin, place.y + below + margin, side)
        columns = _window(place.x - left - margin, place.x + right + margin, side)
        x = (picture.axis[None, columns] - place.x) / place.height
        self.v = (place.y - picture.axis[rows, None]) / place.height
        self.u = (x - self.v * place.lean) * (-1 if place.mirrored else 1)
        self.pixel = 1 / (side * place.height)
        self.thinnest = THINNEST / place.height
        self.rgb = picture.rgb[:, rows, columns]
        self.mask = picture.mask[rows, columns]
        self.grain = picture.grain[rows, columns]
        self.light = 1 + x * picture.light[0] + (self.v - 0.5) * picture.light[1]
        self.outline = np.full(self.u.shape, -np.inf, np.float32)

    def paint(self, shape: Field, colour: Colour, grain: float = 0.0, glow: bool = False) -> Field:
        """Cover `shape` with a colour; returns the shape.

        grain: how much the colour is mottled, as a factor. glow: the light makes no difference.
        """
        np.maximum(self.outline, shape, out=self.outline)
        coverage = _share(shape * (1 / self.pixel) + 0.5)
        opaque = coverage if glow else coverage * self.light
        if grain:
            opaque = opaque * (1 + self.grain * grain)
        self.rgb *= 1 - coverage
        self.rgb += opaque * np.array(colour, np.float32)[:, None, None]
        return shape

    def wash(self, opacity: Field, colour: Colour) -> None:
        """Mix a colour in, as much as `opacity` says (held to 0..1); not part of the outline."""
        share = _share(opacity)
        self.rgb *= 1 - share
        self.rgb += share * np.array(colour, np.float32)[:, None, None]

    def label(self, index: int) -> None:
        """Write the class into the mask, and void along the outside of its outline."""
        self.mask[(self.outline > -self.border) & (self.outline <= 0)] = VOID
        self.mask[self.outline > 0] = index

    def thin(self, width: float) -> float:
        """`width`, or the least that can still be seen at the default size."""
        return max(width, self.thinnest)

    def box(
        self, left: float, bottom: float, right: float, top: float, corner: float = 0.0
    ) -> Field:
        """A rectangle, its corners rounded by the radius `corner`."""
        x = np.abs(self.u - (left + right) / 2) - ((right - left) / 2 - corner)
        y = np.abs(self.v - (bottom + top) / 2) - ((top - bottom) / 2 - corner)
        if not corner:
            return -np.maximum(x, y)
        outside = np.sqrt(np.square(np.maximum(x, 0)) + np.square(np.maximum(y, 0)))
        return corner - outside - np.minimum(np.maximum(x, y), 0)

    def disc(self, x: float, y: float, across: float, up: float | None = None) -> Field:
        """A disc of radius `across`, or an ellipse with the half axes `across` and `up`."""
        up = across if up is None else up
        radius = np.sqrt(np.square((self.u - x) / across) + np.square((self.v - y) / up))
        return (1 - radius) * min(across, up)

    def ring(self, x: float, y: float, radius: float, width: float) -> Field:
        """A circle drawn with a line of some width."""
        return self.thin(width) / 2 - np.abs(self.disc(x, y, radius))

    def line(self, width: float, *points: Point) -> Field:
        """A polyline with round ends."""
        shape = np.full(self.u.shape, -np.inf, np.float32)
        for (x, y), (to_x, to_y) in pairwise(points):
            dx, dy = to_x - x, to_y - y
            u, v = self.u - x, self.v - y
            along = np.clip((u * dx + v * dy) / (dx * dx + dy * dy), 0, 1)
            distance = np.sqrt(np.square(u - along * dx) + np.square(v - along * dy))
            np.maximum(shape, self.thin(width) / 2 - distance, out=shape)
        return shape

    def polygon(self, *points: Point) -> Field:
        """A convex polygon, its corners given clockwise."""
        shape = np.full(self.u.shape, np.inf, np.float32)
        for (x, y), (to_x, to_y) in zip(points, (*points[1:], points[0]), strict=True):
            dx, dy = to_x - x, to_y - y
            length = float(np.sqrt(dx * dx + dy * dy))
            distance = ((self.u - x) * (dy / length)) - ((self.v - y) * (dx / length))
            np.minimum(shape, distance, out=shape)
        return shape


def stripes(along: Field, period: float, share: float, offset: float = 0.0) -> Field:
    """Bands across a coordinate: `share` of every `period` is inside."""
    phase = (along - offset) / period
    return period * (share / 2 - np.abs(phase - np.floor(phase) - np.float32(0.5)))


def both(*shapes: Field) -> Field:
    """What lies in every one of the shapes."""
    result = shapes[0]
    for shape in shapes[1:]:
        result = np.minimum(result, shape)
    return result


def _share(values: Field) -> Field:
    """Values held to 0..1, in place."""
    np.maximum(values, 0, out=values)
    return np.minimum(values, 1, out=values)


def _window(start: float, stop: float, side: int) -> slice:
    """The pixels between two coordinates; may be empty."""
    first = min(max(int(start * side), 0), side)
    return slice(first, max(first, min(int(stop * side) + 1, side)))
