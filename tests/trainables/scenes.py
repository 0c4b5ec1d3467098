"""A small segmentation data set for tests: squares of three classes on a grey ground."""

from __future__ import annotations

import numpy as np

from trainables.data.base import SEGMENTATION, Dataset, Split, content_hash
from trainables.data.masks import VOID, FullMasks

CLASSES = ("background", "red", "green", "never")
SIDE = 32


def squares(count: int, seed: int = 0, side: int = SIDE) -> Split:
    """Images with one or two squares, a void border around each; the last one is empty."""
    rng = np.random.default_rng(seed)
    images = rng.integers(90, 130, (count, side, side, 3), dtype=np.uint8)
    masks = np.zeros((count, side, side), dtype=np.uint8)
    for image, mask in zip(images[:-1], masks[:-1], strict=True):
        for label in rng.permutation([1, 2])[: rng.integers(1, 3)]:
            size = int(rng.integers(side // 4, side // 2))
            top, left = rng.integers(0, side - size, 2)
            mask[top : top + size, left : left + size] = VOID
            inner = np.s_[top + 1 : top + size - 1, left + 1 : left + size - 1]
            mask[inner] = label
            image[inner] = np.clip(rng.normal(60, 25, 3), 0, 255)
            image[inner][..., label - 1] = 220
    return Split(images, masks)


def larger(split: Split, times: int = 2) -> Split:
    """The same with its masks drawn larger, and a padded right half of every other image."""
    side = split.images.shape[1]
    inside = np.full((len(split), 2), side)
    inside[::2, 1] = side // 2
    labels = split.labels.copy()
    labels[::2, :, side // 2 :] = VOID
    masks = [
        mask[:, :width].repeat(times, 0).repeat(times, 1)
        for mask, (_, width) in zip(labels, inside, strict=True)
    ]
    sizes = np.array([mask.shape for mask in masks])
    return Split(split.images, labels, FullMasks(tuple(map(FullMasks.pack, masks)), sizes, inside))


def dataset(pool: Split | None = None, test: Split | None = None) -> Dataset:
    """60 images in the pool, 9 to test on."""
    pool, test = pool or squares(60), test or squares(9, seed=1)
    return Dataset(
        "squares", CLASSES, pool, test, 1 / 3, content_hash(pool, test), task=SEGMENTATION
    )
