"""What stands in streets: how each thing is painted, in its own heights."""

from __future__ import annotations

import numpy as np

from trainables.data.street.draws import Colour, Draws, scaled
from trainables.data.street.pen import Pen, both, stripes

METALS: tuple[Colour, ...] = ((70, 74, 78), (125, 130, 132), (52, 70, 60), (165, 165, 160))
WOODS: tuple[Colour, ...] = ((140, 95, 58), (105, 75, 52), (175, 150, 115), (215, 212, 205))
WHITE: Colour = (232, 232, 226)


def lamp_post(pen: Pen, draws: Draws) -> None:
    """With an arm over the road, or a globe."""
    metal = draws.colour(*METALS)
    pen.paint(pen.line(0.022, (0, 0.0), (0, 0.93)), metal)
    pen.paint(pen.box(-0.025, 0, 0.025, 0.14), metal)
    lamp = draws.colour((250, 235, 190), (225, 228, 230), spread=8)
    if draws.chance(0.5):  # an arm over the road, or a globe
        reach = draws.uniform(0.12, 0.22)
        pen.paint(pen.line(0.02, (0, 0.93), (0.05, 0.98), (reach, 0.98)), metal)
        pen.paint(pen.disc(reach + 0.03, 0.965, 0.07, 0.022), lamp, glow=True)
    else:
        pen.paint(pen.disc(0, 0.95, 0.05), lamp, glow=True)
        pen.paint(pen.line(0.02, (-0.04, 0.995), (0.04, 0.995)), metal)


def traffic_light(pen: Pen, draws: Draws) -> None:
    """One of its three lamps is lit."""
    pen.paint(pen.line(0.03, (0, 0), (0, 0.62)), draws.colour(*METALS))
    pen.paint(pen.box(-0.105, 0.6, 0.105, 1.0, 0.04), draws.colour((38, 40, 40), (60, 62, 44)))
    lit = draws.weighted((1, 0.6, 1))
    lamps: tuple[Colour, ...] = ((250, 60, 45), (250, 190, 60), (70, 230, 130))
    for index, (y, colour) in enumerate(zip((0.93, 0.8, 0.67), lamps, strict=True)):
        on = index == lit
        pen.paint(pen.disc(0, y, 0.055), colour if on else scaled(colour, 0.3), glow=on)


def sign(pen: Pen, draws: Draws) -> None:
    """A disc, triangle, square or diamond with a rim and an upright or level bar."""
    pen.paint(pen.line(0.03, (0, 0), (0, 0.7)), draws.colour(*METALS))
    rim = draws.colour((200, 40, 40), (45, 80, 165), (230, 195, 60), spread=12)
    field, mark = draws.pick(((WHITE, rim), (rim, WHITE), (WHITE, (40, 40, 42))))
    form = draws.pick(("disc", "triangle", "square", "diamond"))
    if form == "disc":
        panel = pen.disc(0, 0.79, 0.21)
    elif form == "triangle":
        panel = pen.polygon((-0.24, 0.6), (0, 1.0), (0.24, 0.6))
    elif form == "square":
        panel = pen.box(-0.2, 0.6, 0.2, 0.99, 0.03)
    else:
        panel = pen.polygon((-0.22, 0.79), (0, 1.0), (0.22, 0.79), (0, 0.58))
    pen.paint(panel, rim)
    inner = pen.paint(panel - 0.045, field)
    bars = (pen.line(0.07, (0, 0.68), (0, 0.86)), pen.line(0.07, (-0.1, 0.78), (0.1, 0.78)))
    pen.paint(both(inner, draws.pick(bars)), mark)


def bench(pen: Pen, draws: Draws) -> None:
    """Seen from the front: two frames, three slats of a back, and a seat."""
    wood, metal = draws.colour(*WOODS), draws.colour(*METALS)
    for x in (-0.8, 0.8):
        pen.paint(pen.line(0.07, (x - 0.06, 0.0), (x, 0.45), (x, 0.98)), metal)
        pen.paint(pen.line(0.07, (x + 0.12, 0.0), (x + 0.12, 0.42)), metal)
    for y in (0.95, 0.77, 0.6):
        pen.paint(pen.line(0.1, (-0.95, y), (0.95, y)), wood, grain=0.12)
    pen.paint(pen.box(-1.0, 0.36, 1.0, 0.48), scaled(wood, 1.15), grain=0.12)


def fence(pen: Pen, draws: Draws) -> None:
    """Pickets, flat or pointed, and two rails; two to four heights wide."""
    paint = draws.colour(*WOODS, *METALS)
    half, period = draws.uniform(1.0, 2.0), draws.uniform(0.26, 0.42)
    pickets = stripes(pen.u, period, max(draws.uniform(0.28, 0.5), pen.thinnest / period))
    extent = pen.box(-half, 0, half, 0.98)
    if draws.chance(0.5):  # pointed
        phase = pen.u / period
        peak = np.abs(phase - np.floor(phase) - np.float32(0.5)) * period
        extent = both(extent, np.float32(0.98) - peak - pen.v)
    pen.paint(both(extent, pickets), paint, grain=0.12)
    for y in (0.25, 0.72):
        pen.paint(pen.line(0.07, (-half, y), (half, y)), scaled(paint, 0.85))


