"""K trainings of one architecture as one program: a prototype, beside training them one by one.

    uv run python -m benchmarks.fused [--model cnn] [--replicas 1 --replicas 4] [--json PATH]

After HFTA (Wang et al. 2021, arXiv 2102.02344): small networks leave a GPU mostly idle, and a
study trains the same one many times. Here the replicas' parameters are stacked and the forward
pass is `torch.vmap`ped over them, so that K convolutions become one grouped convolution. Every
replica keeps what is its own: initial weights, order, augmentation, learning rate and weight
decay. `tests/benchmarks/test_fused.py` shows that each one's numbers are those of its solo run.

Not part of the product, where it does not pay on a CPU; see NOTES.md for what was measured.
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import torch
from torch import Tensor
from torch.func import functional_call, stack_module_state

from benchmarks import step
from benchmarks.options import command, json_option, rounds_option, threads_option
from benchmarks.output import show
from trainables.config import TrainConfig
from trainables.data.base import Dataset
from trainables.device import pick_device
from trainables.objective import training_loss
from trainables.train_data import TrainData
from trainables.training import Training

BETAS, EPS = (0.9, 0.999), 1e-8  # torch.optim.AdamW's defaults, which the solo runs use


class FusedAdamW:
    """AdamW (Loshchilov and Hutter 2019) on stacked parameters, rates and decays by replica."""

    def __init__(self, parameters: Sequence[Tensor], decays: Tensor) -> None:
        self._parameters, self._decays, self._step = list(parameters), decays, 0
        self._first = [torch.zeros_like(p) for p in self._parameters]
        self._second = [torch.zeros_like(p) for p in self._parameters]

    @torch.no_grad()
    def step(self, rates: Tensor) -> None:
        """One update; rates (K,) are the replicas' learning rates at this step."""
        self._step += 1
        corrections = [1 - beta**self._step for beta in BETAS]
        for parameter, first, second in zip(
            self._parameters, self._first, self._second, strict=True
        ):
            assert parameter.grad is not None
            shape = (-1, *[1] * (parameter.dim() - 1))
            rate = rates.view(shape)
            parameter.mul_(1 - rate * self._decays.view(shape))
            first.lerp_(parameter.grad, 1 - BETAS[0])
            second.mul_(BETAS[1]).addcmul_(parameter.grad, parameter.grad, value=1 - BETAS[1])
            denominator = (second / corrections[1]).sqrt_().add_(EPS)
            parameter.sub_(rate / corrections[0] * first / denominator)
            parameter.grad = None


class Fused:
    """Trainings of one model and batch size, advanced together a step at a time."""

    def __init__(self, trainings: Sequence[Training]) -> None:
        self.trainings = trainings
        models = [training.model.train() for training in trainings]
        self.parameters, self.buffers = stack_module_state(models)
        self._skeleton = copy.deepcopy(models[0]).to("meta")
        device = trainings[0].device
        decays = torch.tensor([t.config.weight_decay for t in trainings], device=device)
        self._optimizer = FusedAdamW(list(self.parameters.values()), decays)
        self._device = device

    def epoch(self, number: int) -> Tensor:
        """Train every replica for an epoch; sums of its batches' losses, (K,)."""
        total = torch.zeros(len(self.trainings), device=self._device)
        for batches in zip(*(t.batches(number) for t in self.trainings), strict=True):
            drawn = [
                training.augmented(batch, generator)
                for training, (batch, generator) in zip(self.trainings, batches, strict=True)
            ]
            images, labels = (torch.stack(part) for part in zip(*drawn, strict=True))
            total += self.step(images, labels)
        return total

    def step(self, images: Tensor, labels: Tensor) -> Tensor:
        """One step on images (K, N, 3, H, W) and labels (K, N); the losses, (K,)."""
        first = self.trainings[0]
        with torch.autocast(self._device.type, first.dtype, enabled=first.autocast):
            logits = torch.vmap(self._forward)(self.parameters, self.buffers, images)
        losses = torch.stack(
            [training_loss(o, y) / len(y) for o, y in zip(logits, labels, strict=True)]
        )
        losses.sum().backward()  # type: ignore[no-untyped-call]
        rates = [training.schedule.get_last_lr()[0] for training in self.trainings]
        self._optimizer.step(torch.tensor(rates, device=self._device))
        for training in self.trainings:
            training.optimizer.step()  # without gradients: only for the schedule's count
            training.schedule.step()
        return losses.detach()

    def _forward(self, parameters: Any, buffers: Any, images: Tensor) -> Tensor:
        # In-place updates of batch-norm's statistics go to the stacked buffers.
        return functional_call(self._skeleton, (parameters, buffers), (images,))  # type: ignore[no-any-return]

    def state_of(self, replica: int) -> dict[str, Tensor]:
        """The state dict that the replica's solo run would have."""
        stacked = {**self.parameters, **self.buffers}
        return {name: value[replica].detach() for name, value in stacked.items()}


def trainings(dataset: Dataset, config: TrainConfig, replicas: int) -> list[Training]:
    """Replicas that differ in seed, learning rate, weight decay and augmentation strength."""
    device = pick_device()
    data = TrainData.of(dataset, config, device)
    return [
        Training(
            replace(
                config,
                seed=config.seed + k,
                learning_rate=config.learning_rate * (1 + 0.5 * k),
                weight_decay=config.weight_decay * 2**k,
                augment_strength=config.augment_strength / (k + 1),
            ),
            data,
            device,
        )
        for k in range(replicas)
    ]


def measure(model: str, replicas: int, rounds: int) -> dict[str, Any]:
    """Images per second of all replicas together, fused and one after the other."""
    dataset, config = step.inputs(model, None)
    one_by_one = trainings(dataset, config, replicas)
    together = Fused(trainings(dataset, config, replicas))
    images = len(one_by_one[0].data.train) * replicas
    rates: dict[str, list[float]] = {"solo": [], "fused": []}
    for number in range(rounds + 1):
        start = time.perf_counter()
        for training in one_by_one:
            training.optimise(number + 1)
        middle = time.perf_counter()
        float(together.epoch(number + 1).sum())
        end = time.perf_counter()
        if number:  # the first plans convolutions
            rates["solo"].append(images / (middle - start))
            rates["fused"].append(images / (end - middle))
    solo, fused = (statistics.median(values) for values in rates.values())
    return {
        "device": one_by_one[0].device.type,
        "model": model,
        "replicas": replicas,
        "solo images/s": round(solo),
        "fused images/s": round(fused),
        "fused / solo": fused / solo,
    }


@command
@click.option(
    "--model",
    type=click.Choice(["cnn", "resnet18", "tiny"]),
    default="cnn",
    help="Network to train.",
)
@click.option(
    "--replicas",
    multiple=True,
    type=click.IntRange(1),
    default=[1, 2, 4, 8],
    help="Trainings that are fused; may be repeated.",
)
@rounds_option(3)
@threads_option(2)
@json_option
def main(
    model: str, replicas: tuple[int, ...], rounds: int, threads: int, path: Path | None
) -> None:
    """Time fused trainings beside solo ones and print a table."""
    torch.set_num_threads(threads)
    show([measure(model, k, rounds) for k in replicas], path)


if __name__ == "__main__":
    main()
