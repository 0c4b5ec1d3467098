"""What is behind the objects: ground, walls, houses and sky, all of it the class background."""

from __future__ import annotations

import numpy as np

from trainables.data.street.draws import Colour, Draws, scaled
from trainables.data.street.pen import Pen, both, stripes
from trainables.data.street.picture import Field, Picture, Place

OUTSIDE = (0.1, 1.1, 1.1, 0.1)  # the whole picture and a bit more: its edge is out of sight
WALLS: tuple[Colour, ...] = (
    (165, 95, 75),
    (190, 175, 150),
    (145, 145, 145),
    (205, 205, 200),
    (120, 130, 145),
    (175, 150, 95),
)


def backdrop(picture: Picture, rough: Field, draws: Draws) -> float:
    """Paint the ground and what rises behind it; returns the horizon, in sides from the top.

    rough: float32 (S, S), coarse noise in -1..1.
    """
    pen = Pen(picture, Place(0.0, 1.0, 1.0, OUTSIDE))
    horizon = draws.uniform(0.35, 0.6)
    draws.pick((_sky, _wall, _wall, _houses))(pen, 1 - horizon, rough, draws)
    draws.pick((_road, _road, _paving, _grass))(pen, 1 - horizon, rough, draws)
    return horizon


def _sky(pen: Pen, ground: float, rough: Field, draws: Draws) -> None:
    """Sky, with clouds, above far roofs or hills."""
    top = draws.colour((95, 140, 205), (150, 165, 185), (60, 80, 120), (205, 150, 120))
    low = draws.colour((190, 210, 230), (215, 205, 190), (170, 175, 180))
    pen.paint(pen.v + 1, low)
    pen.wash((pen.v - ground) / (1 - ground), top)
    cloud = draws.colour((240, 240, 240), (205, 205, 210), spread=6)
    pen.wash((rough - draws.uniform(-0.1, 0.5)) * 2.5, cloud)
    hills = pen.box(-1, -1, 2, ground + draws.uniform(0.02, 0.12)) + rough * 0.06
    pen.paint(hills, draws.colour((95, 115, 90), (120, 125, 140), *WALLS), grain=0.2)


def _wall(pen: Pen, ground: float, rough: Field, draws: Draws) -> None:
    """The front of one house: bricks, boards or plaster, with windows and doors."""
    colour = draws.colour(*WALLS)
    pen.paint(pen.v + 1, colour, grain=draws.uniform(0.05, 0.2))
    if draws.chance(0.4):
        _bricks(pen, scaled(colour, draws.pick((0.75, 1.2))), draws)
    elif draws.chance(0.4):
        boards = stripes(pen.v, draws.uniform(0.05, 0.09), 0.2)
        pen.paint(boards, scaled(colour, 0.8))
    else:
        pen.wash((rough - draws.uniform(-0.2, 0.3)) * 2, scaled(colour, 0.85))
    _windows(pen, ground + draws.uniform(0.08, 0.2), draws)
    if draws.chance(0.4):
        x, half = draws.uniform(0.1, 0.9), draws.uniform(0.05, 0.08)
        door = pen.box(x - half, 0, x + half, ground + half * 4)
        pen.paint(door, scaled(colour, 1.25))
        pen.paint(door - 0.015, draws.colour((90, 60, 45), (50, 70, 95), (60, 85, 65)))


def _bricks(pen: Pen, mortar: Colour, draws: Draws) -> None:
    course = draws.uniform(0.05, 0.08)
    row = np.floor(pen.v / course)
    shift = (row - np.floor(row / 2) * 2) * np.float32(course)
    pen.paint(stripes(pen.v, course, 0.16), mortar)
    pen.paint(stripes(pen.u + shift, course * 2, 0.08), mortar)


def _windows(pen: Pen, low: float, draws: Draws) -> None:
    """A row of windows, from `low` up."""
    pane = draws.colour((55, 65, 80), (150, 170, 190), (230, 205, 140), (30, 32, 36))
    frame = draws.colour((225, 222, 215), (80, 70, 60))
    period, offset = draws.uniform(0.25, 0.5), draws.uniform(0, 1)
    height, share = draws.uniform(0.14, 0.26), draws.uniform(0.35, 0.6)
    row = pen.box(-1, low, 2, low + height)
    opening = both(row, stripes(pen.u, period, share, offset))
    pen.paint(opening, frame)
    pen.paint(opening - 0.014, pane)
    if draws.chance(0.5):
        cross = both(opening, stripes(pen.u, period, 0.035, offset))
        pen.paint(cross, frame)


