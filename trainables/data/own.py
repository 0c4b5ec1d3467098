"""A data set of a plugin: loaded, checked as a whole, and hashed."""

from __future__ import annotations

import dataclasses
import traceback
from typing import TYPE_CHECKING

from trainables.data import SEGMENTATION
from trainables.data.base import DataError, Dataset, check, content_hash
from trainables.errors import UserError

if TYPE_CHECKING:
    from trainables.data import DataSource


def loaded(name: str, entry: DataSource, arguments: tuple[object, ...]) -> Dataset:
    """What the loader returns, under the table's name; DataError where it breaks a rule.

    The hash is made here: one that a loader stated could stay as it was while its data change.
    """
    assert not isinstance(entry.loader, str)
    named = f"{name} ({arguments[0]})" if arguments[0] else name  # with its folder
    try:
        dataset = entry.loader(*arguments, **entry.options)
    except UserError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise  # the system's own, which says what of which file
        reason = (str(error).splitlines() or [""])[0]
        if isinstance(error, OSError) and (picture := _picture(error)):  # so are all of Pillow's
            why = type(error).__name__ if picture in reason else reason
            raise DataError(
                f"{named}: {picture} is no picture that can be read ({why}); replace or remove it"
            ) from error
        raise DataError(f"{named}: its loader raised {type(error).__name__}: {reason}") from error
    if not isinstance(dataset, Dataset):
        raise DataError(
            f"{named}: its loader must return a trainables.data.base.Dataset, got "
            f"{type(dataset).__name__}"
        )
    if dataset.task != entry.task:
        raise DataError(f"{named}: registered for {entry.task}, but loaded for {dataset.task}")
    if len(dataset.classes) < 2:
        raise DataError(f"{named}: needs two or more classes, found {len(dataset.classes)}")
    if not 0 < dataset.val_fraction < 1:
        raise DataError(
            f"{named}: val_fraction must lie between 0 and 1, got {dataset.val_fraction!r}: "
            "without validation images nothing can be chosen"
        )
    size = (arguments[3],) * 2 if entry.task == SEGMENTATION else entry.image_size
    splits = [split for split in (dataset.pool, dataset.test) if split is not None]
    for split in splits:
        check(named, split, len(dataset.classes), entry.task)
        if split.images.shape[1:3] != size:
            raise DataError(f"{named}: images are {split.images.shape[1:3]}, registered as {size}")
    notices = (*dataset.notices, *_absent(dataset))
    return dataclasses.replace(
        dataset, name=name, content_hash=content_hash(*splits), notices=notices
    )


def _picture(error: Exception) -> str:
    """The file that Pillow was opening or decoding when it raised this; "" where it was not.

    Of a picture that is cut, say, its own message does not name the file.
    """
    found = ""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        of_pillow = frame.f_globals.get("__name__", "").partition(".")[0] == "PIL"
        if of_pillow and frame.f_code.co_name in ("open", "load"):
            image = frame.f_locals.get("self")
            found = frame.f_locals.get("filename") or getattr(image, "filename", "") or found
    return str(found)


def _absent(dataset: Dataset) -> list[str]:
    """A notice of classes without an image to train on; scenes need not show all."""
    if dataset.task == SEGMENTATION:
        return []
    there = set(dataset.pool.labels.tolist())
    absent = [name for label, name in enumerate(dataset.classes) if label not in there]
    return [f"no image to train on is of class {', '.join(absent)}"] if absent else []
