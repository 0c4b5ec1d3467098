"""The processes that train one model together: one by default, more under Ray Train."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn


def _same_model(model: nn.Module) -> nn.Module:
    return model


def _same_tensor(value: Tensor) -> Tensor:
    return value


@dataclass(frozen=True)
class Workers:
    """A group of `count` processes, of which this is number `rank`.

    wrap: makes a module average its gradients, and share the statistics of batch-norm, over
    the group. sum: adds a tensor over the group, the result being the same in each process.
    device: where this process trains (None: the first device it sees).
    """

    rank: int = 0
    count: int = 1
    wrap: Callable[[nn.Module], nn.Module] = _same_model
    sum: Callable[[Tensor], Tensor] = _same_tensor
    device: torch.device | None = None


SOLO = Workers()
