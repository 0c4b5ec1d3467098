"""Scenes drawn at random.

The ranges were set by eye, beside contact sheets of real crops, and by the real crops'
own spread of brightness, contrast, colour and sharpness.
"""

from __future__ import annotations

import numpy as np

from trainables.data import glyphs
from trainables.data.scene import MIDDLE, ROW, Scene

# Netzer et al. 2011, training set: images of the digits 0, 1, ..., 9.
SVHN_COUNTS = (4948, 13861, 10585, 8497, 7458, 6882, 5727, 5595, 5045, 4659)
FAR = 9.0  # a distance, in digit heights, that no image reaches
# Tints of painted plates, brick and old metal, as (Cb, Cr): blue, red, yellow, green.
TINTS = np.array([(1.0, -0.35), (-0.35, 1.0), (-1.0, 0.3), (-0.4, -0.7)])


class _Draws:
    """Random vectors of one length, made from uniform numbers alone."""

    def __init__(self, rng: np.random.Generator, count: int):
        self.rng, self.count = rng, count

    def uniform(self, low: float, high: float, columns: int | None = None) -> np.ndarray:
        shape = (self.count,) if columns is None else (self.count, columns)
        return low + (high - low) * self.rng.random(shape)

    def bell(self, deviation: float) -> np.ndarray:
        """Bell-shaped around 0, never beyond three deviations."""
        return (self.rng.random((self.count, 3)).sum(axis=1) - 1.5) * 2 * deviation

    def chance(self, probability: float) -> np.ndarray:
        """1.0 with this probability, else 0.0."""
        return (self.rng.random(self.count) < probability).astype(float)

    def pick(self, weights: tuple[float, ...], columns: int = 1) -> np.ndarray:
        """Indices, int64 (N, columns), as often as their weights say."""
        steps = np.cumsum(weights) / np.sum(weights)
        drawn = np.searchsorted(steps[:-1], self.rng.random((self.count, columns)), side="right")
        return drawn.astype(np.int64)


def draw_scene(labels: np.ndarray, rng: np.random.Generator) -> Scene:
    """A scene a label (int64 (N,), 0..9), its digit in the middle of the row."""
    draws = _Draws(rng, len(labels))
    fields = {
        **_row(labels, draws),
        **_camera(draws),
        **_colours(draws),
        **_conditions(draws),
    }
    # A photograph has one sharpness: what is small in the crop was not cropped from afar.
    fields["blur"] *= 0.85 / fields["camera"][:, 5:6]
    return Scene(
        **{n: v if v.dtype == np.int64 else v.astype(np.float32) for n, v in fields.items()}
    )


def _row(labels: np.ndarray, draws: _Draws) -> dict[str, np.ndarray]:
    """Which glyphs stand where, and the plate around them."""
    digits = draws.pick(SVHN_COUNTS, ROW)
    digits[:, MIDDLE] = labels
    shape_of_one = draws.pick((0.35, 0.4, 0.25))
    others = np.array([1, glyphs.FOOTLESS, glyphs.STICK])
    digits = np.where(digits == 1, others[shape_of_one], digits)
    face = draws.pick(tuple(face[-1] for face in glyphs.FACES))
    index = face * glyphs.GLYPHS + digits
    squeeze = draws.uniform(0.42, 1.0)
    widths = glyphs.atlas().widths[index] * squeeze[:, None]
    gap = draws.uniform(0.0, 0.22)
    steps = (widths[:, 1:] + widths[:, :-1]) / 2 + gap[:, None]
    centres = np.cumsum(np.pad(steps, ((0, 0), (1, 0))), axis=1)
    centres -= centres[:, [MIDDLE]]
    borders = centres[:, :-1] + widths[:, :-1] / 2 + gap[:, None] / 2

    left = draws.chance(0.58)
    left = left + left * draws.chance(0.45)
    right = draws.chance(0.58)
    right = right + right * draws.chance(0.45)
    places = np.arange(ROW) - MIDDLE
    present = (places >= -left[:, None]) & (places <= right[:, None])
    index = np.where(present, index, len(glyphs.FACES) * glyphs.GLYPHS)
    ends = np.where(present, centres - widths / 2, FAR).min(axis=1)
    starts = np.where(present, centres + widths / 2, -FAR).max(axis=1)
    margin = draws.uniform(0.08, 0.35, 4)
    framed = draws.chance(0.35)[:, None]
    frame = np.stack([ends, starts, np.full_like(ends, -0.5), np.full_like(ends, 0.5)], axis=1)
    outward = np.array([-1.0, 1.0, -1.0, 1.0])
    return {
        "glyphs": index,
        "centres": centres,
        "borders": borders,
        "squeeze": squeeze,
        "weight": draws.uniform(-0.012, 0.035),
        "stagger": draws.bell(0.04) + draws.bell(0.14) * draws.chance(0.2),
        "bend": draws.bell(0.08),
        "taper": draws.bell(0.06),
        "frame": np.where(framed > 0, frame + outward * margin, outward * FAR),
    }


