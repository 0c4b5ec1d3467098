"""What a rendered house number looks like, in figures."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

ROW = 5  # glyphs of a row that can be seen: the label's in the middle, two to either side
MIDDLE = ROW // 2


@dataclass(frozen=True)
class Scene:
    """N images' worth of parameters, each float32 with N first.

    Lengths along a row are in digit heights; x and y run over [-0.5, 0.5] across the
    image; colours are (Y, Cb, Cr) with Y in 0..255.
    """

    glyphs: np.ndarray  # int64 (N, ROW), index into the atlas, one past its end for none
    centres: np.ndarray  # (N, ROW), of the glyphs along the row
    borders: np.ndarray  # (N, ROW - 1), between neighbours
    squeeze: np.ndarray  # width relative to the face's own
    weight: np.ndarray  # added to strokes on either side
    stagger: np.ndarray  # each digit lower than the one before it by so much
    bend: np.ndarray  # waist moved up or down
    taper: np.ndarray  # foot wider than the head
    camera: np.ndarray  # (N, 8): centre x y, matrix a b c d, perspective p q
    frame: np.ndarray  # (N, 4): plate's left, right, top, bottom along and across the row
    wall: np.ndarray  # (N, 3), colour around the plate
    plate: np.ndarray  # (N, 3)
    ink: np.ndarray  # (N, 3)
    shade: np.ndarray  # (N, 3), colour of a drop shadow or outline
    relief: np.ndarray  # (N, 4): its dx, dy, extra weight, opacity
    light: np.ndarray  # (N, 2): change of brightness across the image along x, y
    cast: np.ndarray  # (N, 4): cast shadow's edge nx, ny, offset, and its depth
    streak: np.ndarray  # (N, 5): a wire or joint: nx, ny, offset, half width, brightness
    texture: np.ndarray  # roughness of the wall, in Y
    blur: np.ndarray  # (N, 2), optical blur along x and y: standard deviation in pixels
    noise: np.ndarray  # (N, 2), of the sensor in Y and in Cb, Cr: half width
    resample: np.ndarray  # (N, 2), blur of scaling to 32 pixels: as `blur`

    def take(self, part: slice | np.ndarray) -> Scene:
        """The scenes of a slice, or at int64 indices."""
        return Scene(**{f.name: getattr(self, f.name)[part] for f in dataclasses.fields(self)})
