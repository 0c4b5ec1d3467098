"""The embedded data set: house-number digits rendered here, made to look like SVHN.

Image i of "pool" or "test" is a function of VERSION, SEED, the split's name and i: images
are rendered in chunks of CHUNK, each from a generator of its own, so neither how many
were asked for nor how many processes render changes a pixel.

How near it is to SVHN has a command: `python -m benchmarks.likeness` trains a network on
either and reads the other.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from trainables.data.base import Dataset, Split, check, content_hash
from trainables.data.cache import Arrays, cache_dir, cached_chunks

NAME = "street_digits"
VERSION = 1  # raised whenever a pixel or a label changes, so that caches are made anew
SEED = 0
CHUNK = 500  # images a cache file
STRATUM = 50  # consecutive images that hold every class in proportion, give or take one
TEST_SIZE = 1_000
VAL_FRACTION = 1 / 3
SPLITS = ("pool", "test")


def load(data_dir: Path | None, download: bool, train_size: int | None) -> Dataset:
    """Render `train_size` images and half as many for validation, and 1,000 to test on.

    Rendered chunks are kept in the cache folder and used again, also by a larger request.
    data_dir and download are not used: there is nothing to read.
    """
    from trainables.data import DATASETS

    train_size = DATASETS[NAME].train_size if train_size is None else train_size
    assert train_size is not None
    pool, pool_error = _read_split("pool", math.ceil(train_size * 3 / 2))
    test, test_error = _read_split("test", TEST_SIZE)
    error = pool_error or test_error
    notices = (f"{cache_dir()}: images are not kept for the next run ({error})",) if error else ()
    check(NAME, pool, 10)
    return Dataset(
        name=NAME,
        classes=tuple("0123456789"),
        pool=pool,
        test=test,
        val_fraction=VAL_FRACTION,
        content_hash=content_hash(pool, test),
        notices=notices,
    )


def _read_split(split: str, count: int) -> tuple[Split, OSError | None]:
    """The first `count` images of a split, and what kept them from being cached."""
    folder = cache_dir() / NAME / f"v{VERSION}-seed{SEED}"
    like = {"images": ((CHUNK, 32, 32, 3), np.uint8), "labels": ((CHUNK,), np.int64)}
    arrays, error = cached_chunks(folder, split, count, render_chunk, like)
    return Split(arrays["images"], arrays["labels"]), error


def render_chunk(split: str, number: int, seed: int = SEED) -> Arrays:
    """Images number * CHUNK and following of a split.

    Returns images, uint8 (CHUNK, 32, 32, 3), and labels, int64 (CHUNK,), with SVHN's
    class frequencies in every STRATUM of them.
    """
    from trainables.data.rendering import render

    rng = np.random.Generator(np.random.PCG64([VERSION, seed, SPLITS.index(split), number]))
    labels = _draw_labels(rng)
    return {"images": render(labels, rng), "labels": labels}


def _draw_labels(rng: np.random.Generator) -> np.ndarray:
    """CHUNK labels by systematic sampling: even a small pool has enough of every class."""
    from trainables.data.drawing import SVHN_COUNTS

    steps = np.cumsum(SVHN_COUNTS) / np.sum(SVHN_COUNTS)
    groups = CHUNK // STRATUM
    points = (np.arange(STRATUM) + rng.random((groups, 1))) / STRATUM
    labels = np.searchsorted(steps[:-1], points, side="right").astype(np.int64)
    order = np.argsort(rng.random((groups, STRATUM)), axis=1, kind="stable")
    return np.take_along_axis(labels, order, axis=1).ravel()
