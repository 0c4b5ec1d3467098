"""What every data set is: a pool to split, a test set kept apart, and a content hash."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainables.data import CLASSIFICATION, SEGMENTATION
from trainables.data.masks import VOID, FullMasks
from trainables.data.split import stratified_split
from trainables.errors import FAILED, UserError


class DataError(UserError):
    """Data that is missing, damaged or not what the loader reads (exit code 1)."""

    def __init__(self, message: str):
        super().__init__(message, exit_code=FAILED)


@dataclass(frozen=True)
class Split:
    """Images with their labels.

    images: uint8 (N, H, W, 3), RGB. labels: of a classification int64 (N,), each in
    0..classes-1; of a segmentation uint8 (N, H, W), each in 0..classes-1 or VOID. full: the
    masks of a segmentation at the size they were drawn in, where that is not H x W.
    """

    images: np.ndarray
    labels: np.ndarray
    full: FullMasks | None = None

    def __len__(self) -> int:
        return len(self.images)

    def take(self, indices: np.ndarray) -> Split:
        """The images at `indices` (int64, any order), copied."""
        full = None if self.full is None else self.full.take(indices)
        return Split(self.images[indices], self.labels[indices], full)


@dataclass(frozen=True)
class Dataset:
    """A named data set: `pool` is split into train and validation, `test` never is.

    content_hash: hexadecimal SHA-256 over pool and test, images and labels (left out by a
    plugin's loader, since `load_dataset` makes it).
    val_fraction: share of the pool that becomes validation data. task: CLASSIFICATION or
    SEGMENTATION. notices: sentences the user has to see (a file that is not the official
    one, say).
    """

    name: str
    classes: tuple[str, ...]
    pool: Split
    test: Split | None
    val_fraction: float
    content_hash: str = ""
    notices: tuple[str, ...] = ()
    task: str = CLASSIFICATION

    def split_indices(self, seed: int, train_size: int | None) -> tuple[np.ndarray, np.ndarray]:
        """(train, validation) indices into the pool, int64, a function of `seed` only.

        Stratified by class; scenes hold many classes each and are split at random.
        train_size: images to train on; None takes all that validation leaves.
        Raises UserError where the pool is too small for it.
        """
        scenes = self.task == SEGMENTATION
        strata = np.zeros(len(self.pool), dtype=np.int64) if scenes else self.pool.labels
        return stratified_split(strata, self.val_fraction, train_size, seed)

    def without_test(self) -> Dataset:
        """The same data set with the test images taken away: what a search may see."""
        return dataclasses.replace(self, test=None)


def check(name: str, split: Split, classes: int, task: str = CLASSIFICATION) -> None:
    """Raise DataError unless images and labels have the documented shape, type and range."""
    images, labels = split.images, split.labels
    if not len(images):
        raise DataError(f"{name}: holds no images")
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] != 3:
        raise DataError(
            f"{name}: images must be uint8 (N, H, W, 3), found {images.dtype} {images.shape}"
        )
    kind = np.uint8 if task == SEGMENTATION else np.int64
    if labels.dtype != kind:
        raise DataError(f"{name}: labels must be {np.dtype(kind)}, found {labels.dtype}")
    wanted = images.shape[:3] if task == SEGMENTATION else images.shape[:1]
    if labels.shape != wanted:
        raise DataError(f"{name}: {len(images)} images but labels of shape {labels.shape}")
    extremes = [_extremes(part, task) for part in np.array_split(labels, len(labels) // 64 + 1)]
    found = [value for pair in extremes for value in pair]
    if not found:
        raise DataError(f"{name}: every pixel is void, so there is nothing to learn")
    low, high = min(found), max(found)
    if low < 0 or high >= classes:
        raise DataError(f"{name}: labels must lie in 0..{classes - 1}, found {low}..{high}")


def _extremes(labels: np.ndarray, task: str) -> tuple[int, ...]:
    """The smallest and the largest label of a few images; nothing where all is void."""
    counted = labels[labels != VOID] if task == SEGMENTATION else labels
    return (int(counted.min()), int(counted.max())) if counted.size else ()


def elsewhere(root: Path, wanted: str | Path) -> str:
    """What to do where the folder one level up or down has what is wanted; "" where none has."""
    near = [root.parent, *sorted(root.glob("*/"))] if root.is_dir() else []
    # Of os.path, to which what may not be looked into is not there.
    found = [str(folder) for folder in near if os.path.exists(folder / wanted)]
    return f"did you mean --data-dir {' or '.join(found)}?" if found else ""


def content_hash(*splits: Split) -> str:
    """SHA-256 over the bytes of every split's images and labels, in order."""
    digest = hashlib.sha256()
    for split in splits:
        digest.update(repr(split.images.shape).encode())
        digest.update(np.ascontiguousarray(split.images).data)
        if split.labels.ndim > 1:
            digest.update(np.ascontiguousarray(split.labels).data)
        else:
            digest.update(np.ascontiguousarray(split.labels.astype(np.int64)).data)
        for packed in split.full.packed if split.full else ():
            digest.update(packed)
    return digest.hexdigest()
