"""A data set where the training is: split, resident, and never copied on a CPU."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trainables.config import TrainConfig
from trainables.data import SEGMENTATION
from trainables.data.base import Dataset, Split
from trainables.data.masks import VOID, FullMasks
from trainables.errors import FAILED, UserError
from trainables.seeding import stream_seed

_CHUNK = 64  # images whose colours are added up at a time


@dataclass(frozen=True)
class Resident:
    """Images and labels on the device, as of `trainables.data.base.Split`.

    images: uint8 (N, H, W, 3). labels: int64 (N,), or uint8 (N, H, W). full: masks at the
    size they were drawn in (None: that is H x W), on the host, where they are unpacked.
    """

    images: Tensor
    labels: Tensor
    full: FullMasks | None

    @classmethod
    def of(cls, split: Split, device: torch.device) -> Resident:
        """The split on the device; on the CPU it is mapped, not copied."""
        return cls(_resident(split.images, device), _resident(split.labels, device), split.full)


@dataclass(frozen=True)
class TrainData:
    """The pool of a data set where the training is: shared by all who map it.

    train, val, probe: int64 indices into the pool; probe is the fixed part of train on
    which the clean training loss is measured (as many images as validation has, so that
    both are equally precise). mean, std: float (3,), of the training images, in 0..1.
    """

    pool: Resident
    train: Tensor
    val: Tensor
    probe: Tensor
    mean: Tensor
    std: Tensor
    classes: int
    task: str

    @classmethod
    def of(cls, dataset: Dataset, config: TrainConfig, device: torch.device) -> TrainData:
        """Split the data set as `config` says and put it on the device."""
        train, val = dataset.split_indices(config.split_seed, config.train_size)
        _require_labels(dataset, {"training": train, "validation": val}, config.split_seed)
        order = np.random.default_rng(stream_seed(config.split_seed, "probe")).permutation(train)
        mean, std = _moments(dataset.pool.images, train)
        return cls(
            pool=Resident.of(dataset.pool, device),
            train=torch.as_tensor(train, device=device),
            val=torch.as_tensor(val, device=device),
            probe=torch.as_tensor(order[: len(val)], device=device),
            mean=torch.as_tensor(mean, dtype=torch.float32, device=device),
            std=torch.as_tensor(std, dtype=torch.float32, device=device).clamp_min(1e-3),
            classes=len(dataset.classes),
            task=dataset.task,
        )


def _require_labels(dataset: Dataset, parts: dict[str, np.ndarray], seed: int) -> None:
    """UserError where all that a part of a segmentation holds is void: nothing to average."""
    if dataset.task != SEGMENTATION:
        return
    for name, indices in parts.items():
        if not any((dataset.pool.labels[index] != VOID).any() for index in indices):
            raise UserError(
                f"{dataset.name}: no {name} image of split {seed} has a labelled pixel; use more "
                "data",
                FAILED,
            )


def _moments(images: np.ndarray, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (3,) of the images' colours, in 0..1.

    Exact sums over a few images at a time: the images may be larger than memory.
    """
    total = np.zeros(3, dtype=np.int64)
    squares = np.zeros(3, dtype=np.int64)
    for at in range(0, len(indices), _CHUNK):
        part = images[indices[at : at + _CHUNK]].astype(np.int64)
        total += part.sum((0, 1, 2))
        squares += (part * part).sum((0, 1, 2))
    count = len(indices) * images.shape[1] * images.shape[2]
    mean = total / count
    return mean / 255, np.sqrt(np.maximum(squares / count - mean**2, 0)) / 255


def _resident(array: np.ndarray, device: torch.device) -> Tensor:
    with warnings.catch_warnings():
        # Arrays from Ray's object store are read-only; the loop never writes to them.
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(array).to(device)
