"""Seconds and memory of a whole report, beside pandas reading the same records as JSON lines.

    uv run python -m benchmarks.report [--trials 1000 --trials 10000] [--json PATH]

Each is a command of its own, start of Python included: `python -m analysis.report` on a
synthetic search of 50 epochs a trial, figures and tables included, and `pandas.read_json` on
its journal. Half of the trials completed their schedule, the others were stopped after a half or
a quarter of a longer one. Memory is the process's highest resident set.
"""

from __future__ import annotations

import json
import multiprocessing
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

from benchmarks.options import command, json_option
from benchmarks.output import show
from study import journal_file, records, run_tables
from tests.analysis.synthetic import configuration, manifest

EPOCHS = 50  # of every trial
SCHEDULES = (50, 50, 100, 200)  # epochs, drawn alike: a longer one was stopped


def write_run(directory: Path, trials: int) -> None:
    """A finished search of random configurations with exponential learning curves."""
    generator = np.random.default_rng(0)
    directory.mkdir()
    described = manifest(seeds=[0])
    described.space["dimensions"]["epochs"] |= {"low": min(SCHEDULES), "high": max(SCHEDULES)}
    described.space["dimensions"]["epochs"]["default"] = EPOCHS
    records.write_manifest(directory, described)
    with open(directory / records.JOURNAL, "a") as file:
        for trial in range(trials):
            schedule = int(generator.choice(SCHEDULES))
            config = {**configuration(trial, generator), "epochs": schedule}
            lines = [{"event": "start", "trial": trial, "config": config}]
            lines += curve(trial, config, generator)
            state = "pruned" if schedule > EPOCHS else "completed"
            lines.append({"event": "end", "trial": trial, "state": state})
            file.writelines(json.dumps(line) + "\n" for line in lines)
    epochs, rows = run_tables.from_journal(journal_file.read(directory))
    run_tables.write(directory / records.EPOCHS, epochs)
    run_tables.write(directory / records.TRIALS, rows)


def curve(
    trial: int, config: dict[str, Any], generator: np.random.Generator
) -> list[dict[str, Any]]:
    """The epochs of one trial as the journal has them."""
    number = np.arange(1, EPOCHS + 1)
    speed, floor = 0.05 + 0.3 * generator.random(), 0.1 + generator.random()
    train = 2.3 * np.exp(-speed * number) + 0.02
    values = pd.DataFrame(
        {
            "event": "epoch", "trial": trial, "epoch": number, "epochs": config["epochs"],
            "train_loss": train, "train_accuracy": np.exp(-train),
            "val_loss": train + floor * (1 - np.exp(-speed * number)),
            "val_accuracy": np.exp(-train) * (1 - 0.1 * floor),
            "val_f1": np.exp(-train) * (1 - 0.1 * floor),
            "learning_rate": config["learning_rate"] * (1 - number / config["epochs"]),
            "seconds": 3.0, "images_per_second": 400.0, "diverged": False,
        }
    )  # fmt: skip
    rows: list[dict[str, Any]] = values.to_dict("records")
    return rows


def measure(command: list[str]) -> tuple[float, float]:
    """Run a command to its end: wall seconds and peak memory in MB."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def compare(folder: Path, trials: int) -> dict[str, Any]:
    """The row of one number of trials."""
    run, out = folder / f"search-{trials}", folder / f"report-{trials}"
    # Elsewhere, since Linux counts to a process's peak what its parent held when it began.
    writer = multiprocessing.get_context("spawn").Process(target=write_run, args=(run, trials))
    writer.start()
    writer.join()
    read = f"import pandas; pandas.read_json({str(run / records.JOURNAL)!r}, lines=True)"
    pandas_seconds, pandas_memory = measure(["-c", read])
    seconds, memory = measure(["-m", "analysis.report", str(run), "--out", str(out)])
    return {
        "trials": trials,
        "report (s)": round(seconds, 1),
        "pandas (s)": round(pandas_seconds, 1),
        "ratio": seconds / pandas_seconds,
        "report peak (MB)": round(memory),
        "pandas peak (MB)": round(pandas_memory),
        "page (MB)": round((out / "index.html").stat().st_size / 1e6, 1),
    }


@command
@click.option(
    "--trials",
    multiple=True,
    type=click.IntRange(2),
    default=[1_000, 10_000],
    help="Of a made-up search; may be repeated.",
)
@json_option
def main(trials: tuple[int, ...], path: Path | None) -> None:
    """Time both on each number of trials and print a table."""
    with tempfile.TemporaryDirectory() as folder:
        show([compare(Path(folder), count) for count in trials], path)


if __name__ == "__main__":
    main()
