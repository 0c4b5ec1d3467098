"""A data set where the training is: split, resident, and never copied on a CPU."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from trainables.config import TrainConfig
from trainables.data.base import Dataset
from trainables.seeding import stream_seed


@dataclass(frozen=True)
class TrainData:
    """A data set where the training is: resident, uint8, shared by all who map it.

    images: uint8 (N, H, W, 3). labels: int64 (N,). train, val, probe: int64 indices
    into them; probe is the fixed part of train on which the clean training loss is
    measured (as many images as validation has, so that both are equally precise).
    mean, std: float (3,), of the training images, in 0..1.
    """

    images: Tensor
    labels: Tensor
    train: Tensor
    val: Tensor
    probe: Tensor
    mean: Tensor
    std: Tensor
    classes: int

    @classmethod
    def of(cls, dataset: Dataset, config: TrainConfig, device: torch.device) -> TrainData:
        """Split the data set as `config` says and put it on the device (no copy on CPU)."""
        pool = dataset.pool
        train, val = dataset.split_indices(config.split_seed, config.train_size)
        order = np.random.default_rng(stream_seed(config.split_seed, "probe")).permutation(train)
        sample = pool.images[train]
        mean = sample.mean((0, 1, 2)) / 255
        std = sample.std((0, 1, 2)) / 255
        return cls(
            images=_resident(pool.images, device),
            labels=_resident(pool.labels, device),
            train=torch.as_tensor(train, device=device),
            val=torch.as_tensor(val, device=device),
            probe=torch.as_tensor(order[: len(val)], device=device),
            mean=torch.as_tensor(mean, dtype=torch.float32, device=device),
            std=torch.as_tensor(std, dtype=torch.float32, device=device).clamp_min(1e-3),
            classes=len(dataset.classes),
        )


def _resident(array: np.ndarray, device: torch.device) -> Tensor:
    """The array on the device; on the CPU it is mapped, not copied."""
    with warnings.catch_warnings():
        # Arrays from Ray's object store are read-only; the loop never writes to them.
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(array).to(device)
