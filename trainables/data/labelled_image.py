"""One photograph and its label mask: read, checked, and scaled into a square."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trainables.data.base import DataError
from trainables.data.masks import VOID
from trainables.errors import in_a_line

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

PADDING = (124, 116, 104)  # the mean colour of photographs (ImageNet's)


@dataclass(frozen=True)
class LabelledImage:
    """image: uint8 (S, S, 3), RGB. mask: uint8 (S, S). full: uint8 (h, w), the mask as drawn.

    inside: height and width of the part of the square that the picture fills, from its top
    left; the rest is PADDING, its mask VOID.
    """

    image: np.ndarray
    mask: np.ndarray
    full: np.ndarray
    inside: tuple[int, int]


def read_labelled(
    image_path: Path, mask_path: Path, classes: tuple[str, ...], side: int
) -> LabelledImage:
    """Read a pair of files; the picture's longer side is scaled down to `side` pixels.

    The image is scaled with antialiasing, the mask by nearest neighbour. Smaller pictures are
    never enlarged: that adds no detail, only pixels to train on. Raises DataError, naming
    the file, where one cannot be read or the mask is not class numbers of the image's pixels.
    """
    from PIL import Image

    picture = _opened(image_path, "image", "RGB")
    drawn = _opened(mask_path, "mask")
    full = _checked(mask_path, drawn, image_path, picture, classes)
    shrink = min(1.0, side / max(picture.size))
    width, height = (max(1, round(length * shrink)) for length in picture.size)
    if shrink < 1:
        picture = picture.resize((width, height), Image.Resampling.BILINEAR)
        drawn = drawn.resize((width, height), Image.Resampling.NEAREST)
    image = np.empty((side, side, 3), np.uint8)
    image[:] = PADDING
    image[:height, :width] = np.asarray(picture)
    mask = np.full((side, side), VOID, np.uint8)
    mask[:height, :width] = np.asarray(drawn)
    return LabelledImage(image, mask, full, (height, width))


def _opened(path: Path, what: str, mode: str | None = None) -> PILImage:
    """The picture in a file, converted where a mode is named."""
    from PIL import Image

    try:
        with Image.open(path) as file:
            file.load()
            return file if mode is None else file.convert(mode)
    except Exception as error:  # damage raises anything, SyntaxError and zlib's own included
        reason = in_a_line(str(error).replace(repr(str(path)), "").strip() or type(error).__name__)
        raise DataError(f"{path}: not a readable {what} ({reason}); copy it again") from None


def _checked(
    path: Path, drawn: PILImage, image_path: Path, picture: PILImage, classes: tuple[str, ...]
) -> np.ndarray:
    """The mask's class numbers, uint8 (h, w)."""
    if drawn.mode not in ("P", "L"):
        raise DataError(
            f"{path}: its mode is {drawn.mode}, but a mask holds one class number a pixel: save it "
            "as a palette or grey PNG (mode P or L)"
        )
    if drawn.size != picture.size:
        raise DataError(
            f"{path}: has {drawn.width}x{drawn.height} pixels, but its image {image_path.name} "
            f"has {picture.width}x{picture.height}; a mask has a pixel for each of its image's"
        )
    full = np.asarray(drawn)
    found = np.flatnonzero(np.bincount(full.ravel(), minlength=256))
    beyond = found[(found >= len(classes)) & (found != VOID)]
    if len(beyond):
        raise DataError(
            f"{path}: holds class {beyond[0]}, but the classes end at {len(classes) - 1} "
            f"({classes[-1]}) and void is {VOID}; name classes of your own in classes.txt"
        )
    return full
