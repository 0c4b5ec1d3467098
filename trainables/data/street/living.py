"""People, animals and plants: how each is painted, in its own heights."""

from __future__ import annotations

import numpy as np

from trainables.data.street.draws import Colour, Draws, scaled
from trainables.data.street.pen import Pen, both, stripes

SKIN: tuple[Colour, ...] = ((235, 195, 165), (200, 150, 115), (140, 95, 70), (90, 62, 48))
CLOTHES: tuple[Colour, ...] = (
    (180, 50, 50),
    (50, 75, 140),
    (225, 220, 210),
    (45, 45, 52),
    (215, 175, 70),
    (85, 125, 80),
    (140, 140, 145),
)
FURS: tuple[Colour, ...] = ((125, 85, 50), (60, 50, 45), (210, 185, 145), (225, 220, 212))
LEAVES: tuple[Colour, ...] = ((60, 100, 45), (85, 125, 60), (120, 130, 55), (165, 110, 45))
BARK: Colour = (95, 72, 52)


def person(pen: Pen, draws: Draws) -> None:
    """Walking, sometimes in stripes; stride and swing of the arms are drawn."""
    shirt, trousers = draws.colour(*CLOTHES), draws.colour(*CLOTHES)
    skin = draws.colour(*SKIN, spread=8)
    stride, swing = draws.uniform(0.02, 0.16), draws.uniform(-0.12, 0.14)
    for foot in (-stride, stride):
        pen.paint(pen.line(0.09, (foot * 0.3, 0.5), (foot, 0.06)), trousers)
        pen.paint(pen.line(0.06, (foot, 0.04), (foot + 0.06, 0.04)), (40, 36, 34))
    pen.paint(pen.line(0.07, (-0.07, 0.78), (-0.13 - swing, 0.48)), scaled(shirt, 0.8))
    torso = pen.paint(pen.box(-0.12, 0.44, 0.12, 0.85, 0.07), shirt)
    if draws.chance(0.35):
        pen.paint(both(torso, stripes(pen.v, 0.1, 0.5)), draws.colour(*CLOTHES))
    pen.paint(pen.line(0.07, (0.07, 0.78), (0.13 + swing, 0.48)), scaled(shirt, 0.9))
    pen.paint(pen.disc(0, 0.92, 0.08), skin)
    hair = draws.colour(*FURS, (30, 28, 28), spread=10)
    pen.paint(both(pen.disc(0, 0.93, 0.09), pen.v - draws.uniform(0.91, 0.96)), hair)


def dog(pen: Pen, draws: Draws) -> None:
    """From the side, with a patch of another fur half of the time."""
    fur = draws.colour(*FURS)
    dark, grain = scaled(fur, 0.75), 0.25
    for x in (-0.42, -0.28, 0.3, 0.42):
        pen.paint(pen.line(0.11, (x, 0.4), (x + draws.uniform(-0.08, 0.08), 0.05)), dark, grain)
    pen.paint(pen.line(0.08, (-0.5, 0.55), (-0.72, draws.uniform(0.5, 0.9))), fur, grain)
    body = pen.paint(pen.disc(0, 0.48, 0.58, 0.21), fur, grain)
    if draws.chance(0.5):
        patch = pen.disc(draws.uniform(-0.3, 0.2), 0.55, 0.2, 0.18)
        pen.paint(both(body, patch), draws.colour(*FURS), grain)
    pen.paint(pen.line(0.2, (0.42, 0.55), (0.58, 0.8)), fur, grain)
    pen.paint(pen.disc(0.62, 0.82, 0.2, 0.17), fur, grain)
    pen.paint(pen.line(0.14, (0.66, 0.77), (0.86, 0.74)), scaled(fur, 0.9), grain)
    pen.paint(pen.disc(0.52, 0.82, 0.07, 0.15), dark)
    pen.paint(pen.disc(0.9, 0.76, 0.05), (20, 20, 20))


def bird(pen: Pen, draws: Draws) -> None:
    """Flying with a spread wing, or standing on one leg."""
    plumage = draws.colour((95, 100, 112), (60, 55, 55), (215, 215, 215), (130, 95, 65))
    spread, grain = draws.chance(0.5), 0.15
    pen.paint(pen.polygon((-0.95, 0.3), (-0.95, 0.48), (-0.3, 0.6), (-0.3, 0.3)), plumage, grain)
    if spread:
        far = pen.polygon((-0.25, 0.45), (-0.45, 1.0), (-0.2, 0.95), (0.3, 0.5))
        pen.paint(far, scaled(plumage, 0.7), grain)
    else:
        pen.paint(pen.line(0.06, (0.0, 0.3), (0.0, 0.0), (0.1, 0.0)), (200, 120, 60))
    pen.paint(pen.disc(0, 0.42, 0.52, 0.24), plumage, grain)
    wing = pen.disc(-0.1, 0.45, 0.36, 0.13)
    pen.paint(wing, scaled(plumage, 0.72), grain)
    pen.paint(pen.disc(0.5, 0.66, 0.19), scaled(plumage, draws.uniform(0.6, 1.1)))
    pen.paint(pen.polygon((0.64, 0.58), (0.64, 0.72), (0.92, 0.62)), (225, 160, 60))


def tree(pen: Pen, draws: Draws) -> None:
    """A conifer of three tiers, or a trunk under five overlapping crowns."""
    leaves, trunk = draws.colour(*LEAVES), draws.colour(BARK)
    lean = draws.uniform(-0.05, 0.05)
    pen.paint(pen.line(draws.uniform(0.06, 0.1), (0, 0), (lean, 0.6)), trunk, grain=0.3)
    if draws.chance(0.25):  # a conifer
        for low, half in ((0.2, 0.3), (0.42, 0.24), (0.64, 0.17)):
            tier = pen.polygon((-half, low), (lean, low + 0.36), (half, low))
            pen.paint(tier + pen.grain * 0.02, scaled(leaves, 0.75), grain=0.45)
        return
    for x, y in ((-0.15, 0.58), (0.16, 0.6), (-0.06, 0.78), (0.1, 0.74), (0.0, 0.62)):
        radius = draws.uniform(0.14, 0.21)
        x, y = x + draws.uniform(-0.05, 0.05), y + draws.uniform(-0.04, 0.03)
        crown = pen.disc(x, y, radius) + pen.grain * 0.04
        pen.paint(crown, scaled(leaves, draws.uniform(0.75, 1.15)), grain=0.5)


def hedge(pen: Pen, draws: Draws) -> None:
    """Ragged at its edge, darker near the ground, sometimes in flower."""
    leaves, half = draws.colour(*LEAVES[:3]), draws.uniform(0.8, 1.9)
    shape = pen.box(-half, -0.02, half, 0.94, 0.2) + pen.grain * 0.06
    pen.paint(shape, leaves, grain=0.4)
    shadow = both(shape, 0.3 - pen.v + pen.grain * 0.15)
    pen.paint(shadow, scaled(leaves, 0.65), grain=0.4)
    if draws.chance(0.4):  # in flower
        blossom = draws.colour((235, 225, 225), (215, 90, 120), (230, 200, 80))
        pen.paint(both(shape, (pen.grain - np.float32(0.45)) * 0.1), blossom)
