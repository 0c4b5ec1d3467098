"""Label masks at the size they were drawn in, kept compressed: predictions are scored there."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

BACKGROUND = 0  # the first class, where a data set has one
VOID = 255  # the label of pixels that are never trained on and never counted


@dataclass(frozen=True)
class FullMasks:
    """The masks of a split at their own sizes; a mask of few classes packs a hundredfold.

    packed: one zlib stream an image, of uint8 (h, w). sizes: int64 (N, 2), each h and w.
    inside: int64 (N, 2), height and width of the part of the square image that the
    picture fills, from its top left; the rest is padding.
    """

    packed: tuple[bytes, ...]
    sizes: np.ndarray
    inside: np.ndarray

    @staticmethod
    def pack(mask: np.ndarray) -> bytes:
        """One mask, uint8 (h, w), as `packed` holds it."""
        return zlib.compress(np.ascontiguousarray(mask).tobytes(), level=6)

    def __len__(self) -> int:
        return len(self.packed)

    def __getitem__(self, index: int) -> np.ndarray:
        """Mask `index`, uint8 (h, w), read-only."""
        flat = np.frombuffer(zlib.decompress(self.packed[index]), dtype=np.uint8)
        height, width = self.sizes[index]
        return flat.reshape(int(height), int(width))

    def take(self, indices: np.ndarray) -> FullMasks:
        """The masks at `indices` (int64, any order)."""
        packed = tuple(self.packed[int(index)] for index in indices)
        return FullMasks(packed, self.sizes[indices], self.inside[indices])
