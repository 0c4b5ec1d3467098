"""Pascal VOC's segmentation task (Everingham et al. 2010), or a devkit of one's own like it.

The official train list is the pool and the official val list is the test set: the labels of
VOC's own test images are not public. So figures on `test` compare with what papers report
on "val", and validation data come out of the pool.

At 512 pixels VOC 2012's 2,913 images are 3.1 GB of arrays. They are decoded once, one at a
time, into the cache folder, and mapped from there by every process.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from trainables.data import SEGMENTATION
from trainables.data.base import DataError, Dataset, Split, check
from trainables.data.cache import cache_dir
from trainables.data.decoded import Pairs, decoded
from trainables.data.devkit import (
    OWN_CLASSES,
    VAL_FRACTION,
    existing,
    find,
    layout,
    listed_pairs,
    own_classes,
    root_of,
)
from trainables.data.download import time_limit
from trainables.data.masks import VOID

NAME = "voc"
CLASSES = (
    "background",
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("dining table", "dog", "horse", "motorbike", "person", "potted plant", "sheep", "sofa"),
    *("train", "tv/monitor"),
)


def load(
    data_dir: Path | None,
    download: bool,
    train_size: int | None,
    image_size: int,
    year: str = "2012",
) -> Dataset:
    """Read a year's devkit; see `read_labelled` for how images become squares.

    data_dir: the folder that holds VOCdevkit, or that or VOC{year} itself (None: the cache
    folder). A file classes.txt in VOC{year} names other classes, one a line. Masks at their
    own size come with the splits. train_size is the business of `Dataset.split`. Raises
    DataError, naming the file, where one is missing, damaged or not as VOC's are.
    """
    root = root_of(data_dir)
    if download and find(root, year) is None:
        _download(root, year)
    folder = existing(data_dir, year)
    classes = own_classes(folder)
    pairs = Pairs(listed_pairs(folder, year), classes or CLASSES, image_size)
    (pool, test), digest, error = decoded(pairs)
    notices = [f"{cache_dir()}: images are not kept for the next run ({error})"] if error else []
    check(str(folder), pool, len(pairs.classes), SEGMENTATION)
    check(str(folder), test, len(pairs.classes), SEGMENTATION)
    unseen = len(CLASSES) - len(_seen(pool) | _seen(test))
    if unseen and not classes:
        notices.append(
            f"{folder}: {unseen} of VOC's {len(CLASSES)} classes are in none of its masks; if its "
            f"classes are others, name them in {OWN_CLASSES} there, one a line"
        )
    return Dataset(
        name=NAME if year == "2012" else f"{NAME}{year}",
        classes=pairs.classes,
        pool=pool,
        test=test,
        val_fraction=VAL_FRACTION,
        content_hash=digest,
        notices=tuple(notices),
        task=SEGMENTATION,
    )


def _seen(split: Split) -> set[int]:
    """The classes of its masks."""
    counts = sum(np.bincount(mask.ravel(), minlength=VOID + 1) for mask in split.labels)
    return set(np.flatnonzero(counts).tolist()) - {VOID}


def _download(root: Path, year: str) -> None:
    """Fetch a year, whole or not at all."""
    from torchvision.datasets import VOCSegmentation
    from torchvision.datasets.voc import DATASET_YEAR_DICT

    target = root / layout(year)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".download-") as folder, time_limit():
            VOCSegmentation(folder, year, "train", download=True)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(Path(folder) / layout(year), target)
    except (OSError, RuntimeError) as error:  # urllib's errors are OSErrors
        url = DATASET_YEAR_DICT[year]["url"]
        reason = " ".join(str(error).split())
        raise DataError(
            f"{url}: cannot be fetched into {root} ({reason}); check the network and the folder, "
            f"or put {layout(year)} there yourself"
        ) from None
