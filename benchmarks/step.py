"""The training loop beside its limit: the bare step on one resident batch.

    uv run python -m benchmarks.step --model fcn_resnet50 [--rounds 5] [--json PATH]
    uv run python -m benchmarks.step --model resnet18 --whole-kernels     without `trimmed_conv`
    uv run python -m benchmarks.step --model cnn --precision fp32         in another number format

The loop is `trainables.training.Training`'s over an epoch of rendered images: gathering,
augmenting at strength 0.5, normalising, forward, backward, optimiser and schedule, without
the evaluation. The bare step is forward, loss, backward and optimiser on a batch that is
already augmented, in the same number format. Both take turns in one process, with one
thread unless --threads says otherwise; ratios are those within a round.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from pathlib import Path

import click
import torch
from torch import nn

from benchmarks.options import command, json_option, rounds_option, threads_option
from benchmarks.output import show
from trainables.allocator import keep_freed_memory
from trainables.config import PRECISIONS, TrainConfig
from trainables.data import load_dataset
from trainables.data.base import Dataset
from trainables.device import pick_device
from trainables.models import MODELS
from trainables.objective import training_loss
from trainables.train_data import TrainData
from trainables.training import Training
from trainables.trimmed_conv import TrimmedConv2d

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
    model: str,
    image_size: int | None,
    steps: int | None = None,
    *,
    as_product: bool = True,
    precision: str = "auto",
) -> Training:
    """A training on `inputs`, on this machine's best device.

    as_product: in a process that keeps its memory as `trainables.loop` has it.
    """
    if as_product:
        keep_freed_memory()
    dataset, config = inputs(model, image_size, steps)
    config = replace(config, precision=precision)
    device = pick_device()
    return Training(config, TrainData.of(dataset, config, device), device)


def loop(training: Training, epoch: int) -> float:
    """Images per second of one epoch's optimisation."""
    start = time.perf_counter()
    training.optimise(epoch)  # ends with a number on the host, so all of it is done
    return len(training.data.train) / (time.perf_counter() - start)


def bare(training: Training) -> float:
    """Images per second of as many steps on one batch."""
    batch, generator = next(training.batches(1))
    images, labels = training.augmented(batch, generator)
    training.model.train()
    total = torch.zeros((), device=training.device)
    start = time.perf_counter()
    for _ in range(training.steps):
        with torch.autocast(training.device.type, training.dtype, enabled=training.autocast):
            output = training.model(images)
        loss = training_loss(output, labels) / labels.numel()
        training.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        training.optimizer.step()
        total += loss.detach()
    float(total)
    return training.steps * len(batch) / (time.perf_counter() - start)


def untrim(model: nn.Module) -> None:
    """Let every convolution multiply the padding again, as torchvision's own do."""
    for module in model.modules():
        if type(module) is TrimmedConv2d:
            module.__class__ = nn.Conv2d  # type: ignore[assignment]


@command
@click.option(
    "--model", type=click.Choice(sorted(MODELS)), default="fcn_resnet50", help="Network to train."
)
@click.option("--image-size", type=click.IntRange(8), help="Side of scenes  [default: the data's].")
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default="auto",
    help="Format of the step's arithmetic.",
)
@click.option("--whole-kernels", is_flag=True, help="Convolutions multiply padding, too.")
@rounds_option(5)
@threads_option(1)
@json_option
def main(
    model: str,
    image_size: int | None,
    precision: str,
    whole_kernels: bool,
    rounds: int,
    threads: int,
    path: Path | None,
) -> None:
    """Time the loop and the bare step in turns and print a table."""
    torch.set_num_threads(threads)
    training = make(model, image_size, precision=precision)
    if whole_kernels:
        untrim(training.model)
    loop(training, 1), bare(training)  # the first of each plans convolutions
    ours, limit = [], []
    for number in range(rounds):
        ours.append(loop(training, number + 2))
        limit.append(bare(training))
    ratios = [a / b for a, b in zip(ours, limit, strict=True)]
    row = {
        "model": model,
        "number format": str(training.dtype).removeprefix("torch."),
        "loop, images/s": statistics.median(ours),
        "bare step, images/s": statistics.median(limit),
        "loop / bare step": statistics.median(ratios),
        "lowest": min(ratios),
        "highest": max(ratios),
    }
    show([row], path)


if __name__ == "__main__":
    main()
