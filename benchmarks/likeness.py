"""How alike rendered digits and real house numbers are: a network trained on one reads the other.

    uv run python -m benchmarks.likeness --svhn ../shared/data/svhn [--json PATH]   some minutes

ResNet18, augmented at strength 0.5, is trained once on all real crops of SVHN's train file and
once on rendered digits, and reads what it has not seen of both. Where a network trained on real
crops reads rendered digits as well as other real crops, the rendered ones are no easier and no
stranger. One seed a row: the images, not the seeds, are what is compared.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import torch

from benchmarks.options import command, json_option, threads_option
from benchmarks.output import show
from trainables.config import TrainConfig
from trainables.data import load_dataset
from trainables.data.base import Dataset, Split
from trainables.loop import train
from trainables.train_data import Resident
from trainables.training import Training

EPOCHS = 30
VAL_FRACTION = 0.05  # nothing is chosen by it
SPLITS = {"real": "SVHN's test file", "rendered": "street_digits, test"}


def trained(dataset: Dataset, epochs: int) -> Training:
    """ResNet18 after so many epochs on the data set's pool."""
    config = TrainConfig(
        "resnet18", epochs=epochs, learning_rate=1e-3, weight_decay=5e-3, augment_strength=0.5
    )
    return train(config, replace(dataset, val_fraction=VAL_FRACTION), lambda record: None)


def read(training: Training, split: Split) -> float:
    """Share of the images that are read rightly."""
    resident = Resident.of(split, training.device)
    right = 0
    with torch.inference_mode():
        for _, logits, labels in training.scored(resident, torch.arange(len(split))):
            right += int((logits.argmax(1) == labels).sum())
    return right / len(split)


@command
@click.option(
    "--svhn",
    type=click.Path(exists=True, path_type=Path),
    required=True,
    help="Folder with SVHN's .mat files.",
)
@click.option(
    "--rendered", type=click.IntRange(100), default=2_000, help="Rendered images to train on."
)
@click.option("--epochs", type=click.IntRange(1), default=EPOCHS, help="Of each training.")
@threads_option(2)
@json_option
def main(svhn: Path, rendered: int, epochs: int, threads: int, path: Path | None) -> None:
    """Train on real and on rendered digits, read both, and print a table."""
    torch.set_num_threads(threads)
    sets = {
        "real": load_dataset("svhn", data_dir=str(svhn)),
        "rendered": load_dataset("street_digits", train_size=rendered),
    }
    rows: list[dict[str, Any]] = []
    for name, dataset in sets.items():
        training = trained(dataset, epochs)
        row = {"trained on": name, "images": len(training.data.train)}
        for other, test in sets.items():
            assert test.test is not None
            row[f"reads of {SPLITS[other]} ({len(test.test)})"] = read(training, test.test)
        rows.append(row)
    show(rows, path)


if __name__ == "__main__":
    main()
