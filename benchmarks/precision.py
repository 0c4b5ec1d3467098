"""Whether a narrower number format changes what is learnt: bfloat16 beside float32.

    uv run python -m benchmarks.precision [--seeds 16] [--json PATH]       some minutes

Each model is trained at its augmented space's defaults on the rendered digits from the same seeds
in both formats, and its last validation loss and accuracy are compared within seeds (intervals:
`analysis.stats.mean_interval`, 95%). Where the processor lacks bfloat16 it is emulated: the values
are the same kind, the speed is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch

from analysis.stats import mean_interval
from benchmarks.options import command, json_option, threads_option
from benchmarks.output import show
from study.spaces import space
from trainables.config import TrainConfig
from trainables.data import load_dataset
from trainables.data.base import Dataset
from trainables.loop import train

MODELS = ("cnn", "resnet18")
FORMATS = ("fp32", "bf16")
MEASURES = {"val_loss": "validation loss, nats", "val_accuracy": "validation accuracy"}
IMAGES = 500
FEWEST_SEEDS = 5  # for an interval


def last_record(model: str, precision: str, seed: int, dataset: Dataset) -> dict[str, Any]:
    """The record of the last epoch of one training."""
    chosen = space(f"{model}_aug")
    config = TrainConfig.from_dict(
        {
            **chosen.defaults(),
            "model": model,
            "seed": seed,
            "split_seed": seed,
            "train_size": IMAGES,
            "precision": precision,
        }
    )
    return train(config, dataset, lambda record: None).history[-1]


def compare(model: str, seeds: int, dataset: Dataset) -> Iterator[dict[str, Any]]:
    """A row a measure; differences are bf16 minus fp32 of the same seed."""
    records = {
        precision: [last_record(model, precision, seed, dataset) for seed in range(seeds)]
        for precision in FORMATS
    }
    for measure, name in MEASURES.items():
        values = {p: np.array([record[measure] for record in records[p]]) for p in FORMATS}
        difference = values["bf16"] - values["fp32"]
        low, high = mean_interval(difference, np.random.default_rng(0))
        yield {
            "model": model,
            "measure": name,
            "seeds": seeds,
            **{precision: float(values[precision].mean()) for precision in FORMATS},
            "difference": float(difference.mean()),
            "95% low": float(low),
            "95% high": float(high),
        }


@command
@click.option(
    "--model",
    "models",
    multiple=True,
    type=click.Choice(MODELS),
    default=MODELS,
    help="May be repeated.",
)
@click.option(
    "--seeds", type=click.IntRange(FEWEST_SEEDS), default=16, help="Trainings in each format."
)
@threads_option(2)
@json_option
def main(models: tuple[str, ...], seeds: int, threads: int, path: Path | None) -> None:
    """Train in both formats from the same seeds and print a table of the differences."""
    torch.set_num_threads(threads)
    dataset = load_dataset("street_digits", train_size=IMAGES)
    show([row for model in models for row in compare(model, seeds, dataset)], path)


if __name__ == "__main__":
    main()
