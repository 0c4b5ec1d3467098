"""Stratified, seeded splits: a function of labels and seed, nothing else."""

from __future__ import annotations

import numpy as np

from trainables.errors import FAILED, UserError


def stratified_split(
    labels: np.ndarray, val_fraction: float, train_size: int | None, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Disjoint (train, validation) indices with the pool's class frequencies in both.

    labels: int (N,). Returns two sorted int64 arrays; without `train_size` they hold the
    whole pool between them. Validation is drawn first and does not depend on
    `train_size`, and a smaller training set is part of every larger one, so learning
    curves over sizes differ in nothing else. Raises UserError where a class has fewer
    than two images or the pool is too small.
    """
    counts = np.bincount(labels)
    if counts.size == 0:
        raise UserError("cannot split 0 images: use more data", FAILED)
    if counts[counts > 0].min() < 2:
        rare = int(np.flatnonzero(counts == 1)[0])
        raise UserError(
            f"class {rare} has one image: a stratified split needs two; use more data", FAILED
        )
    rng = np.random.default_rng(seed)
    order = _interleaved(labels, rng.permutation(len(labels)))
    val_size = max(1, round(val_fraction * len(labels)))
    val, rest = order[:val_size], order[val_size:]
    classes = int(np.count_nonzero(counts))
    if min(len(val), len(rest)) < classes:
        raise UserError(
            f"cannot split {len(labels)} images: {len(rest)} to train and {len(val)} to "
            f"validate on are fewer than the {classes} classes; use more data",
            FAILED,
        )
    if train_size is not None:
        _check_train_size(train_size, classes, len(rest))
        rest = _interleaved(labels, rest)[:train_size]
    return np.sort(rest), np.sort(val)


def _interleaved(labels: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """`indices` reordered so that every beginning of them holds each class in proportion.

    The k-th of a class's n images comes (k + 1/2) / n of the way through, ties and the
    order within a class as given.
    """
    place = np.empty(len(indices))
    given = labels[indices]
    for label in np.unique(given):
        members = np.flatnonzero(given == label)
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    return indices[np.argsort(place, kind="stable")]


def _check_train_size(size: int, classes: int, available: int) -> None:
    if size > available:
        raise UserError(
            f"--train-size {size}: only {available} images are left beside validation; "
            "ask for fewer",
            FAILED,
        )
    if size < classes:
        raise UserError(f"--train-size {size}: {classes} classes need at least {classes} images")