def _houses(pen: Pen, ground: float, rough: Field, draws: Draws) -> None:
    """A row of houses of different heights against the sky."""
    pen.paint(pen.v + 1, draws.colour((165, 190, 220), (200, 205, 210), (120, 130, 150)))
    right = -draws.uniform(0.0, 0.2)
    while right < 1:
        left, right = right, right + draws.uniform(0.18, 0.4)
        top = ground + draws.uniform(0.15, 0.5)
        colour = draws.colour(*WALLS)
        front = pen.paint(pen.box(left, 0, right, top), colour, grain=0.1)
        panes = both(
            front - 0.025,
            stripes(pen.u, draws.uniform(0.07, 0.11), 0.5),
            stripes(pen.v, draws.uniform(0.08, 0.13), 0.5),
        )
        pen.paint(panes, scaled(colour, draws.pick((0.5, 0.65, 1.25))))


def _road(pen: Pen, ground: float, rough: Field, draws: Draws) -> None:
    """Asphalt with lane markings that run to the horizon, behind it a pavement."""
    grey = draws.uniform(60, 130)
    asphalt = draws.colour((grey, grey, grey * 1.04), spread=8)
    area = pen.paint(ground - pen.v, asphalt, grain=draws.uniform(0.1, 0.25))
    pen.wash(both(area * 50, (rough - 0.2) * 3), scaled(asphalt, 0.85))
    paint = draws.colour((225, 225, 220), (225, 190, 80), spread=10)
    x, slope = draws.uniform(0.2, 0.8), draws.uniform(-1.2, 1.2)
    depth = np.maximum(ground - pen.v, 0)
    along = 1 / (depth + np.float32(0.08))
    lane = depth * 0.06 - np.abs(pen.u - x - depth * slope)
    pen.paint(both(lane, area, stripes(along, 2.2, 0.55, draws.uniform(0, 2)) * 0.1), paint)
    if draws.chance(0.25):  # a crossing
        near = draws.uniform(0.1, 0.25)
        stripe = stripes((pen.u - x) / (depth + np.float32(0.2)), 0.35, 0.5) * 0.2
        pen.paint(both(pen.box(-1, near, 2, near + 0.09), area, stripe), paint)
    kerb = pen.box(-1, ground - 0.05, 2, ground + 0.01)
    pen.paint(kerb, draws.colour((165, 160, 150), (140, 140, 140)), grain=0.1)
    pen.paint(pen.box(-1, ground - 0.06, 2, ground - 0.045), scaled(asphalt, 0.7))


def _paving(pen: Pen, ground: float, rough: Field, draws: Draws) -> None:
    """Slabs in perspective."""
    stone = draws.colour((170, 165, 155), (150, 120, 100), (125, 128, 132))
    area = pen.paint(ground - pen.v, stone, grain=0.12)
    joint = scaled(stone, draws.pick((0.75, 0.82, 1.15)))
    depth = np.maximum(ground - pen.v, 0) + np.float32(0.1)
    width, vanishing = draws.uniform(0.25, 0.45), draws.uniform(0.3, 0.7)
    rows = stripes(1 / depth, draws.uniform(0.7, 1.1), 0.14) * np.square(depth)
    columns = stripes((pen.u - vanishing) / depth, width, 0.09) * depth
    pen.paint(both(area, rows), joint)
    pen.paint(both(area, columns), joint)
    pen.wash(both(area * 50, (rough - 0.2) * 2), scaled(stone, 0.8))


def _grass(pen: Pen, ground: float, rough: Field, draws: Draws) -> None:
    """A lawn, dry in places, behind it a path."""
    green = draws.colour((85, 120, 55), (110, 125, 65), (140, 130, 75))
    area = pen.paint(ground - pen.v, green, grain=0.3)
    dry = both(area * 50, (rough + pen.grain * 0.3 - draws.uniform(-0.1, 0.4)) * 2)
    pen.wash(dry, draws.colour((150, 140, 85), (125, 105, 75)))
    path = pen.box(-1, ground - draws.uniform(0.03, 0.1), 2, ground)
    pen.paint(path, draws.colour((175, 165, 145), (140, 140, 140)), grain=0.15)
