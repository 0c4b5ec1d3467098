"""Digit shapes as distance fields, from the fonts that matplotlib ships.

A distance field can be drawn at any size, slant and stroke weight, with edges as soft
as wanted, by one interpolation a pixel; a bitmap can not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

CELL = 48  # side of a glyph's field, in texels
DIGIT_HEIGHT = 32  # height of a digit within it, in texels
OVERSAMPLING = 3  # pixels of the bitmap a texel is measured from, along each axis
FOOTLESS, STICK = 10, 11  # the two other ways to write 1; 0..9 are the digits
GLYPHS = 12  # glyphs a face
REACH = 0.25  # distances are clipped to +-REACH digit heights

# (file, code point of its digit 0, upright, how often). House numbers are mostly sans
# serif, of which matplotlib ships few: those are drawn more often.
FACES: tuple[tuple[str, int, bool, float], ...] = (
    ("DejaVuSans.ttf", 0x30, True, 2.0),
    ("DejaVuSans-Bold.ttf", 0x30, True, 2.0),
    ("STIXGeneral.ttf", 0x1D7E2, True, 4.0),  # its mathematical sans-serif digits
    ("STIXGeneral.ttf", 0x1D7EC, True, 4.0),  # the same, bold
    ("STIXGeneral.ttf", 0x1D7F6, True, 1.0),  # monospaced
    ("cmss10.ttf", 0x30, True, 2.0),
    ("cmtt10.ttf", 0x30, True, 1.0),
    ("DejaVuSerif.ttf", 0x30, True, 1.0),
    ("DejaVuSerif-Bold.ttf", 0x30, True, 1.0),
    ("DejaVuSerif-Italic.ttf", 0x30, False, 0.5),
    ("DejaVuSerif-BoldItalic.ttf", 0x30, False, 0.5),
    ("STIXGeneral.ttf", 0x30, True, 1.5),
    ("STIXGeneralBol.ttf", 0x30, True, 1.5),
    ("STIXGeneralItalic.ttf", 0x30, False, 0.7),
    ("STIXGeneralBolIta.ttf", 0x30, False, 0.7),
    ("cmr10.ttf", 0x30, True, 1.0),
    ("cmb10.ttf", 0x30, True, 1.0),
    ("cmti10.ttf", 0x30, False, 0.7),
)


@dataclass(frozen=True)
class Atlas:
    """Every glyph of every face.

    fields: float32 (faces * GLYPHS, CELL, CELL), signed distance to the outline in digit
    heights, positive in the ink, the glyph's box centred in the cell.
    widths: float32 (faces * GLYPHS,), width of that box in digit heights.
    """

    fields: np.ndarray
    widths: np.ndarray


@cache
def atlas() -> Atlas:
    """The atlas of FACES, made once a process (about a second)."""
    fields, widths = [], []
    for file, zero, upright, _ in FACES:
        for ink in _bitmaps(file, zero, upright):
            fields.append(_distance_field(ink))
            columns = np.flatnonzero(ink.any(axis=0))
            widths.append((columns[-1] - columns[0] + 1) / (DIGIT_HEIGHT * OVERSAMPLING))
    return Atlas(np.stack(fields), np.array(widths, np.float32))


def _bitmaps(file: str, zero: int, upright: bool) -> list[np.ndarray]:
    """Bool bitmaps of a face's GLYPHS, each centred in CELL * OVERSAMPLING squared."""
    import matplotlib
    from PIL import Image, ImageDraw, ImageFont

    path = str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / file)
    height = DIGIT_HEIGHT * OVERSAMPLING
    probe = ImageFont.truetype(path, 1000).getbbox(chr(zero + 5))
    font = ImageFont.truetype(path, 1000 * height / (probe[3] - probe[1]))
    side = CELL * OVERSAMPLING

    def draw(character: str) -> np.ndarray:
        left, top, right, bottom = font.getbbox(character)
        image = Image.new("L", (side, side))
        origin = ((side - left - right) / 2, (side - top - bottom) / 2)
        ImageDraw.Draw(image).text(origin, character, font=font, fill=255)
        return np.asarray(image) >= 128

    digits = [draw(chr(zero + digit)) for digit in range(10)]
    one = digits[1]
    if not upright:  # without a vertical stem there is nothing to cut at
        return [*digits, one, one]
    return [*digits, _without_foot(one), _stem_only(one)]


def _stem(one: np.ndarray) -> np.ndarray:
    """Bool (columns,): where an upright 1 has ink three quarters of the way down."""
    rows = np.flatnonzero(one.any(axis=1))
    return np.asarray(one[rows[0] + (rows[-1] - rows[0]) * 3 // 4])


def _without_foot(one: np.ndarray) -> np.ndarray:
    """A 1 with nothing but its stem in the lower third, centred again."""
    rows = np.flatnonzero(one.any(axis=1))
    cut = one.copy()
    cut[rows[0] + (rows[-1] - rows[0]) * 2 // 3 :] &= _stem(one)
    return _centred(cut)


def _stem_only(one: np.ndarray) -> np.ndarray:
    """A 1 that is a plain bar."""
    return _centred(np.outer(one.any(axis=1), _stem(one)))


def _centred(ink: np.ndarray) -> np.ndarray:
    columns = np.flatnonzero(ink.any(axis=0))
    return np.roll(ink, (ink.shape[1] - columns[0] - columns[-1]) // 2, axis=1)


def _distance_field(ink: np.ndarray) -> np.ndarray:
    """Float32 (CELL, CELL) signed distance field of a bitmap, in digit heights."""
    from scipy.ndimage import distance_transform_edt

    signed = distance_transform_edt(ink) - distance_transform_edt(~ink)
    middle = OVERSAMPLING // 2
    texels = signed[middle::OVERSAMPLING, middle::OVERSAMPLING]
    return np.clip(texels / (DIGIT_HEIGHT * OVERSAMPLING), -REACH, REACH).astype(np.float32)
