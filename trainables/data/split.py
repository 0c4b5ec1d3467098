"""Stratified, seeded splits: a function of labels and seed, nothing else."""

from __future__ import annotations

import numpy as np

from trainables.errors import FAILED, UserError


def stratified_split(
    labels: np.ndarray, val_fraction: float, train_size: int | None, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Disjoint (train, validation) indices with the pool's class frequencies in both.

    labels: int (N,). Returns two sorted int64 arrays. Validation is drawn first and
    does not depend on `train_size`, so learning curves over sizes share it. Raises
    UserError where a class has fewer than two images or the pool is too small.
    """
    from sklearn.model_selection import train_test_split

    counts = np.bincount(labels)
    if counts[counts > 0].min() < 2:
        rare = int(np.flatnonzero(counts == 1)[0])
        raise UserError(
            f"class {rare} has one image: a stratified split needs two; use more data", FAILED
        )
    indices = np.arange(len(labels))
    try:
        train, val = train_test_split(
            indices, test_size=val_fraction, stratify=labels, random_state=seed
        )
    except ValueError as error:
        raise UserError(f"cannot split {len(labels)} images: {error}", FAILED) from None
    if train_size is not None and train_size != len(train):
        train = _subset(train, labels, train_size, seed)
    return np.sort(train), np.sort(val)


def _subset(train: np.ndarray, labels: np.ndarray, size: int, seed: int) -> np.ndarray:
    from sklearn.model_selection import train_test_split

    classes = len(np.unique(labels))
    if size > len(train):
        raise UserError(
            f"--train-size {size}: only {len(train)} images are left beside validation; "
            "ask for fewer",
            FAILED,
        )
    if size < classes or len(train) - size < classes:
        limit = len(train) - classes
        raise UserError(
            f"--train-size {size}: a stratified subset must have {classes} to {limit} images, "
            f"or all {len(train)}"
        )
    kept, _ = train_test_split(train, train_size=size, stratify=labels[train], random_state=seed)
    return np.asarray(kept)
