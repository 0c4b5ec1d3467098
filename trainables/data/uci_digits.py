"""Handwritten digits (UCI, Alpaydin and Kaynak 1998), as scikit-learn carries them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from trainables.data.base import Dataset, Split, check, content_hash
from trainables.data.split import stratified_split

NAME = "uci_digits"
TEST_FRACTION = 0.2
TEST_SEED = 0  # which images are held out is part of the data set, not of an experiment
VAL_FRACTION = 0.2


def peek(data_dir: Path | None) -> int:
    """1,797 images without 359 for tests and 288 for validation."""
    return 1_150


def load(data_dir: Path | None, download: bool, train_size: int | None) -> Dataset:
    """All 1,797 images: 1,438 in the pool, 359 held out.

    The arguments are not used: nothing is read or fetched, and train_size is the
    business of `Dataset.split`.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    everything = Split(_enlarged(digits.images), digits.target.astype(np.int64))
    check(NAME, everything, 10)
    kept, held_out = stratified_split(everything.labels, TEST_FRACTION, None, TEST_SEED)
    pool, test = everything.take(kept), everything.take(held_out)
    return Dataset(
        name=NAME,
        classes=tuple("0123456789"),
        pool=pool,
        test=test,
        val_fraction=VAL_FRACTION,
        content_hash=content_hash(pool, test),
    )


def _enlarged(images: np.ndarray) -> np.ndarray:
    """uint8 (N, 32, 32, 3) from float (N, 8, 8) in 0..16, bilinearly."""
    from PIL import Image

    grey = np.rint(images * (255 / 16)).astype(np.uint8)
    bilinear = Image.Resampling.BILINEAR
    large = [np.asarray(Image.fromarray(image).resize((32, 32), bilinear)) for image in grey]
    return np.repeat(np.stack(large)[..., None], 3, axis=-1)
