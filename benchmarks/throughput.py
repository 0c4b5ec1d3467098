"""Training throughput with augmentation: ours, a conventional loop, and the bare step.

    uv run python -m benchmarks.throughput [--rounds 5] [--model cnn] [--json PATH]

Images of 32x32 pixels, batches of 64. The three take turns, so that what else the machine does
meets all of them, each in a process of its own, since ours settles how memory is kept.

- ours: an epoch of `trainables.training.Training`, augmenting at strength 0.5.
- conventional: `DataLoader` with 2 persistent workers (started before the clock is), PIL images
  through torchvision's v2 transforms one by one, fp32, the same network and optimiser.
- bare step: forward, loss, backward and optimiser on one augmented batch that is resident, in
  the number format that is the fastest here: what no loop can exceed.
"""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from PIL import Image
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from benchmarks import step
from benchmarks.options import command, json_option, rounds_option, threads_option
from benchmarks.output import show
from trainables.models import build_model
from trainables.training import Training

WAYS = ("ours", "conventional", "bare step")
STEPS = {"cnn": 128, "resnet18": 16}  # an epoch of a second or so on two cores


class Images(Dataset[tuple[torch.Tensor, int]]):
    """PIL images through per-sample transforms, as torchvision's own data sets give them."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, moments: tuple[Any, Any]) -> None:
        self._images, self._labels = images, labels
        self._transform = v2.Compose(
            [
                v2.RandomAffine(15, translate=(0.1, 0.1), scale=(0.9, 1.1)),
                v2.ColorJitter(0.3, 0.3, 0.3),
                v2.ToImage(),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize(*moments),
            ]
        )

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, at: int) -> tuple[torch.Tensor, int]:
        return self._transform(Image.fromarray(self._images[at])), int(self._labels[at])


class Conventional:
    """A training loop as tutorials have it."""

    def __init__(self, training: Training, workers: int) -> None:
        data = training.data
        images = data.pool.images[data.train].numpy()
        labels = data.pool.labels[data.train].numpy()
        self._loader = DataLoader(
            Images(images, labels, (data.mean.tolist(), data.std.tolist())),
            batch_size=training.config.batch_size,
            shuffle=True,
            num_workers=workers,
            persistent_workers=True,
        )
        self._model = build_model(training.config.model, data.classes, seed=0)
        self._optimizer = torch.optim.AdamW(self._model.parameters(), 1e-4)

    def epoch(self) -> int:
        """Train on every image once; returns their number."""
        self._model.train()
        for images, labels in self._loader:
            self._optimizer.zero_grad()
            loss = cross_entropy(self._model(images), labels)
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
        return len(self._loader.dataset)  # type: ignore[arg-type]


def rate(epoch: Callable[[], int]) -> float:
    """Images per second of one epoch."""
    start = time.perf_counter()
    return epoch() / (time.perf_counter() - start)


def turn(way: str, model: str, threads: int, workers: int) -> float:
    """Images per second of an epoch, in a process that does one way only."""
    return _ready(way, model, threads, workers)()


@cache
def _ready(way: str, model: str, threads: int, workers: int) -> Callable[[], float]:
    torch.set_num_threads(threads)
    training = step.make(model, None, STEPS[model], as_product=way != "conventional")
    if way == "ours":
        return lambda: step.loop(training, 1)
    if way == "bare step":
        return lambda: step.bare(training)
    other = Conventional(training, workers)
    return lambda: rate(other.epoch)


def measure(model: str, rounds: int, threads: int, workers: int) -> Iterator[dict[str, Any]]:
    """A row for each way, its ratios those of the same round."""
    spawn = multiprocessing.get_context("spawn")
    rates: dict[str, list[float]] = {name: [] for name in WAYS}
    with ExitStack() as processes:
        pools = {
            way: processes.enter_context(ProcessPoolExecutor(1, mp_context=spawn)) for way in WAYS
        }
        for number in range(rounds + 1):
            for way, pool in pools.items():
                found = pool.submit(turn, way, model, threads, workers).result()
                if number:  # the first plans convolutions and starts workers
                    rates[way].append(found)
    for name, values in rates.items():
        ratios = [a / b for a, b in zip(rates["ours"], values, strict=True)]
        yield {
            "model": model,
            "what": name,
            "images/s": round(statistics.median(values)),
            "ours / it": statistics.median(ratios),
            "lowest": min(ratios),
            "highest": max(ratios),
        }


@command
@click.option(
    "--model",
    "models",
    multiple=True,
    type=click.Choice([*STEPS]),
    default=[*STEPS],
    help="May be repeated.",
)
@rounds_option(5)
@threads_option(2)
@click.option("--workers", type=click.IntRange(1), default=2, help="Of the DataLoader.")
@json_option
def main(
    models: tuple[str, ...], rounds: int, threads: int, workers: int, path: Path | None
) -> None:
    """Time the three ways side by side and print a table."""
    show([row for model in models for row in measure(model, rounds, threads, workers)], path)


if __name__ == "__main__":
    main()
