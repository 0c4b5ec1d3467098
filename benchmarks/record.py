"""Train a grid of configurations once, for `benchmarks.replay` to replay searches on.

    uv run python -m benchmarks.record   twenty minutes of two cores; continues where it was cut

Every point of the grid over the space `cnn_aug` is trained to its own end on 300 rendered digits
with one seed; the batch size stays at its default. One row an epoch, in TABLE.
"""

from __future__ import annotations

import itertools
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import click
import pandas as pd
import torch

from benchmarks.options import command
from study.spaces import SPACES
from trainables.config import TrainConfig
from trainables.data import load_dataset
from trainables.loop import train
from trainables.reporting import Record

TABLE = Path(__file__).parent / "data" / "cnn_aug.parquet"
SPACE = SPACES["cnn_aug"]
IMAGES = 300
GRID: dict[str, tuple[float, ...]] = {
    "learning_rate": (3e-4, 6.5e-4, 1.4e-3, 3e-3, 6.5e-3, 1.4e-2, 3e-2),
    "epochs": (4, 8, 16, 32),
    "augment_strength": (0.0, 1 / 3, 2 / 3, 1.0),
    "weight_decay": (1e-5, 1e-2),
}
COLUMNS = ("epoch", "val_loss", "val_accuracy", "diverged")


def curve(values: tuple[float, ...]) -> pd.DataFrame:
    """The records of the training at a point of the grid, a row an epoch."""
    torch.set_num_threads(1)
    point, records = dict(zip(GRID, values, strict=True)), list[Record]()
    dataset = load_dataset(SPACE.data, train_size=IMAGES)
    config = TrainConfig.from_dict({"model": SPACE.model, "train_size": IMAGES, **point})
    train(config, dataset, records.append)
    rows = [{**point, **{name: record[name] for name in COLUMNS}} for record in records]
    return pd.DataFrame(rows).astype({"val_loss": "float32", "val_accuracy": "float32"})


@command
@click.option("--processes", type=click.IntRange(1), default=2, help="That train side by side.")
def main(processes: int) -> None:
    """Train what the table lacks, adding to it after every 16 trainings."""
    TABLE.parent.mkdir(exist_ok=True)
    load_dataset(SPACE.data, train_size=IMAGES)  # renders what is not cached, once
    have = pd.read_parquet(TABLE) if TABLE.exists() else pd.DataFrame(columns=[*GRID])
    done = set(have[[*GRID]].drop_duplicates().itertuples(index=False, name=None))
    missing = [values for values in itertools.product(*GRID.values()) if values not in done]
    spawn = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(processes, mp_context=spawn) as pool,
        click.progressbar(range(0, len(missing), 16), label="training") as starts,
    ):
        for start in starts:
            parts = [have, *pool.map(curve, missing[start:][:16])]
            have = pd.concat([part for part in parts if len(part)], ignore_index=True)
            have.to_parquet(TABLE, index=False)


if __name__ == "__main__":
    main()
