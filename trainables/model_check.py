"""Whether a model keeps the table's promises, asked of one forward pass before any training."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from trainables.data import CLASSIFICATION
from trainables.errors import UserError
from trainables.models import MODELS, Model, build_model, penultimate

if TYPE_CHECKING:
    from torch import Tensor, nn

IMAGES = 2  # in the batch that is tried


def measured(entry: Model) -> Model:
    """A model of `MODELS` with its parameters and multiply-accumulates counted.

    Raises UserError for one that cannot be built, has nothing to train, or whose output is wrong.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    classes = 10 if entry.task == CLASSIFICATION else 21
    model = require_fits(entry.name, classes, entry.side, entry.side)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 3, entry.side, entry.side))
    return dataclasses.replace(
        entry,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        macs=counter.get_total_flops() // 2,
    )


def require_fits(name: str, classes: int, height: int, width: int) -> nn.Module:
    """The model, new, in evaluation mode, after reading images (2, 3, height, width).

    Raises UserError unless its output is of the documented shape for so many classes.
    """
    import torch

    what = f"model {name!r}"
    on = f"{IMAGES} images of {width}x{height} and {classes} classes"
    try:
        model = build_model(name, classes, seed=0)
    except UserError:
        raise
    except Exception as error:
        raise _raised(f"{what} cannot be built for {classes} classes", error) from error
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise UserError(f"{what} has no parameter to train")
    model.eval()
    images = torch.zeros(IMAGES, 3, height, width)
    try:
        with torch.no_grad():
            output = model(images)
    except Exception as error:
        raise _raised(f"{what} cannot read {on}", error) from error
    if MODELS[name].task == CLASSIFICATION:
        _require_shape(what, on, output, (IMAGES, classes))
        _require_head(what, model, images)
    elif not isinstance(output, dict) or "out" not in output:
        raise UserError(f"{what}: a segmentation model returns {{'out': logits}}")
    else:
        for logits in output.values():
            _require_shape(what, on, logits, (IMAGES, classes, height, width))
    return model


def _require_shape(what: str, on: str, output: object, wanted: tuple[int, ...]) -> None:
    import torch

    found = tuple(output.shape) if isinstance(output, torch.Tensor) else _kind(output)
    if found != wanted:
        raise UserError(f"{what}: the logits of {on} must be of shape {wanted}, got {found}")


def _require_head(what: str, model: nn.Module, images: Tensor) -> None:
    """A report draws what the last layer reads, so that must be there to be looked at."""
    try:
        features = penultimate(model, images)
    except (AttributeError, IndexError):
        features = None
    if features is None or features.ndim != 2:
        raise UserError(f"{what}: its last layer must be a linear one that is called fc")


def _kind(value: object) -> str:
    return type(value).__name__


def _raised(what: str, error: Exception) -> UserError:
    reason = (str(error).splitlines() or [""])[0]
    return UserError(f"{what}: {_kind(error)}: {reason}")
