"""Memory of one worker that trains one trial after another, and what it costs to hold it.

    uv run python -m benchmarks.reuse [--trials 15] [--json PATH]         about six minutes

ResNet18 at 32x32 with batch sizes that vary from trial to trial, through
`study.orchestrate` on one reused worker. Ways: glibc as it is; MALLOC_ARENA_MAX=1, one heap
for all threads; `malloc_trim(0)` after each trial, which gives free pages back. The ways take
the same trials. Memory is the worker's resident one after a trial; throughput is the median
over trials of the epoch's images per second.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from benchmarks.memory import METRIC, noise, own_memory
from benchmarks.options import command, json_option
from benchmarks.output import show
from study import cluster, orchestrate
from study.asha import no_early_stopping
from study.cells import CellQueue
from study.journal import Journal
from study.resources import Resources
from trainables.jobs import TrainingJob
from trainables.reporting import Record, Report
from trainables.storage import Folder

PLAIN, ONE_ARENA, TRIMMED = "as it is", "MALLOC_ARENA_MAX=1", "malloc_trim(0) after a trial"
BATCHES = (32, 64, 128, 48, 96, 256, 16)
IMAGES = 360


@dataclass(frozen=True)
class Measured:
    """A training, after which the worker's memory is written down."""

    job: TrainingJob
    folder: Path
    trimmed: bool

    def __call__(self, number: int, params: dict[str, Any], report: Report) -> None:
        """Train trial `number`; memory and speed are in `<folder>/memory-<number>`."""
        rates: list[float] = []

        def told(record: Record) -> None:
            rates.append(record["images_per_second"])
            report(record)

        self.job(number, params, told)
        if self.trimmed:
            gc.collect()
            ctypes.CDLL("libc.so.6").malloc_trim(0)
        figures = own_memory() | {"images_per_second": statistics.median(rates)}
        (self.folder / f"memory-{number}").write_text(json.dumps(figures))


def measure(way: str, trials: int) -> dict[str, Any]:
    """Resident memory after the first and after the last trial, its peak, and throughput."""
    arenas = 1 if way == ONE_ARENA else 8 * (os.cpu_count() or 1)  # glibc's own limit
    os.environ["MALLOC_ARENA_MAX"] = str(arenas)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with cluster.connected(Resources(concurrency=1), trials, folder / cluster.LOG) as slots:
            journal = Journal(folder)
            queue = CellQueue(
                {
                    n: {"learning_rate": 1e-3, "batch_size": BATCHES[n % len(BATCHES)]}
                    for n in range(trials)
                },
                journal,
                METRIC,
            )
            fixed = {"model": "resnet18", "epochs": 1}
            job = TrainingJob(noise(IMAGES, 1 / 3), fixed, Folder(str(folder)) / "checkpoints", 1)
            orchestrate.run_trials(
                Measured(job, folder, way == TRIMMED),
                queue,
                trials,
                no_early_stopping(),
                slots,
                journal,
            )
        found = [json.loads((folder / f"memory-{n}").read_text()) for n in range(trials)]
    return {
        "way": way,
        "after 1 trial (MB)": round(found[0]["rss_mb"]),
        f"after {trials} (MB)": round(found[-1]["rss_mb"]),
        "highest (MB)": round(max(one["rss_mb"] for one in found)),
        "images/s": round(statistics.median(one["images_per_second"] for one in found)),
    }


@command
@click.option("--trials", type=click.IntRange(2), default=15, help="Trainings, one after another.")
@json_option
def main(trials: int, path: Path | None) -> None:
    """Measure the ways one after another and print a table."""
    show([measure(way, trials) for way in (PLAIN, ONE_ARENA, TRIMMED)], path)


if __name__ == "__main__":
    main()
