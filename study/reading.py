"""Reading a run's images, and what its user should know of them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from study.request import Request
from study.words import counted
from trainables.data import load_dataset
from trainables.errors import FAILED, UserError
from trainables.model_check import require_fits
from trainables.patience import Say

if TYPE_CHECKING:
    from trainables.data.base import Dataset

FEW = 20  # validation images: one of them is five points of accuracy
SLOW = 5.0  # seconds after which a silent terminal is explained


def read(request: Request, say: Say) -> Dataset:
    """The images of a run, which its models can read; a search's come without test images.

    Raises UserError for a request that the data cannot serve, DataError for bad files.
    """
    with _explained_if_slow(request.data, say):
        dataset = load_dataset(
            request.data,
            data_dir=request.data_dir,
            download=request.download,
            train_size=request.train_size,
            image_size=request.image_size,
        )
    if not request.with_test:
        dataset = dataset.without_test()
    elif dataset.test is None:
        where = f" ({request.data_dir})" if request.data_dir else ""
        raise UserError(
            f"{dataset.name}{where} has no test images, which an experiment needs", FAILED
        )
    for notice in dataset.notices:
        say(f"note: {notice}")
    train, val = dataset.split_indices(request.split_seed, request.train_size)
    for model in request.models:
        require_fits(model, len(dataset.classes), *dataset.pool.images.shape[1:3])
    held_out = counted(len(val), "validation image")
    say(f"{dataset.name}: {len(train):,} training and {held_out}")
    if len(val) < FEW:
        advice = "differences between trials may be chance; use more data"
        say(f"note: only {held_out}: {advice}")
    return dataset


@contextlib.contextmanager
def _explained_if_slow(data: str, say: Say) -> Iterator[None]:
    later = threading.Timer(SLOW, say, [f"{data}: its images are still being read or made"])
    later.daemon = True
    later.start()
    try:
        yield
    finally:
        later.cancel()
