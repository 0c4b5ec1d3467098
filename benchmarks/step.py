"""The training loop beside its limit: the bare step on one resident batch.

    uv run python -m benchmarks.step --model fcn_resnet50 [--rounds 5] [--json PATH]

The loop is `trainables.training.Training`'s over an epoch of rendered images: gathering,
augmenting at strength 0.5, normalising, forward, backward, optimiser and schedule, without
the evaluation. The bare step is forward, loss, backward and optimiser on a batch that is
already augmented, in the same number format. Both take turns in one process, with one
thread unless --threads says otherwise; the ratio is that of the medians.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import torch

from trainables.allocator import keep_freed_memory
from trainables.config import TrainConfig
from trainables.data import load_dataset
from trainables.data.base import Dataset
from trainables.device import pick_device
from trainables.models import MODELS
from trainables.objective import training_loss
from trainables.train_data import TrainData
from trainables.training import Training

BATCH = {"classification": 64, "segmentation": 8}
DATA = {"classification": "street_digits", "segmentation": "street_scenes"}
STEPS = {"classification": 16, "segmentation": 4}


def inputs(
    model: str, image_size: int | None, steps: int | None = None
) -> tuple[Dataset, TrainConfig]:
    """So many images that an epoch is `steps` batches (STEPS by default), and how to train."""
    task = MODELS[model].task
    images = BATCH[task] * (steps or STEPS[task])
    dataset = load_dataset(DATA[task], train_size=images, image_size=image_size)
    config = TrainConfig(
        model=model,
        epochs=1_000,
        learning_rate=1e-4,
        batch_size=BATCH[task],
        augment_strength=0.5,
        train_size=images,
    )
    return dataset, config


def make(
    model: str, image_size: int | None, steps: int | None = None, *, as_product: bool = True
) -> Training:
    """A training on `inputs`, on this machine's best device.

    as_product: in a process that keeps its memory as `trainables.loop` has it.
    """
    if as_product:
        keep_freed_memory()
    dataset, config = inputs(model, image_size, steps)
    device = pick_device()
    return Training(config, TrainData.of(dataset, config, device), device)


def loop(training: Training, epoch: int) -> float:
    """Images per second of one epoch's optimisation."""
    start = time.perf_counter()
    training._optimise(epoch)  # ends with a number on the host, so all of it is done
    return len(training.data.train) / (time.perf_counter() - start)


def bare(training: Training) -> float:
    """Images per second of as many steps on one batch."""
    batch, generator = next(training._batches(1))
    images, labels = training._augmented(batch, generator)
    training.model.train()
    total = torch.zeros((), device=training.device)
    start = time.perf_counter()
    for _ in range(training.steps):
        with torch.autocast(training.device.type, training.dtype, enabled=training.autocast):
            output = training.model(images)
        loss = training_loss(output, labels) / labels.numel()
        training.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        training.optimizer.step()
        total += loss.detach()
    float(total)
    return training.steps * len(batch) / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description="The training loop beside the bare step.")
    parser.add_argument("--model", choices=sorted(MODELS), default="fcn_resnet50")
    parser.add_argument("--image-size", type=int, help="side of scenes (default: the data's)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write the figures there")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    training = make(arguments.model, arguments.image_size)
    loop(training, 1), bare(training)  # the first of each plans convolutions
    ours, limit = [], []
    for number in range(arguments.rounds):
        ours.append(loop(training, number + 2))
        limit.append(bare(training))
    ratios = [a / b for a, b in zip(ours, limit, strict=True)]
    figures = {
        "model": arguments.model,
        "precision": str(training.dtype).removeprefix("torch."),
        "device": training.device.type,
        "loop_images_per_second": statistics.median(ours),
        "bare_images_per_second": statistics.median(limit),
        "ratio": statistics.median(ours) / statistics.median(limit),
        "ratio_lowest": min(ratios),
        "ratio_highest": max(ratios),
        "rounds": arguments.rounds,
    }
    for name, value in figures.items():
        print(f"{name:<24} {value:.3f}" if isinstance(value, float) else f"{name:<24} {value}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
