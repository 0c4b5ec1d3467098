"""House-number digits painted in batches: a row of glyphs under light, blur and noise.

Pixels are computed with additions, multiplications, divisions and table look-ups in a
fixed order, which IEEE arithmetic makes the same on every machine: no matrix product
and no function of the mathematical library, whose last bits depend on the processor.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from trainables.data import glyphs
from trainables.data.drawing import draw_scene
from trainables.data.scene import MIDDLE, ROW, Scene

SIDE = 32  # height and width of an image, in pixels
SLAB = 25  # images painted at once: few enough for their arrays to stay in cache
NOISE_PLANES = 4  # the wall's texture, then the sensor's in Y, Cb, Cr


def render(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw one image a label.

    labels: int64 (N,), each in 0..9. Returns uint8 (N, SIDE, SIDE, 3), RGB. A function
    of the labels and the generator's state; about 0.3 ms an image.
    """
    scene = draw_scene(labels, rng)
    noise = rng.integers(0, 256, (len(labels), NOISE_PLANES, SIDE, SIDE), dtype=np.uint8)
    images = np.empty((len(labels), SIDE, SIDE, 3), np.uint8)
    for start in range(0, len(labels), SLAB):
        part = slice(start, start + SLAB)
        images[part] = _photograph(scene.take(part), noise[part]).transpose(0, 2, 3, 1)
    return images


def _photograph(scene: Scene, noise: np.ndarray) -> np.ndarray:
    """uint8 (N, 3, SIDE, SIDE), RGB, of what `_paint` gives: blur, noise, compression."""
    centred = noise.astype(np.float32)
    centred -= np.float32(127.5)
    centred *= np.float32(1 / 127.5)
    ycc = _paint(scene, centred[:, 0])
    ycc = _blurred(ycc, scene.blur, reach=5)
    ycc[:, 0] += centred[:, 1] * scene.noise[:, :1, None]
    ycc[:, 1:] += centred[:, 2:] * scene.noise[:, 1:, None, None]
    ycc = _blurred(_subsampled(ycc), scene.resample, reach=2)
    return _rgb(ycc)


def _paint(scene: Scene, texture: np.ndarray) -> np.ndarray:
    """float32 (N, 3, SIDE, SIDE): Y, Cb, Cr of the plate, its digits, light and clutter."""
    axis = (np.arange(SIDE, dtype=np.float32) - np.float32((SIDE - 1) / 2)) / np.float32(SIDE)
    x, y = np.broadcast_arrays(axis[None, None, :], axis[None, :, None])
    u, v = _along_row(scene, x, y)
    pixel = scene.camera[:, 5, None, None] / np.float32(SIDE)  # in digit heights
    left, right, top, bottom = scene.frame.T[:, :, None, None]
    inside = np.minimum(np.minimum(u - left, right - u), np.minimum(v - top, bottom - v))
    ycc = _over(scene.wall[:, :, None, None], scene.plate, _coverage(inside, pixel))
    ycc[:, 0] += texture * scene.texture[:, None, None]

    shaded = np.flatnonzero(scene.relief[:, 3])
    if len(shaded):
        few = scene.take(shaded)
        dx, dy, extra, opacity = few.relief.T[:, :, None, None]
        distance = _distance(few, u[shaded] - dx, v[shaded] - dy) + extra
        alpha = _coverage(distance, pixel[shaded]) * opacity
        ycc[shaded] = _over(ycc[shaded], few.shade, alpha)
    ycc = _over(ycc, scene.ink, _coverage(_distance(scene, u, v), pixel))

    nx, ny, offset, half, brightness = scene.streak.T[:, :, None, None]
    band = half - np.abs(nx * x + ny * y - offset)
    ycc[:, 0] += _coverage(band, np.float32(1 / SIDE)) * brightness
    nx, ny, offset, depth = scene.cast.T[:, :, None, None]
    light = 1 - depth * _coverage(nx * x + ny * y - offset, np.float32(2 / SIDE))
    light *= 1 + scene.light[:, :1, None] * x + scene.light[:, 1:, None] * y
    ycc *= light[:, None]
    return ycc


