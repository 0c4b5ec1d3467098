"""Cars, buses, trucks and bicycles: how each is painted, in its own heights."""

from __future__ import annotations

from trainables.data.street.draws import Colour, Draws, scaled
from trainables.data.street.pen import Pen, both, stripes

RUBBER: Colour = (32, 32, 35)
GLASS: tuple[Colour, ...] = ((70, 90, 110), (40, 48, 58), (150, 175, 190))
PAINTS: tuple[Colour, ...] = (
    (185, 40, 38),
    (45, 75, 150),
    (215, 215, 215),
    (60, 62, 68),
    (150, 155, 160),
    (215, 170, 50),
    (50, 110, 75),
    (110, 70, 50),
)


def car(pen: Pen, draws: Draws) -> None:
    """From the side; where its cabin begins and ends is drawn."""
    paint, glass = draws.colour(*PAINTS), draws.colour(*GLASS, spread=10)
    front, rear = draws.uniform(0.5, 0.8), draws.uniform(0.65, 1.05)
    roof = draws.uniform(0.15, 0.4)
    pen.paint(pen.box(-1.1, 0.1, 1.1, 0.35), scaled(RUBBER, 1.2))
    cabin = pen.polygon((-rear, 0.5), (-rear + 0.28, 1.0), (roof, 1.0), (front, 0.5))
    pen.paint(cabin, paint)
    pen.paint(both(cabin - 0.09, pen.box(-2, 0.6, 2, 1)), glass)
    pen.paint(both(cabin, pen.box(-0.28, 0.5, -0.2, 1)), paint)
    pen.paint(pen.box(-1.15, 0.2, 1.15, 0.62, 0.16), paint)
    pen.paint(pen.line(0.03, (-1.0, 0.42), (1.0, 0.42)), scaled(paint, 0.7))
    pen.paint(pen.disc(1.05, 0.46, 0.09, 0.07), (250, 240, 200), glow=True)
    pen.paint(pen.box(-1.15, 0.42, -1.04, 0.54), (190, 30, 30))
    _wheels(pen, (-0.7, 0.7), 0.21)


def bus(pen: Pen, draws: Draws) -> None:
    """A band of colour below a row of panes, and a door."""
    paint = draws.colour((205, 60, 45), (225, 180, 55), (60, 95, 165), (225, 225, 220))
    glass = draws.colour(*GLASS, spread=10)
    body = pen.paint(pen.box(-1.2, 0.1, 1.2, 1.0, 0.08), paint)
    band = draws.colour(*PAINTS)
    pen.paint(both(body, pen.box(-2, 0.34, 2, draws.uniform(0.4, 0.46))), band)
    pen.paint(both(body, pen.box(-2, 0.1, 2, 0.18)), scaled(paint, 0.5))
    period, low = draws.uniform(0.26, 0.42), draws.uniform(0.5, 0.58)
    panes = both(pen.box(-1.1, low, 1.1, 0.86), stripes(pen.u, period, 0.8))
    pen.paint(panes, glass)
    pen.paint(pen.box(0.98, 0.42, 1.16, 0.88), scaled(glass, 1.2))
    pen.paint(pen.box(0.5, 0.16, 0.74, 0.84), scaled(glass, 0.8))
    _wheels(pen, (-0.72, 0.28), 0.16)


def truck(pen: Pen, draws: Draws) -> None:
    """A cab, and a box with ribs or a sign."""
    paint = draws.colour(*PAINTS)
    cargo = draws.colour((225, 222, 212), (120, 125, 130), (90, 110, 80), (170, 95, 60))
    pen.paint(pen.box(-1.2, 0.14, 1.1, 0.26), scaled(RUBBER, 1.3))
    box = pen.paint(pen.box(-1.25, 0.24, 0.42, 1.0, 0.02), cargo, grain=0.1)
    if draws.chance(0.6):
        pen.paint(both(box, stripes(pen.u, 0.14, 0.35)), scaled(cargo, 0.78))
    else:
        pen.paint(both(box, pen.box(-0.9, 0.45, 0.1, 0.75)), draws.colour(*PAINTS))
    pen.paint(pen.box(0.46, 0.16, 1.1, 0.76, 0.08), paint)
    pen.paint(pen.polygon((0.66, 0.46), (0.66, 0.7), (0.98, 0.7), (1.06, 0.46)), GLASS[1])
    pen.paint(pen.disc(1.04, 0.26, 0.06), (250, 240, 200), glow=True)
    _wheels(pen, (-0.95, -0.6, 0.8), 0.16)


def bicycle(pen: Pen, draws: Draws) -> None:
    """Two rings and a frame: the street shows through."""
    paint = draws.colour(*PAINTS)
    back, front = (-0.52, 0.34), (0.52, 0.34)
    for x, y in (back, front):
        pen.paint(pen.ring(x, y, 0.31, 0.05), RUBBER)
        pen.paint(pen.disc(x, y, 0.05), (150, 150, 150))
    crank, saddle, head = (-0.05, 0.32), (-0.2, 0.82), (0.36, 0.84)
    pen.paint(pen.line(0.05, back, crank, head, saddle, crank), paint)
    pen.paint(pen.line(0.05, back, (-0.17, 0.74)), paint)
    pen.paint(pen.line(0.05, front, head, (0.33, 0.97), (0.47, 0.99)), scaled(paint, 0.8))
    pen.paint(pen.line(0.08, (-0.32, 0.87), (-0.12, 0.87)), RUBBER)


def _wheels(pen: Pen, places: tuple[float, ...], radius: float) -> None:
    for x in places:
        pen.paint(pen.disc(x, radius, radius), RUBBER)
        pen.paint(pen.disc(x, radius, radius * 0.5), (135, 138, 142))
