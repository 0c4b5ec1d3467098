"""What options of searches and experiments must be, and the error where they are not."""

from __future__ import annotations

import math
import re

from study.words import one_of
from trainables.config import PRECISIONS
from trainables.data import DATASETS, SEGMENTATION, check_image_size, source
from trainables.errors import UserError, unknown_name
from trainables.models import MODELS


def require_whole(option: str, value: int | None, least: int) -> None:
    """UserError unless `value` is None or a whole number of at least `least`."""
    if value is not None and (not isinstance(value, int) or value < least):
        raise UserError(f"{option} must be a whole number of at least {least}, got {value}")


def require_common(name: str | None, precision: str, train_size: int | None) -> None:
    """UserError for what is wrong with the options that searches and experiments share."""
    require_whole("--train-size", train_size, 1)
    if precision not in PRECISIONS:
        raise unknown_name("precision", precision, PRECISIONS)
    if name is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
        raise UserError(f"--name must be 1 to 64 letters, digits, '.', '_' or '-', got {name!r}")


def require_task(model: str, data: str) -> None:
    """UserError for a model that does another thing than the data set is for."""
    does, wanted = MODELS[model].task, source(data).task
    if does != wanted:
        fitting = [name for name, entry in DATASETS.items() if entry.task == does]
        raise UserError(
            f"--data {data} is for {wanted}, and {model} does {does}: use {one_of(fitting)}"
        )


def image_side(data: str, asked: int | None) -> int | None:
    """The side that images are scaled to: as asked, the data set's own, None where fixed.

    UserError for a size that the data set or the networks cannot take.
    """
    check_image_size(data, asked)
    entry = source(data)
    return (asked or entry.image_size[0]) if entry.task == SEGMENTATION else None


def require_pretrained(model: str) -> None:
    """UserError for a model that has no pretrained weights."""
    if not MODELS[model].pretrained:
        raise UserError(f"--pretrained: {model} has no pretrained weights; leave it out")


def require_amount(option: str, value: float, above_zero: bool) -> None:
    """UserError unless `value` is finite and not negative, nor 0 where it must be above."""
    if not math.isfinite(value) or value < 0 or (above_zero and value == 0):
        rule = "above 0" if above_zero else "of at least 0"
        raise UserError(f"{option} must be a finite number {rule}, got {value:g}")
