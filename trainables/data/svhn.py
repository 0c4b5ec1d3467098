"""Street View House Numbers (Netzer et al. 2011), cropped digits, from their .mat files."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

import numpy as np

from trainables.data.base import DataError, Dataset, Split, check, content_hash, elsewhere
from trainables.data.cache import cache_dir
from trainables.data.download import time_limit
from trainables.data.matfile import read_mat

NAME = "svhn"
# Of the official files, as torchvision has them.
MD5 = {
    "train": "e26dedcc434d2e4c54c9b2d4a06d8373",
    "test": "eb5a983be6a315427106f1b164d9cef3",
}
TRAIN_IMAGES, TRAIN_BYTES = 73_257, 182_040_794  # the official train file
VAL_FRACTION, VAL_MOST = 0.2, 5_000  # 5,000 images give accuracy a standard error of 0.3%


def peek(data_dir: Path | None) -> int | None:
    """How many images validation leaves of the official files; None of others.

    Raises DataError where one is missing.
    """
    train, _ = (_existing(data_dir, split) for split in MD5)
    return TRAIN_IMAGES - VAL_MOST if train.stat().st_size == TRAIN_BYTES else None


def load(data_dir: Path | None, download: bool, train_size: int | None) -> Dataset:
    """Read train_32x32.mat as the pool and test_32x32.mat as the test set.

    data_dir: where they are, or where --download puts them (None: the cache folder).
    Official files are told by their md5; others are read too, with a notice. The label
    10 becomes 0. train_size is the business of `Dataset.split`. Raises DataError, naming
    the file, where one is missing, damaged or not SVHN's format.
    """
    if download:
        for split in MD5:
            _download(_root(data_dir), split, keep=data_dir is not None)
    others: list[str] = []
    pool, test = (_read(_existing(data_dir, split), split, others) for split in MD5)
    notices = [f"not SVHN's own files (other md5): {', '.join(others)}"] if others else []
    return Dataset(
        name=NAME,
        classes=tuple("0123456789"),
        pool=pool,
        test=test,
        val_fraction=min(VAL_FRACTION, VAL_MOST / len(pool)),
        content_hash=content_hash(pool, test),
        notices=tuple(notices),
    )


def _root(data_dir: Path | None) -> Path:
    return cache_dir() / NAME if data_dir is None else data_dir


def _existing(data_dir: Path | None, split: str) -> Path:
    root, file = _root(data_dir), f"{split}_32x32.mat"
    if (root / file).is_file():
        return root / file
    if data_dir is None:
        advice = "name its folder with --data-dir or --download it"
    else:
        advice = elsewhere(root, file) or "put SVHN's there or add --download"
    raise DataError(f"{root / file}: no such file; {advice}")


def _read(path: Path, split: str, others: list[str]) -> Split:
    if _is_official(path, split):
        from torchvision.datasets import SVHN  # not above: it takes seconds to import

        official = SVHN(str(path.parent), split)
        images, labels = official.data.transpose(0, 2, 3, 1), official.labels
        result = Split(np.ascontiguousarray(images), labels)
    else:
        result = read_mat(path)
        others.append(f"{split} {len(result):,} images")
    check(str(path), result, 10)
    return result


def _is_official(path: Path, split: str) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "md5").hexdigest() == MD5[split]
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None


def _download(root: Path, split: str, keep: bool) -> None:
    """Fetch a split unless the official file is there already, whole or not at all.

    keep: refuse to replace a file that is not the official one (it is the user's).
    """
    from torchvision.datasets import SVHN

    path = root / f"{split}_32x32.mat"
    if path.is_file():
        if _is_official(path, split):
            return
        if keep:
            raise DataError(
                f"{path}: --download would replace it, and it is not the official file; "
                "move it away, or leave --download out to use it as it is"
            )
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".download-") as folder, time_limit():
            SVHN(folder, split, download=True)
            os.replace(Path(folder) / path.name, path)
    except (OSError, RuntimeError) as error:  # urllib's errors are OSErrors
        url = SVHN.split_list[split][0]
        reason = " ".join(str(error).split())
        raise DataError(
            f"{url}: cannot be fetched into {root} ({reason}); check the network and the "
            f"folder, or put {path.name} there yourself"
        ) from None