def _camera(draws: _Draws) -> dict[str, np.ndarray]:
    """From image to row: position, size, rotation, shear, perspective."""
    angle = np.deg2rad(draws.bell(5.0))
    shear = draws.bell(0.12)
    height = 0.92 - 0.34 * draws.uniform(0, 1) ** 1.5
    cos, sin = np.cos(angle) / height, np.sin(angle) / height
    matrix = [cos + shear * sin, sin - shear * cos, -sin, cos]
    centre = [draws.bell(0.045), draws.bell(0.03)]
    perspective = [draws.bell(0.08), draws.bell(0.08)]
    return {"camera": np.stack([*centre, *matrix, *perspective], axis=1)}


def _colours(draws: _Draws) -> dict[str, np.ndarray]:
    """Plate, ink, wall and shade: mostly greyish, some painted, dark on light or reverse."""
    level = 118 + draws.bell(38)
    contrast = 40 + 140 * draws.uniform(0, 1) ** 1.8
    sign = 1 - 2 * draws.chance(0.5)
    plate_y = np.clip(level + sign * contrast * 0.4, 8, 262)
    ink_y = np.clip(level - sign * contrast * 0.6, 4, 268)
    lamp = TINTS[draws.pick((4, 2, 2, 1))[:, 0]] * (10 * draws.uniform(0, 1))[:, None]
    painted = draws.chance(0.2)
    plate_c = lamp + _tint(draws, (5, 2.5, 2, 1), 6 + 40 * painted) * _scale(plate_y)
    same = draws.chance(0.75)[:, None]
    ink_c = lamp + _tint(draws, (3, 2, 2, 1), 6 + 26 * (1 - same[:, 0])) * _scale(ink_y)
    wall_y = np.clip(plate_y + draws.bell(45), 5, 255)
    wall_c = lamp + _tint(draws, (1, 3, 2, 1), np.full(draws.count, 14.0)) * _scale(wall_y)
    shade_y = np.clip(plate_y - sign * draws.uniform(-0.3, 0.5) * contrast - 20, 0, 255)
    return {
        "plate": np.column_stack([plate_y, plate_c]),
        "ink": np.column_stack([ink_y, ink_c]),
        "wall": np.column_stack([wall_y, wall_c]),
        "shade": np.column_stack([shade_y, plate_c]),
    }


def _tint(draws: _Draws, weights: tuple[float, ...], most: np.ndarray) -> np.ndarray:
    """(Cb, Cr) of a random tint with a strength up to `most`."""
    strength = most * draws.uniform(0, 1)
    return TINTS[draws.pick(weights)[:, 0]] * strength[:, None] + draws.uniform(-2, 2, 2)


def _scale(luma: np.ndarray) -> np.ndarray:
    """Dark things can not be colourful: (N, 1)."""
    return np.clip(luma / 110, 0.2, 1.0)[:, None]


def _conditions(draws: _Draws) -> dict[str, np.ndarray]:
    """Light, shadows, clutter, and what camera and compression do."""
    turn = draws.uniform(0, 2 * np.pi, 2)
    nx, ny = np.cos(turn), np.sin(turn)
    drop, outlined = draws.chance(0.2), draws.chance(0.1)
    reach = draws.uniform(0.03, 0.09) * drop
    extra = draws.uniform(0.03, 0.07) * outlined * (1 - drop)
    opacity = np.maximum(drop, outlined) * draws.uniform(0.4, 1.0)
    aim = draws.uniform(0, 2 * np.pi)
    sharp = draws.uniform(0, 1)
    blur = 0.35 * 7.5 ** (sharp**1.15)
    stretch = np.exp(draws.bell(0.25))
    cast = draws.chance(0.15) * draws.uniform(0.15, 0.5)
    streak = draws.chance(0.2) * draws.uniform(-60, 60)
    noise = 1 + 9 * draws.uniform(0, 1) ** 2
    return {
        "relief": np.stack([reach * np.cos(aim), reach * np.sin(aim), extra, opacity], axis=1),
        "light": np.stack([draws.bell(0.15), draws.bell(0.15)], axis=1),
        "cast": np.stack([nx[:, 0], ny[:, 0], draws.uniform(-0.4, 0.4), cast], axis=1),
        "streak": np.stack(
            [nx[:, 1], ny[:, 1], draws.uniform(-0.5, 0.5), draws.uniform(0.01, 0.05), streak],
            axis=1,
        ),
        "texture": 40 * draws.chance(0.35) * draws.uniform(0, 1) ** 2,
        "blur": np.stack([blur * stretch, blur / stretch], axis=1),
        "noise": np.stack([noise, noise * draws.uniform(0.2, 0.6)], axis=1),
        "resample": draws.uniform(0.35, 0.8, 2),
    }