def hydrant(pen: Pen, draws: Draws) -> None:
    """Foot, barrel and dome, with outlets to both sides."""
    paint = draws.colour((195, 45, 40), (225, 180, 50), (60, 95, 160), (150, 150, 150))
    pen.paint(pen.box(-0.32, 0, 0.32, 0.1), scaled(paint, 0.7))
    pen.paint(pen.box(-0.42, 0.46, 0.42, 0.62, 0.03), scaled(paint, 0.85))
    pen.paint(pen.box(-0.23, 0.05, 0.23, 0.76, 0.03), paint)
    pen.paint(pen.disc(0, 0.76, 0.28, 0.17), paint)
    pen.paint(pen.box(-0.3, 0.7, 0.3, 0.77), scaled(paint, 0.8))
    pen.paint(pen.box(-0.07, 0.88, 0.07, 1.0), scaled(paint, 0.8))
    pen.paint(pen.disc(0, 0.54, 0.11), scaled(paint, 0.55))


def post_box(pen: Pen, draws: Draws) -> None:
    """A pillar with a slot and a label."""
    paint = draws.colour((190, 35, 35), (230, 190, 50), (45, 75, 150))
    pen.paint(pen.box(-0.27, 0, 0.27, 0.12), (40, 40, 42))
    pen.paint(pen.box(-0.24, 0.05, 0.24, 0.98, 0.12), paint)
    pen.paint(pen.box(-0.29, 0.84, 0.29, 0.9), scaled(paint, 0.8))
    pen.paint(pen.box(-0.16, 0.7, 0.16, 0.76), (25, 25, 25))
    pen.paint(pen.box(-0.12, 0.42, 0.12, 0.6), WHITE)


def litter_bin(pen: Pen, draws: Draws) -> None:
    """Wider at the top, of slats held by a band."""
    paint = draws.colour((60, 95, 65), (95, 98, 100), (70, 85, 130), (150, 105, 60))
    foot = draws.uniform(0.25, 0.32)
    body = pen.polygon((-foot, 0.0), (-0.38, 0.85), (0.38, 0.85), (foot, 0.0))
    pen.paint(body, scaled(paint, 0.5))
    pen.paint(both(body, stripes(pen.u, 0.16, 0.6)), paint)
    pen.paint(both(body, pen.box(-1, 0.4, 1, 0.48)), scaled(paint, 0.8))
    pen.paint(pen.box(-0.44, 0.82, 0.44, 0.96, 0.05), scaled(paint, 1.2))


def cone(pen: Pen, draws: Draws) -> None:
    """Banded in white, on a square foot."""
    paint = draws.colour((235, 105, 35), (225, 65, 45), (230, 190, 55), spread=12)
    pen.paint(pen.box(-0.48, 0, 0.48, 0.1, 0.03), scaled(paint, 0.8))
    body = pen.polygon((-0.33, 0.08), (-0.06, 1.0), (0.06, 1.0), (0.33, 0.08))
    pen.paint(body, paint)
    pen.paint(both(body, stripes(pen.v, 0.42, 0.45, draws.uniform(0.05, 0.2))), WHITE)


def parasol(pen: Pen, draws: Draws) -> None:
    """A pole and half an ellipse of cloth in two colours."""
    first = draws.colour((200, 50, 50), (50, 95, 160), (225, 190, 70), (70, 130, 90))
    second = draws.pick((WHITE, scaled(first, 0.6), WHITE))
    pen.paint(pen.line(0.03, (0, 0), (0, 0.97)), draws.colour(*WOODS))
    pen.paint(pen.box(-0.12, 0, 0.12, 0.05), (90, 90, 90))
    cloth = both(pen.disc(0, 0.62, 0.6, 0.36), pen.v - np.float32(0.62))
    pen.paint(cloth, first)
    spoke = pen.u / (np.float32(1.04) - np.minimum(pen.v, 1.0))  # segments meet at the top
    pen.paint(both(cloth, stripes(spoke, 0.8, 0.5) * 0.3), second)


def wires(pen: Pen, draws: Draws) -> None:
    """Overhead wires across the whole picture; the foot is the left end of the lowest."""
    colour = draws.colour((40, 40, 42), (75, 70, 66), spread=8)
    slope, sag = draws.uniform(-0.18, 0.18), draws.uniform(0.0, 0.25)
    for index in range(1 + draws.weighted((3, 4, 2))):
        x = pen.u * np.float32(1 - 0.02 * index)
        height = index * np.float32(0.085) + x * slope - x * (1 - x) * sag
        slant = slope - (1 - 2 * x) * sag
        distance = np.abs(pen.v - height) / np.sqrt(1 + np.square(slant))
        pen.paint(pen.thin(0.012) / 2 - distance, colour)
