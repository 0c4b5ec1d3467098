"""One picture of a street and its labels: a scene is laid out, painted and photographed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trainables.data.street.backdrop import backdrop
from trainables.data.street.draws import Draws
from trainables.data.street.kinds import KINDS
from trainables.data.street.pen import Pen
from trainables.data.street.picture import Field, Picture, Place

CROWD = (1, 2, 3, 4, 5)  # how many objects a picture has, and how often
CROWD_WEIGHTS = (2, 5, 4, 2, 1)
SHADOW = (28.0, 28.0, 32.0)  # on the ground around a foot; it stays background


def photograph(rng: np.random.Generator, asked: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture of a scene that holds an object of KINDS[asked], which others may cover.

    Returns uint8 (side, side, 3), RGB, and uint8 (side, side): classes, background 0, or VOID.
    The scene is a function of the generator's state and `asked`, whatever the size.
    """
    draws = Draws(rng)
    axis = (np.arange(side, dtype=np.float32) + np.float32(0.5)) / np.float32(side)
    grain = _noise(rng, 64, axis)
    rough = _noise(rng, 5, axis) * np.float32(0.7) + _noise(rng, 13, axis) * np.float32(0.3)
    rgb, mask = np.zeros((3, side, side), np.float32), np.zeros((side, side), np.uint8)
    slant = draws.uniform(-0.3, 0.3)
    picture = Picture(rgb, mask, axis, grain, (slant, draws.uniform(0.0, 0.3)))
    horizon = backdrop(replace(picture, light=(slant / 2, 0.0)), rough, draws)
    for index, place in _layout(asked, horizon, draws):
        pen = Pen(picture, place)
        if KINDS[index].stands == "ground":
            half = min(place.reach[0], 1.3) * draws.uniform(0.65, 0.85)
            shadow = pen.disc(draws.uniform(-0.1, 0.1), -0.01, half, draws.uniform(0.04, 0.09))
            pen.wash(shadow * draws.uniform(4, 9), SHADOW)
        KINDS[index].paint(pen, draws)
        pen.label(index + 1)
    return _exposed(rgb, axis, draws), mask


def _layout(asked: int, horizon: float, draws: Draws) -> list[tuple[int, Place]]:
    """What stands where, from back to front."""
    count = CROWD[draws.weighted(CROWD_WEIGHTS)]
    weights = [kind.weight for kind in KINDS]
    chosen = [asked, *(draws.weighted(weights) for _ in range(count - 1))]
    placed = []
    for slot, index in zip(draws.order(count), chosen, strict=True):
        kind = KINDS[index]
        near = draws.uniform(0, 1)
        x = (slot + draws.uniform(-0.1, 1.1)) / count
        y = horizon + (1 - horizon) * (0.1 + 0.85 * near)
        height = draws.uniform(*kind.height) * (0.5 + 0.5 * near)
        mirrored = draws.chance(0.5)
        lean = draws.uniform(-0.06, 0.06)
        if kind.stands == "air":
            y = draws.uniform(0.15, 0.9)
        elif kind.stands == "across":
            x, y, height, near, lean = 0.0, draws.uniform(0.1, 0.45), 1.0, -0.1, 0.0
            mirrored = False
        placed.append((near, index, Place(x, y, height, kind.reach, lean, mirrored)))
    placed.sort(key=lambda entry: entry[0])
    return [(index, place) for _, index, place in placed]


def _noise(rng: np.random.Generator, cells: int, axis: np.ndarray) -> Field:
    """Smooth noise in -1..1, float32 (S, S), with `cells` values along an edge."""
    lattice = rng.random((cells + 1, cells + 1), dtype=np.float32) * 2 - 1
    at = axis * np.float32(cells)
    cell = at.astype(np.int64)
    share = at - cell.astype(np.float32)
    share = share * share * (3 - 2 * share)
    rows = lattice[cell] * (1 - share[:, None]) + lattice[cell + 1] * share[:, None]
    return rows[:, cell] * (1 - share) + rows[:, cell + 1] * share


def _exposed(rgb: np.ndarray, axis: np.ndarray, draws: Draws) -> np.ndarray:
    """uint8 (S, S, 3): light across the scene, a cast shadow, haze, the lens, the sensor."""
    x, y = axis[None, :] - np.float32(0.5), axis[:, None] - np.float32(0.5)
    light = 1 + draws.uniform(-0.3, 0.3) * x + draws.uniform(-0.3, 0.3) * y
    light *= draws.uniform(0.78, 1.2)
    if draws.chance(0.35):
        edge = (y - draws.uniform(-0.3, 0.3) - draws.uniform(-1.5, 1.5) * x) * 20 + 0.5
        light *= 1 - np.clip(edge, 0, 1) * draws.uniform(0.15, 0.45)
    haze, warmth = draws.uniform(0, 45) * draws.uniform(0, 1), draws.uniform(-0.12, 0.12)
    rgb *= light * (1 - haze / 255)
    rgb *= np.array([1 + warmth, 1, 1 - warmth], np.float32)[:, None, None]
    rgb = _softened(rgb + np.float32(haze), draws.uniform(0.0, 0.22))
    strength = 3 + 11 * draws.uniform(0, 1) * draws.uniform(0, 1)
    noise = draws.rng.integers(0, 256, (4, *rgb.shape[1:]), dtype=np.uint8).astype(np.float32)
    noise = (noise - np.float32(127.5)) * np.float32(strength / 127.5)
    rgb += noise[:1]
    rgb += noise[1:] * np.float32(0.5)
    return np.clip(rgb + np.float32(0.5), 0, 255).astype(np.uint8).transpose(1, 2, 0)


def _softened(rgb: np.ndarray, share: float) -> np.ndarray:
    """Each pixel mixed with `share` of either neighbour, along both axes."""
    for planes in (rgb, rgb.transpose(0, 2, 1)):
        part = planes * np.float32(share)
        planes *= np.float32(1 - 2 * share)
        planes[:, 1:] += part[:, :-1]
        planes[:, :-1] += part[:, 1:]
        planes[:, 0] += part[:, 0]
        planes[:, -1] += part[:, -1]
    return rgb
