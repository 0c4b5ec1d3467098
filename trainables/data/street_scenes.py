"""The embedded segmentation data set: street scenes of 20 kinds of things, rendered here.

Image i of "pool" or "test" is a function of VERSION, SEED, the split's name, i and nothing
else: images are rendered in chunks of CHUNK, each image from a generator of its own, so
neither how many were asked for nor how many processes render changes a pixel. Another
image size shows the same scenes with more or fewer pixels.

Made to be hard where street photographs are: most pixels are background, which has
windows, stripes and greens of its own; things cover one another, come in many colours and
sizes, and some are a pixel thin; their outlines are followed by a pixel or two of void.
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

import numpy as np

from trainables.data import DATASETS, SEGMENTATION
from trainables.data.base import Dataset, Split, check, content_hash
from trainables.data.cache import Arrays, cache_dir, cached_chunks

NAME = "street_scenes"
VERSION = 2  # raised whenever a pixel or a label changes, so that caches are made anew
SEED = 0
CHUNK = 40  # images a cache file: each kind of thing is asked for twice
TEST_SIZE = 64
VAL_FRACTION = 1 / 3
SPLITS = ("pool", "test")


def load(data_dir: Path | None, download: bool, train_size: int | None, image_size: int) -> Dataset:
    """Render `train_size` images and half as many for validation, and 64 to test on.

    image_size: height and width in pixels. Rendered chunks are kept in the cache folder and
    used again, also by a larger request; about 4 bytes a pixel. data_dir and download are not
    used: there is nothing to read.
    """
    from trainables.data.street.kinds import CLASSES

    train_size = DATASETS[NAME].train_size if train_size is None else train_size
    assert train_size is not None
    pool, pool_error = _read_split("pool", math.ceil(train_size * 3 / 2), image_size)
    test, test_error = _read_split("test", TEST_SIZE, image_size)
    error = pool_error or test_error
    notices = (f"{cache_dir()}: images are not kept for the next run ({error})",) if error else ()
    check(NAME, pool, len(CLASSES), SEGMENTATION)
    return Dataset(
        name=NAME,
        classes=CLASSES,
        pool=pool,
        test=test,
        val_fraction=VAL_FRACTION,
        content_hash=content_hash(pool, test),
        notices=notices,
        task=SEGMENTATION,
    )


def _read_split(split: str, count: int, side: int) -> tuple[Split, OSError | None]:
    """The first `count` images of a split, and what kept them from being cached."""
    folder = cache_dir() / NAME / f"v{VERSION}-seed{SEED}-{side}px"
    square = (CHUNK, side, side)
    like = {"images": ((*square, 3), np.uint8), "labels": (square, np.uint8)}
    render = partial(render_chunk, side=side)
    arrays, error = cached_chunks(folder, split, count, render, like)
    return Split(arrays["images"], arrays["labels"]), error


def render_chunk(split: str, number: int, side: int, seed: int = SEED) -> Arrays:
    """Images number * CHUNK and following of a split.

    Returns images, uint8 (CHUNK, side, side, 3), and labels, uint8 (CHUNK, side, side). Each
    kind of thing is asked for once in every 20 images, so that even a small pool has it.
    """
    from trainables.data.street.camera import photograph
    from trainables.data.street.kinds import KINDS

    key = [VERSION, seed, SPLITS.index(split), number]
    order = np.random.Generator(np.random.PCG64(key)).random((CHUNK // len(KINDS), len(KINDS)))
    images = np.empty((CHUNK, side, side, 3), np.uint8)
    labels = np.empty((CHUNK, side, side), np.uint8)
    for index, asked in enumerate(np.argsort(order, axis=1, kind="stable").ravel()):
        rng = np.random.Generator(np.random.PCG64([*key, index]))
        images[index], labels[index] = photograph(rng, int(asked), side)
    return {"images": images, "labels": labels}
