"""What one device is used to: training at SVHN's size beside the bare step and the hardware.

    uv run python -m benchmarks.device [--images 73257] [--json PATH]

Needs torch only, no Ray. For each model an epoch over that many random 32x32 images, augmented at
strength 0.5 (by default SVHN's 73,257 on a GPU, 2,048 on a CPU), and beside it

- the bare step on one resident batch, as it is and, on a GPU, through `torch.compile`;
- the matrix peak, which a large product in the same number format reaches here, against what the
  model multiplies (`trainables.models.Model.macs`, three times for a training step);
- the bandwidth, which a large copy reaches here, against what layers must at least read and write:
  what goes into and out of each, once forward and twice backward, and the optimiser's state.

Then K fused trainings of the CNN (`benchmarks.fused`) beside as many one after the other.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import torch
from torch import Tensor, nn

from benchmarks import fused, step
from benchmarks.memory import noise
from benchmarks.options import command, json_option, rounds_option, threads_option
from benchmarks.output import show
from trainables.allocator import keep_freed_memory
from trainables.config import TrainConfig
from trainables.device import pick_device
from trainables.models import MODELS
from trainables.train_data import TrainData
from trainables.training import Training

SVHN = 73_257
NAMES = ("cnn", "resnet18")
BATCH = {"cuda": 512, "cpu": 64}
IMAGES = {"cuda": SVHN, "cpu": 2_048}
REPLICAS = {"cuda": (1, 2, 4, 8, 16), "cpu": (1, 2, 4)}
TRAINING_PASSES = 3  # of a forward pass's multiplications and traffic: forward and twice backward


def seconds(work: Callable[[], object], device: torch.device, rounds: int = 5) -> float:
    """Median time of `work`, all of it done on the device; a first call is not counted."""
    work()
    taken = []
    for _ in range(rounds):
        _wait(device)
        start = time.perf_counter()
        work()
        _wait(device)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def matrix_peak(device: torch.device, dtype: torch.dtype) -> float:
    """FLOP/s of a large square product."""
    side = 8_192 if device.type == "cuda" else 1_024
    matrix = torch.randn(side, side, device=device, dtype=dtype)
    return 2 * side**3 / seconds(lambda: matrix @ matrix, device)


def bandwidth(device: torch.device) -> float:
    """Bytes read and written per second by a large copy."""
    block = torch.empty(2**28 if device.type == "cuda" else 2**26, device=device)
    target = torch.empty_like(block)
    return 2 * block.nbytes / seconds(lambda: target.copy_(block), device)


def step_bytes(training: Training, images: Tensor) -> int:
    """Bytes that a training step moves at least, if every layer is a kernel of its own."""
    moved = 0

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal moved
        width = torch.finfo(training.dtype).bits // 8
        moved += TRAINING_PASSES * width * (inputs[0].numel() + output.numel())

    leaves = [m for m in training.model.modules() if not [*m.children()]]
    hooks = [leaf.register_forward_hook(count) for leaf in leaves]
    with torch.inference_mode():
        training.model(images)
    for hook in hooks:
        hook.remove()
    # AdamW reads a weight, its gradient and two moments, and writes all but the gradient.
    return moved + 7 * sum(p.nbytes for p in training.model.parameters())


def make(model: str, images: int, device: torch.device) -> Training:
    """A training of `model` on so many random images."""
    keep_freed_memory()
    val_fraction = 0.1
    dataset = noise(round(images / (1 - val_fraction)) + 20, val_fraction)
    config = TrainConfig(
        model=model,
        epochs=1_000,
        learning_rate=1e-4,
        batch_size=BATCH[device.type],
        augment_strength=0.5,
        train_size=images,
    )
    return Training(config, TrainData.of(dataset, config, device), device)


def compiled_rate(training: Training) -> float | str:
    """Images/s of the bare step through torch.compile; compiling is not counted."""
    if training.device.type != "cuda":
        return "not measured"
    plain, training.model = training.model, torch.compile(training.model)  # type: ignore[assignment]
    try:
        return max(step.bare(training) for _ in range(3))  # the first of them compiles
    finally:
        training.model = plain


def measure(model: str, images: int, device: torch.device, rounds: int) -> dict[str, Any]:
    """The row of one model."""
    training = make(model, images, device)
    step.loop(training, 1), step.bare(training)
    loops, bares = [], []
    for epoch in range(2, rounds + 2):
        loops.append(step.loop(training, epoch))
        bares.append(step.bare(training))
    rate, bare = statistics.median(loops), statistics.median(bares)
    batch, generator = next(training.batches(1))
    drawn, _ = training.augmented(batch, generator)
    flops = 2 * TRAINING_PASSES * MODELS[model].macs * rate
    traffic = step_bytes(training, drawn) / len(drawn) * rate
    return {
        "device": _name(device),
        "model": model,
        "number format": str(training.dtype).removeprefix("torch."),
        "images": images,
        "images/s": round(rate),
        "an epoch (s)": images / rate,
        "bare step, images/s": round(bare),
        "of the bare step": rate / bare,
        "bare compiled step, images/s": compiled_rate(training),
        "of the matrix peak": flops / matrix_peak(device, training.dtype),
        "of the bandwidth": traffic / bandwidth(device),
    }


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name() if device.type == "cuda" else "CPU (no GPU: not measured)"


@command
@click.option("--images", type=click.IntRange(512), help="An epoch.")
@rounds_option(3)
@threads_option(2)
@json_option
def main(images: int | None, rounds: int, threads: int, path: Path | None) -> None:
    """Measure the CNN and ResNet18 on this machine's best device and print two tables."""
    torch.set_num_threads(threads)
    device = pick_device()
    count = images or IMAGES[device.type]
    show([measure(name, count, device, rounds) for name in NAMES], path)
    fused_path = path.with_stem(f"{path.stem}-fused") if path else None
    show([fused.measure("cnn", k, rounds) for k in REPLICAS[device.type]], fused_path)


if __name__ == "__main__":
    main()
