"""Data sets by name. Importing this is cheap: loaders are imported when used."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from trainables.errors import UserError, unknown_name

if TYPE_CHECKING:
    from trainables.data.base import Dataset


@dataclass(frozen=True)
class DataSource:
    """An entry of the table: where the loader is and what it takes.

    loader: "module:function", called as function(data_dir, download, train_size).
    train_size: images a search trains on by default (None: all that validation leaves).
    experiment_size: images a cell of an experiment trains on by default, of which there
    are many.
    """

    summary: str
    loader: str
    train_size: int | None
    image_size: tuple[int, int]
    classes: int
    experiment_size: int | None = None
    takes_directory: bool = False
    can_download: bool = False


DATASETS: dict[str, DataSource] = {
    "street_digits": DataSource(
        summary="rendered house-number digits (embedded, the default)",
        loader="trainables.data.street_digits:load",
        train_size=1_000,
        experiment_size=500,
        image_size=(32, 32),
        classes=10,
    ),
    "uci_digits": DataSource(
        summary="scikit-learn's 1,797 handwritten digits, scaled to 32x32",
        loader="trainables.data.uci_digits:load",
        train_size=None,
        image_size=(32, 32),
        classes=10,
    ),
    "svhn": DataSource(
        summary="Street View House Numbers, cropped digits (.mat files)",
        loader="trainables.data.svhn:load",
        train_size=None,
        image_size=(32, 32),
        classes=10,
        takes_directory=True,
        can_download=True,
    ),
}


def source(name: str) -> DataSource:
    """The table's entry for `name`; UserError with the nearest name where there is none."""
    if name not in DATASETS:
        raise unknown_name("data set", name, DATASETS)
    return DATASETS[name]


def load_dataset(
    name: str,
    *,
    data_dir: str | Path | None = None,
    download: bool = False,
    train_size: int | None = None,
) -> Dataset:
    """Load (render, read or download) a data set, checked and hashed.

    Raises UserError for a request the data set cannot serve, DataError for bad files.
    """
    entry = source(name)
    if data_dir is not None and not entry.takes_directory:
        raise UserError(f"--data-dir: {name} is made here and reads no directory; leave it out")
    if download and not entry.can_download:
        raise UserError(f"--download: {name} needs no download; leave it out")
    module, function = entry.loader.split(":")
    loader = getattr(importlib.import_module(module), function)
    directory = None if data_dir is None else Path(data_dir)
    dataset: Dataset = loader(
        directory, download, entry.train_size if train_size is None else train_size
    )
    return dataset
