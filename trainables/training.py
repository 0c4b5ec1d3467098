"""A model in training, epoch by epoch: plain torch, data resident, one record an epoch.

Everything random is a function of (seed, epoch, purpose), so a training cut after any
epoch and resumed gives the numbers of an uncut one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from trainables.augment import augment
from trainables.config import TrainConfig
from trainables.device import compute_dtype
from trainables.metrics import Tally
from trainables.models import build_model
from trainables.reporting import Record
from trainables.seeding import stream_seed
from trainables.train_data import TrainData
from trainables.workers import SOLO, Workers

EVALUATION_BATCH = 256
WARMUP_SHARE = 0.25  # of the schedule's steps; the rest anneals to zero


def one_cycle(step: int, total: int) -> float:
    """Share of the peak learning rate at `step` of `total`: linear warm-up, then a cosine to 0.

    As in Smith and Topin 2019, without the cycle of momentum. torch's own OneCycleLR
    divides by zero where the warm-up is a single step, as in a short run on little data.
    """
    warm = max(1, round(WARMUP_SHARE * total))
    if step < warm:
        return (step + 1) / (warm + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))


@dataclass
class Training:
    """A model in training: what an epoch changes, and nothing else."""

    config: TrainConfig
    data: TrainData
    device: torch.device
    workers: Workers = SOLO
    model: nn.Module = field(init=False)
    history: list[Record] = field(default_factory=list)

    def __post_init__(self) -> None:
        config = self.config
        self.dtype = compute_dtype(config.precision, self.device)
        self.model = build_model(
            config.model, self.data.classes, seed=config.seed, pretrained=config.pretrained
        ).to(self.device)
        self.model.to(memory_format=torch.channels_last)
        self.parallel = self.workers.wrap(self.model)
        self.optimizer = torch.optim.AdamW(
            self.parallel.parameters(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
            fused=True,
        )
        self.steps = math.ceil(len(self.data.train) / config.batch_size)
        total = self.steps * config.epochs
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: one_cycle(step, total)
        )

    @property
    def finished(self) -> bool:
        """Whether the schedule has ended, or the loss stopped being finite."""
        history = self.history
        return bool(history) and (
            history[-1]["diverged"] or history[-1]["epoch"] == self.config.epochs
        )

    def run_epoch(self) -> None:
        """Train for one epoch, evaluate, and add its record (see EPOCH_COLUMNS) to `history`."""
        epoch = len(self.history) + 1
        start = time.perf_counter()
        running_loss = self._optimise(epoch)
        trained = time.perf_counter()
        clean, val = self.evaluate(self.data.probe), self.evaluate(self.data.val)
        finite = all(map(math.isfinite, (running_loss, clean["loss"], val["loss"])))
        record = {
            "epoch": epoch,
            "epochs": self.config.epochs,
            "progress": round(100 * epoch / self.config.epochs),
            "train_loss": clean["loss"],
            "train_accuracy": clean["accuracy"],
            "val_loss": val["loss"],
            "val_accuracy": val["accuracy"],
            "val_f1": val["f1"],
            "learning_rate": self.last_rate,
            "seconds": time.perf_counter() - start,
            "images_per_second": len(self.data.train) / (trained - start),
            "diverged": not finite,
        }
        self.history.append(record)

    def _optimise(self, epoch: int) -> float:
        """One pass over the training images; returns the sum of the batch losses."""
        self.parallel.train()
        total = torch.zeros((), device=self.device)
        for batch, generator in self._batches(epoch):
            share = batch[self.workers.rank :: self.workers.count]
            images = self.normalised(self.data.images[share], generator)
            labels = self.data.labels[share]
            with torch.autocast(self.device.type, self.dtype, enabled=self.autocast):
                logits = self.parallel(images)
            # Every worker divides by the whole batch and averaging divides by the number
            # of workers, so the gradient is exact even where shares differ by an image.
            loss = cross_entropy(logits.float(), labels, reduction="sum") / len(batch)
            self.optimizer.zero_grad(set_to_none=True)
            (loss * self.workers.count).backward()
            self.optimizer.step()
            self.last_rate = self.schedule.get_last_lr()[0]
            self.schedule.step()
            total += loss.detach()
        return float(self.workers.sum(total))

    def _batches(self, epoch: int) -> Iterator[tuple[Tensor, torch.Generator]]:
        """The epoch's batches of indices, shuffled anew, of equal size up to one image.

        Splitting evenly (rather than leaving a small last batch) spares batch-norm a
        batch of one image and weighs every image the same.
        """
        config = self.config
        order = torch.Generator().manual_seed(stream_seed(config.seed, "order", epoch))
        shuffled = self.data.train[
            torch.randperm(len(self.data.train), generator=order).to(self.device)
        ]
        generator = torch.Generator(self.device).manual_seed(
            stream_seed(config.seed, "augment", epoch, self.workers.rank)
        )
        for batch in torch.tensor_split(shuffled, self.steps):
            yield batch, generator

    def normalised(self, images: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """uint8 (N, H, W, 3) -> float (N, 3, H, W), channels last; augmented with a generator."""
        pixels = images.permute(0, 3, 1, 2).float().div_(255)
        if generator is not None and self.config.augment_strength > 0:
            pixels = augment(pixels, self.config.augment_strength, generator)
        return (pixels - self.data.mean.view(3, 1, 1)) / self.data.std.view(3, 1, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, classes) of clean uint8 images (N, H, W, 3), in the compute type."""
        with torch.autocast(self.device.type, self.dtype, enabled=self.autocast):
            logits: Tensor = self.model(self.normalised(images))
        return logits

    @torch.inference_mode()
    def evaluate(self, indices: Tensor) -> dict[str, float]:
        """Mean loss, accuracy and macro F1 in evaluation mode on clean images."""
        self.model.eval()
        tally = Tally.empty(self.data.classes, self.device)
        for share in indices[self.workers.rank :: self.workers.count].split(EVALUATION_BATCH):
            tally.add(self.forward(self.data.images[share]), self.data.labels[share])
        tally.loss = self.workers.sum(tally.loss)
        tally.confusion = self.workers.sum(tally.confusion)
        return tally.summary()

    @property
    def autocast(self) -> bool:
        """Whether the forward pass runs in a narrower type than the weights have."""
        return self.dtype != torch.float32

    def state(self) -> dict[str, Any]:
        """Everything an uncut training would have in memory now, as tensors and plain values."""
        return {
            "config": self.config.to_dict(),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "history": self.history,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a saved state of the same training."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.history = list(state["history"])
