"""Train a grid of configurations once, for `benchmarks.replay` to replay searches on.

    uv run python -m benchmarks.record        about an hour of one core; continues where it was cut

Every point of the grid over the space `cnn_aug` is trained to its own end on 400 rendered digits
with one seed; the batch size stays at its default. One row an epoch, in GRID's file.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import click
import pandas as pd
import torch

from study.spaces import SPACES
from trainables.config import TrainConfig
from trainables.data import load_dataset
from trainables.loop import train
from trainables.reporting import Record

TABLE = Path(__file__).parent / "data" / "cnn_aug.parquet"
SPACE = SPACES["cnn_aug"]
IMAGES = 400
GRID: dict[str, tuple[float, ...]] = {
    "learning_rate": (3e-4, 6.5e-4, 1.4e-3, 3e-3, 6.5e-3, 1.4e-2, 3e-2),
    "epochs": (4, 8, 16, 32),
    "augment_strength": (0.0, 1 / 3, 2 / 3, 1.0),
    "weight_decay": (1e-5, 1e-3, 1e-1),
}
COLUMNS = ("epoch", "val_loss", "val_accuracy", "diverged")


def curve(point: dict[str, Any], dataset: Any) -> pd.DataFrame:
    """The records of one training, a row an epoch."""
    records: list[Record] = []
    config = TrainConfig(model=SPACE.model, train_size=IMAGES, **point)
    train(config, dataset, records.append)
    rows = [{**point, **{name: record[name] for name in COLUMNS}} for record in records]
    return pd.DataFrame(rows).astype({"val_loss": "float32", "val_accuracy": "float32"})


@click.command()
def main() -> None:
    """Train what the table lacks, adding to it after every 16 trainings."""
    torch.set_num_threads(1)
    dataset = load_dataset(SPACE.data, train_size=IMAGES)
    have = pd.read_parquet(TABLE) if TABLE.exists() else pd.DataFrame(columns=[*GRID])
    done = set(have[[*GRID]].drop_duplicates().itertuples(index=False, name=None))
    missing = [values for values in itertools.product(*GRID.values()) if values not in done]
    with click.progressbar(range(0, len(missing), 16), label="training") as starts:
        for start in starts:
            points = [dict(zip(GRID, values, strict=True)) for values in missing[start:][:16]]
            parts = [have, *(curve(point, dataset) for point in points)]
            have = pd.concat([part for part in parts if len(part)], ignore_index=True)
            have.to_parquet(TABLE, index=False)


if __name__ == "__main__":
    main()
