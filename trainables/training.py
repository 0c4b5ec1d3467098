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

from trainables.augment import augment
from trainables.augment_scenes import augment_scenes
from trainables.config import TrainConfig
from trainables.data import SEGMENTATION
from trainables.device import compute_dtype
from trainables.full_size import at_label_size
from trainables.metrics import Tally
from trainables.models import build_model
from trainables.objective import logits_of, training_loss
from trainables.reporting import Record
from trainables.seeding import dropout_stream, stream_seed
from trainables.train_data import Resident, TrainData
from trainables.workers import SOLO, Workers

EVALUATION_BATCH = 256  # images, and as many pixels as so many of 32x32 have
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


def _pixels(images: Tensor) -> Tensor:
    """uint8 (N, H, W, 3) -> float (N, 3, H, W) in 0..1."""
    return images.permute(0, 3, 1, 2).contiguous() / 255


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
        dropout = stream_seed(self.config.seed, "dropout", epoch, self.workers.rank)
        with dropout_stream(dropout, self.device):
            running_loss = self.optimise(epoch)
        trained = time.perf_counter()
        clean, val = (self.evaluate(indices) for indices in (self.data.probe, self.data.val))
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
        if self.data.task == SEGMENTATION:
            record["val_miou"] = val["miou"]
        self.history.append(record)

    def optimise(self, epoch: int) -> float:
        """One pass over the training images; returns the sum of the batch losses."""
        self.parallel.train()
        total = torch.zeros((), device=self.device)
        labels_each = self.data.pool.labels[0].numel()
        for batch, generator in self.batches(epoch):
            share = batch[self.workers.rank :: self.workers.count]  # may be of no images
            # Batch-norm of a single value is undefined: an image alone is taken twice. (Not
            # one alone in its share: a group's batch-norm is over the whole batch.)
            copies = 2 if len(batch) == 1 else 1
            images, labels = self.augmented(share.repeat(copies), generator)
            with torch.autocast(self.device.type, self.dtype, enabled=self.autocast):
                output = self.parallel(images)
            # Every worker divides by the whole batch and averaging divides by the number
            # of workers, so the gradient is exact even where shares differ by an image.
            # Void pixels count as zero: dividing by the others would need their number
            # in every worker's share.
            loss = training_loss(output, labels) / (len(batch) * copies * labels_each)
            self.optimizer.zero_grad(set_to_none=True)
            (loss * self.workers.count).backward()
            self.optimizer.step()
            self.last_rate = self.schedule.get_last_lr()[0]
            self.schedule.step()
            total += loss.detach()
        return float(self.workers.sum(total))

    def batches(self, epoch: int) -> Iterator[tuple[Tensor, torch.Generator]]:
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

    def augmented(self, indices: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """What the model trains on: normalised images (N, 3, H, W) and their labels."""
        images, labels = _pixels(self.data.pool.images[indices]), self.data.pool.labels[indices]
        strength = self.config.augment_strength
        if strength > 0 and self.data.task == SEGMENTATION:
            images, labels = augment_scenes(images, labels, strength, generator)
        elif strength > 0:
            images = augment(images, strength, generator)
        return self._standardised(images), labels

    def normalised(self, images: Tensor) -> Tensor:
        """Clean uint8 (N, H, W, 3) -> float (N, 3, H, W), channels last, as the model reads."""
        return self._standardised(_pixels(images))

    def _standardised(self, pixels: Tensor) -> Tensor:
        """As the model reads them; in place, and one colour after the other, which is fast."""
        pixels.sub_(self.data.mean.view(3, 1, 1)).div_(self.data.std.view(3, 1, 1))
        return pixels.contiguous(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, classes) or (N, classes, H, W) of clean uint8 images (N, H, W, 3).

        In the compute type; the model's mode is the caller's.
        """
        with torch.autocast(self.device.type, self.dtype, enabled=self.autocast):
            return logits_of(self.model(self.normalised(images)))

    @torch.inference_mode()
    def evaluate(self, indices: Tensor) -> dict[str, float]:
        """Mean loss, accuracy, macro F1 and mean IoU of images of the pool, see `Tally`."""
        tally = Tally.empty(self.data.classes, self.device)
        mine = indices[self.workers.rank :: self.workers.count]
        for _, logits, labels in self.scored(self.data.pool, mine):
            tally.add(logits, labels)
        tally.loss = self.workers.sum(tally.loss)
        tally.confusion = self.workers.sum(tally.confusion)
        return tally.summary()

    def scored(self, split: Resident, indices: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """(indices, logits, labels) of clean images, in evaluation mode, a batch at a time.

        Masks that were drawn at another size than the images come one at a time at that
        size, with the logits scaled to it. Call it in inference mode.
        """
        self.model.eval()
        pixels = split.images.shape[1] * split.images.shape[2]
        size = max(1, min(EVALUATION_BATCH, EVALUATION_BATCH * 32 * 32 // pixels))
        for part in indices.split(size) if len(indices) else ():
            logits = self.forward(split.images[part])
            if split.full is None:
                yield part, logits, split.labels[part]
            else:
                yield from at_label_size(part, logits, split.full)

    @property
    def autocast(self) -> bool:
        """Whether the forward pass runs in a narrower type than the weights have."""
        return self.dtype != torch.float32

    def state(self) -> dict[str, Any]:
        """Everything an uncut training would have in memory now, as tensors and plain values.

        Without the optimiser's once the training has finished: it is two thirds of the bytes.
        """
        state = {
            "config": self.config.to_dict(),
            "model": self.model.state_dict(),
            "schedule": self.schedule.state_dict(),
            "history": self.history,
        }
        return state if self.finished else {**state, "optimizer": self.optimizer.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a saved state of the same training."""
        self.model.load_state_dict(state["model"])
        self.schedule.load_state_dict(state["schedule"])
        self.history = list(state["history"])
        if not self.finished:
            self.optimizer.load_state_dict(state["optimizer"])