def _along_row(scene: Scene, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where pixels lie along and across the row, in digit heights: (N, SIDE, SIDE) each."""
    cx, cy, a, b, c, d, p, q = scene.camera.T[:, :, None, None]
    x, y = x - cx, y - cy
    depth = 1 + p * x + q * y
    return (a * x + b * y) / depth, (c * x + d * y) / depth


@cache
def _fields() -> np.ndarray:
    """Texels of the atlas, flat, with an empty glyph after its last."""
    empty = np.full((1, glyphs.CELL, glyphs.CELL), -glyphs.REACH, np.float32)
    return np.concatenate([glyphs.atlas().fields, empty]).ravel()


def _distance(scene: Scene, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Signed distance to the outline of the row's glyphs, positive in the ink."""
    place = np.zeros(u.shape, np.int64)
    for border in scene.borders.T[:, :, None, None]:
        place += u > border
    slot = place + np.arange(len(u))[:, None, None] * ROW
    v = v - scene.stagger[:, None, None] * (place - MIDDLE).astype(np.float32)
    v = v + scene.bend[:, None, None] * (v * v - np.float32(0.25))
    across = (u - scene.centres.ravel()[slot]) / scene.squeeze[:, None, None]
    across = across * (1 - scene.taper[:, None, None] * v)
    middle, last = np.float32((glyphs.CELL - 1) / 2), np.float32(glyphs.CELL - 1.001)
    column = np.clip(across * np.float32(glyphs.DIGIT_HEIGHT) + middle, 0, last)
    row = np.clip(v * np.float32(glyphs.DIGIT_HEIGHT) + middle, 0, last)
    i, j = row.astype(np.int64), column.astype(np.int64)
    down, right = row - i.astype(np.float32), column - j.astype(np.float32)
    texel = (scene.glyphs.ravel()[slot] * glyphs.CELL + i) * glyphs.CELL + j
    fields = _fields()
    above = fields[texel] * (1 - right) + fields[texel + 1] * right
    texel += glyphs.CELL
    below = fields[texel] * (1 - right) + fields[texel + 1] * right
    return above * (1 - down) + below * down + scene.weight[:, None, None]


def _coverage(distance: np.ndarray, pixel: np.ndarray | np.float32) -> np.ndarray:
    """Share of a pixel that lies inside, from its centre's distance to the edge."""
    return np.clip(distance / pixel + np.float32(0.5), 0, 1)


def _over(ycc: np.ndarray, colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """`colour` (N, 3) laid over (N, 3, ...) with opacity `alpha` (N, SIDE, SIDE)."""
    return ycc + alpha[:, None] * (colour[:, :, None, None] - ycc)


def _blurred(planes: np.ndarray, deviation: np.ndarray, reach: int) -> np.ndarray:
    """Gaussian blur of (N, C, SIDE, SIDE) along x and y by (N, 2) deviations in pixels."""
    taps = np.arange(reach + 1)
    weights = np.exp(-0.5 * (taps / deviation.astype(np.float64)[:, :, None]) ** 2)
    weights /= weights[:, :, :1] + 2 * weights[:, :, 1:].sum(axis=2, keepdims=True)
    weights = weights.astype(np.float32)[..., None, None, None]
    for direction, axis in ((0, 3), (1, 2)):
        margin = [(0, 0)] * 4
        margin[axis] = (reach, reach)
        padded = np.pad(planes, margin, mode="edge")
        before = (slice(None),) * axis
        kernel = weights[:, direction]
        planes = padded[(*before, slice(reach, reach + SIDE))] * kernel[:, 0]
        for tap in range(1, reach + 1):
            pair = padded[(*before, slice(reach - tap, reach - tap + SIDE))]
            pair = pair + padded[(*before, slice(reach + tap, reach + tap + SIDE))]
            pair *= kernel[:, tap]
            planes += pair
    return planes


def _subsampled(ycc: np.ndarray) -> np.ndarray:
    """Chroma averaged over 2x2 pixels, as JPEG's 4:2:0 does."""
    chroma = ycc[:, 1:]
    mean = (chroma[..., ::2, ::2] + chroma[..., 1::2, ::2]) + (
        chroma[..., ::2, 1::2] + chroma[..., 1::2, 1::2]
    )
    mean *= np.float32(0.25)
    ycc[:, 1:] = mean.repeat(2, axis=2).repeat(2, axis=3)
    return ycc


def _rgb(ycc: np.ndarray) -> np.ndarray:
    """uint8 RGB from Y, Cb, Cr (ITU-R BT.601, as in JPEG), clipped like a sensor."""
    luma, blue, red = ycc[:, 0], ycc[:, 1], ycc[:, 2]
    green = luma - np.float32(0.344136) * blue - np.float32(0.714136) * red
    planes = (luma + np.float32(1.402) * red, green, luma + np.float32(1.772) * blue)
    rounded = np.stack(planes, axis=1).astype(np.float32, copy=False) + np.float32(0.5)
    return np.clip(rounded, 0, 255).astype(np.uint8)
