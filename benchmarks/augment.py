"""Images augmented a second of CPU time, one thread: ours, torchvision v2 and kornia.

    uv run python -m benchmarks.augment [--json PATH]        about a minute

Each row draws one distortion a sample, of about the families and magnitudes of
`trainables.augment.Policy`. kornia is not a dependency; its row says so where it is
absent. The last row is a training step of the report's CNN, for the share that
augmentation takes of it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.transforms import v2

from benchmarks.options import command, json_option
from benchmarks.output import show
from trainables.augment import POLICY, augment
from trainables.models import build_model

BATCH = 64
STRENGTH = 0.5


def ours(images: Tensor) -> Callable[[], object]:
    generator = torch.Generator().manual_seed(0)
    return lambda: augment(images, STRENGTH, generator)


def torchvision_loop(images: Tensor) -> Callable[[], object]:
    """torchvision draws once a call, so a draw a sample needs a call a sample."""
    degrees, scale, colour = _magnitudes()
    transform = v2.Compose(
        [
            v2.RandomAffine(degrees, (POLICY.shift * STRENGTH,) * 2, scale, shear=8),
            v2.RandomPerspective(0.2, p=1.0),
            v2.ColorJitter(colour, colour, colour, 0.08),
            v2.RandomInvert(POLICY.inversion * STRENGTH),
            v2.RandomAdjustSharpness(1.5),
            v2.GaussianNoise(sigma=POLICY.noise * STRENGTH),
            v2.RandomErasing(1.0, scale=(0.0, 0.06)),
        ]
    )
    return lambda: torch.stack([transform(image) for image in images])


def kornia_batch(images: Tensor) -> Callable[[], object]:
    """Raises ImportError where kornia is not installed."""
    import kornia.augmentation as kornia  # type: ignore[import-not-found, unused-ignore]

    degrees, scale, colour = _magnitudes()
    transform = kornia.AugmentationSequential(
        kornia.RandomAffine(degrees, (POLICY.shift * STRENGTH,) * 2, scale, shear=8.0, p=1.0),
        kornia.RandomPerspective(0.2, p=1.0),
        kornia.ColorJitter(colour, colour, colour, 0.08, p=1.0),
        kornia.RandomInvert(p=POLICY.inversion * STRENGTH),
        kornia.RandomSharpness(0.4),
        kornia.RandomGaussianNoise(std=POLICY.noise * STRENGTH, p=1.0),
        kornia.RandomErasing(scale=(0.001, 0.06), p=1.0),
    )
    return lambda: transform(images)


def _magnitudes() -> tuple[float, tuple[float, float], float]:
    """Degrees of rotation, range of scale and size of the colour changes, at STRENGTH."""
    spread = POLICY.zoom * STRENGTH
    return POLICY.rotation * STRENGTH, (1 - spread, 1 + spread), 0.3


def cnn_step(images: Tensor) -> Callable[[], object]:
    model = build_model("cnn", 10, seed=0).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    labels = torch.arange(len(images)) % 10

    def step() -> None:
        optimizer.zero_grad()
        functional.cross_entropy(model(images), labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


ROWS = {
    "ours, whole batch": ours,
    "torchvision v2, loop over samples": torchvision_loop,
    "kornia, whole batch": kornia_batch,
    "(training step of the CNN)": cnn_step,
}


def milliseconds(call: Callable[[], object], seconds: float = 6.0) -> float:
    """Median CPU time of a call in ms, after two to warm up, over about `seconds`.

    CPU time and one thread, so that other work on the machine distorts it less.
    """
    for _ in range(2):
        call()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < end:
        start = time.process_time()
        call()
        times.append((time.process_time() - start) * 1e3)
    return statistics.median(times)


@command
@json_option
def main(path: Path | None) -> None:
    """Time each way of augmenting a batch, and a training step; print a table."""
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(BATCH, 3, 32, 32, generator=generator)
    images = images.contiguous(memory_format=torch.channels_last)
    rows: list[dict[str, Any]] = []
    for name, make in ROWS.items():
        try:
            taken = milliseconds(make(images))
        except ImportError as error:
            rows.append({"what": name, "ms a batch": str(error), "images/s": "-"})
            continue
        rows.append({"what": name, "ms a batch": taken, "images/s": round(BATCH / taken * 1e3)})
    show(rows, path)


if __name__ == "__main__":
    main()
