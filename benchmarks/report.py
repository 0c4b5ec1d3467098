"""Seconds and memory of a whole report, beside pandas reading the same records as JSON lines.

    uv run python -m benchmarks.report [--trials 1000 --trials 10000] [--json PATH]

Each is a command of its own, start of Python included: `python -m analysis.report` on a
synthetic search of 50 epochs a trial, figures and tables included, and `pandas.read_json` on
its journal. Memory is the process's highest resident set.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd

from benchmarks.output import show
from study import records
from tests.analysis.synthetic import configuration, manifest

EPOCHS = 50
STOPPED_AFTER = 13  # epochs, of half of the trials


def write_run(directory: Path, trials: int) -> None:
    """A finished search of random configurations with exponential learning curves."""
    generator = np.random.default_rng(0)
    directory.mkdir()
    records.write_manifest(directory, manifest(seeds=[0]))
    with open(directory / records.JOURNAL, "a") as file:
        for trial in range(trials):
            config = {**configuration(trial, generator), "epochs": EPOCHS}
            lines = [{"event": "start", "trial": trial, "config": config}]
            pruned = bool(generator.random() < 0.5)
            lines += curve(trial, config, pruned, generator)
            state = "pruned" if pruned else "completed"
            lines.append({"event": "end", "trial": trial, "state": state})
            file.writelines(json.dumps(line) + "\n" for line in lines)
    epochs, rows = records.tables(records.read_journal(directory))
    records.write_table(directory / records.EPOCHS, epochs)
    records.write_table(directory / records.TRIALS, rows)


def curve(
    trial: int, config: dict[str, Any], pruned: bool, generator: np.random.Generator
) -> list[dict[str, Any]]:
    """The epochs of one trial as the journal has them."""
    number = np.arange(1, (STOPPED_AFTER if pruned else EPOCHS) + 1)
    speed, floor = 0.05 + 0.3 * generator.random(), 0.1 + generator.random()
    train = 2.3 * np.exp(-speed * number) + 0.02
    values = pd.DataFrame(
        {
            "event": "epoch", "trial": trial, "epoch": number, "epochs": EPOCHS,
            "train_loss": train, "train_accuracy": np.exp(-train),
            "val_loss": train + floor * (1 - np.exp(-speed * number)),
            "val_accuracy": np.exp(-train) * (1 - 0.1 * floor),
            "val_f1": np.exp(-train) * (1 - 0.1 * floor),
            "learning_rate": config["learning_rate"] * (1 - number / EPOCHS),
            "seconds": 3.0, "images_per_second": 400.0, "diverged": False,
        }
    )  # fmt: skip
    rows: list[dict[str, Any]] = values.to_dict("records")
    return rows


def measure(what: str, command: list[str], trials: int) -> dict[str, Any]:
    """Run a command to its end: wall seconds and peak memory."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return {
        "what": what,
        "trials": trials,
        "seconds": round(time.perf_counter() - start, 1),
        "peak memory (MB)": round(usage.ru_maxrss / 1024),
    }


@click.command()
@click.option("--trials", multiple=True, type=click.IntRange(2), default=[1_000, 10_000])
@click.option("--json", "path", type=click.Path(dir_okay=False, path_type=Path))
def main(trials: tuple[int, ...], path: Path | None) -> None:
    """Time both on each number of trials and print a table."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for count in trials:
            run = Path(folder) / f"search-{count}"
            write_run(run, count)
            read = f"import pandas; pandas.read_json({str(run / records.JOURNAL)!r}, lines=True)"
            report = ["-m", "analysis.report", str(run), "--out", str(Path(folder) / "report")]
            rows.append(measure("pandas.read_json", ["-c", read], count))
            rows.append(measure("the report", report, count))
    show(rows, path)


if __name__ == "__main__":
    main()
