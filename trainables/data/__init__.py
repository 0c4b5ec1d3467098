"""Data sets by name. Importing this is cheap: loaders are imported when used."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainables.errors import UserError, unknown_name

if TYPE_CHECKING:
    from trainables.data.base import Dataset


CLASSIFICATION, SEGMENTATION = "classification", "segmentation"
SMALLEST, LARGEST, STEP = 32, 1024, 8  # image sizes: the networks' stride is 8


@dataclass(frozen=True)
class DataSource:
    """An entry of the table: where the loader is and what it takes.

    loader: "module:function", or a plugin's own function; called as function(data_dir,
    download, train_size), of a segmentation as function(data_dir, download, train_size,
    image_size, **options). What a plugin's returns is checked, and hashed here.
    train_size: images a search trains on by default (None: all that validation leaves).
    experiment_size: images a cell of an experiment trains on by default, of which there are many.
    least_train_size: fewer are refused before anything is read. image_size: height and width,
    which can be chosen for a segmentation. peek: "module:function", called as function(data_dir,
    **options) before anything is read: how many images validation leaves to train on, None where
    only reading tells; DataError for files that are not there.
    """

    summary: str
    loader: str | Callable[..., Dataset]
    train_size: int | None
    image_size: tuple[int, int]
    experiment_size: int | None = None
    least_train_size: int = 1
    takes_directory: bool = False
    can_download: bool = False
    task: str = CLASSIFICATION
    options: Mapping[str, object] = field(default_factory=dict)
    peek: str = ""


def _voc(year: int) -> DataSource:
    return DataSource(
        summary=f"Pascal VOC {year}, 21 classes, or scenes of your own like it",
        loader="trainables.data.voc:load",
        train_size=None,
        image_size=(128, 128),
        takes_directory=True,
        can_download=True,
        task=SEGMENTATION,
        options={"year": str(year)},
        peek="trainables.data.devkit:peek",
    )


DATASETS: dict[str, DataSource] = {
    "street_digits": DataSource(
        summary="rendered house-number digits (embedded, the default)",
        loader="trainables.data.street_digits:load",
        train_size=1_000,
        experiment_size=500,
        least_train_size=32,  # below this a pool may hold a class too rarely to be split
        image_size=(32, 32),
    ),
    "uci_digits": DataSource(
        summary="scikit-learn's 1,797 handwritten digits, scaled to 32x32",
        loader="trainables.data.uci_digits:load",
        train_size=None,
        least_train_size=10,  # one of each
        image_size=(32, 32),
        peek="trainables.data.uci_digits:peek",
    ),
    "svhn": DataSource(
        summary="Street View House Numbers, cropped digits (.mat files)",
        loader="trainables.data.svhn:load",
        train_size=None,
        image_size=(32, 32),
        takes_directory=True,
        can_download=True,
        peek="trainables.data.svhn:peek",
    ),
    "street_scenes": DataSource(
        summary="rendered street scenes, a class for every pixel (embedded)",
        loader="trainables.data.street_scenes:load",
        train_size=64,
        experiment_size=64,
        least_train_size=2,
        image_size=(64, 64),
        task=SEGMENTATION,
    ),
    "voc": _voc(2012),
    **{f"voc{year}": _voc(year) for year in range(2011, 2006, -1)},
}


def source(name: str) -> DataSource:
    """The table's entry for `name`; UserError with the nearest name where there is none."""
    if name not in DATASETS:
        raise unknown_name("data set", name, DATASETS)
    return DATASETS[name]


def check_image_size(name: str, image_size: int | None) -> None:
    """Raise UserError for an image size that the data set `name` cannot be had in."""
    entry = source(name)
    if image_size is None:
        return
    if entry.task != SEGMENTATION:
        height, width = entry.image_size
        raise UserError(f"--image-size: {name} images are {width}x{height}; leave it out")
    if image_size % STEP or not SMALLEST <= image_size <= LARGEST:
        raise UserError(
            f"--image-size {image_size}: must be a multiple of {STEP} from {SMALLEST} to {LARGEST}"
        )


def check_train_size(name: str, train_size: int | None) -> None:
    """Raise UserError for fewer images than the data set `name` can be trained on with."""
    least = source(name).least_train_size
    if train_size is not None and train_size < least:
        raise UserError(f"--train-size {train_size}: {name} needs at least {least}")


def require_directory(name: str, data_dir: str | Path | None, download: bool = False) -> None:
    """UserError where the data set `name` reads a folder that is not named or not there.

    download: a folder that is not there will be made.
    """
    entry = source(name)
    if data_dir is not None and not entry.takes_directory:
        raise UserError(
            f"--data-dir: {name} is made here and reads no directory; leave it out, or name the "
            "data with --data"
        )
    if entry.takes_directory and not entry.can_download and data_dir is None:
        raise UserError(f"--data {name} reads a folder: name it with --data-dir")
    if data_dir is None or Path(data_dir).is_dir():
        return
    if not (download and entry.can_download) or Path(data_dir).exists():
        raise UserError(f"--data-dir {data_dir}: no such folder; name the one with the files")


def images_to_train_on(name: str, data_dir: str | Path | None, download: bool) -> int | None:
    """How many images validation leaves, as far as that can be known before they are read.

    DataError where files are missing, and not asked to be downloaded.
    """
    entry = source(name)
    if not entry.peek:
        return None
    directory = None if data_dir is None else Path(data_dir)
    try:
        known: int | None = _named(entry.peek)(directory, **entry.options)
    except UserError:
        if download:
            return None
        raise
    return known


def _named(function: str) -> Callable[..., Any]:
    """A function by "module:function", imported when it is used."""
    module, name = function.split(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found


def load_dataset(
    name: str,
    *,
    data_dir: str | Path | None = None,
    download: bool = False,
    train_size: int | None = None,
    image_size: int | None = None,
) -> Dataset:
    """Load (render, read or download) a data set, checked and hashed.

    image_size: height and width of a segmentation's images (None: the table's).
    Raises UserError for a request the data set cannot serve, DataError for bad files.
    """
    entry = source(name)
    require_directory(name, data_dir, download)
    if download and not entry.can_download:
        raise UserError(f"--download: {name} needs no download; leave it out")
    check_image_size(name, image_size)
    check_train_size(name, train_size)
    directory = None if data_dir is None else Path(data_dir)
    size = entry.train_size if train_size is None else train_size
    arguments: tuple[object, ...] = (directory, download, size)
    if entry.task == SEGMENTATION:
        arguments += (entry.image_size[0] if image_size is None else image_size,)
    if not isinstance(entry.loader, str):
        from trainables.data.own import loaded

        return loaded(name, entry, arguments)
    dataset: Dataset = _named(entry.loader)(*arguments, **entry.options)
    return dataset
