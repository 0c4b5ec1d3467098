"""Memory of trials at once that share a data set, beside trials that each hold a copy.

    uv run python -m benchmarks.memory [--images 130000] [--json PATH]      about two minutes

Trials of a small network through `study.orchestrate`, as a search makes them, on a data set
of 400 MB. Each stops in its last epoch, model and optimiser alive and every image read, until
all that train at once are there, and then reads what Linux says of its process
(/proc/self/smaps_rollup): memory of its own (anonymous pages, which no other process has),
and proportional memory (PSS), in which a page that k processes map counts a k-th for each.
"""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.options import command, json_option
from benchmarks.output import show
from study import cluster, orchestrate
from study.asha import no_early_stopping
from study.cells import CellQueue
from study.journal import Journal
from study.metrics import METRICS
from study.resources import Resources, available_cpus
from trainables.data.base import Dataset, Split
from trainables.jobs import TrainingJob
from trainables.reporting import Record, Report
from trainables.storage import Folder

METRIC = METRICS["val_loss"]
EPOCHS, TRAIN_SIZE = 2, 512
PATIENCE = 300.0  # seconds that a trial waits for the others
SHARED, COPIED = "shared (as a study trains)", "a copy each"


def noise(images: int, val_fraction: float) -> Dataset:
    """So many random images in ten classes."""
    rng = np.random.default_rng(0)
    pool = Split(rng.integers(0, 256, (images, 32, 32, 3), dtype=np.uint8), np.arange(images) % 10)
    return Dataset("noise", tuple("0123456789"), pool, None, val_fraction, "noise")


def own_memory() -> dict[str, float]:
    """This process's memory in MB: anonymous, proportional (PSS) and resident (RSS)."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
    kilobytes = {name: int(rest.split()[0]) for name, rest in (x.split(":") for x in lines)}
    names = {"anonymous_mb": "Anonymous", "pss_mb": "Pss", "rss_mb": "Rss"}
    return {ours: kilobytes[theirs] * 1024 / 1e6 for ours, theirs in names.items()}


@dataclass(frozen=True)
class Measured:
    """A training that measures its process while `trials` of them are in their last epoch."""

    job: TrainingJob
    folder: Path
    trials: int
    copied: bool

    def __call__(self, number: int, params: dict[str, Any], report: Report) -> None:
        """Train trial `number`; its memory is in `<folder>/memory-<number>`."""
        job = self.job
        pool = job.dataset.pool
        if self.copied:
            pool = replace(pool, images=pool.images.copy())
            job = replace(job, dataset=replace(job.dataset, pool=pool))
        pool.images.max()  # every page is read

        def told(record: Record) -> None:
            if record["epoch"] == record["epochs"]:
                self._meet("trained", number)
                (self.folder / f"memory-{number}").write_text(json.dumps(own_memory()))
                self._meet("measured", number)
            report(record)

        job(number, params, told)

    def _meet(self, what: str, number: int) -> None:
        (self.folder / f"{what}-{number}").touch()
        deadline = time.monotonic() + PATIENCE
        while len(list(self.folder.glob(f"{what}-*"))) < self.trials:
            assert time.monotonic() < deadline, "the other trials did not come"
            time.sleep(0.05)


def measure(dataset: Dataset, trials: int, copied: bool) -> dict[str, Any]:
    """Mean memory of a trial's process, and of all together, of so many trials at once."""
    resources = Resources(concurrency=trials, cpus_per_trial=min(1.0, available_cpus() / trials))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with cluster.connected(resources, trials, folder / cluster.LOG) as slots:
            params = {"model": "tiny", "epochs": EPOCHS, "learning_rate": 1e-3}
            journal = Journal(folder)
            queue = CellQueue(dict.fromkeys(range(trials), params), journal, METRIC)
            job = TrainingJob(
                dataset, {"train_size": TRAIN_SIZE}, Folder(str(folder)) / "checkpoints", 1
            )
            orchestrate.run_trials(
                Measured(job, folder, trials, copied),
                queue,
                trials,
                no_early_stopping(),
                slots,
                journal,
            )
        found = [json.loads((folder / f"memory-{n}").read_text()) for n in range(trials)]
    own, pss = (sum(one[key] for one in found) / trials for key in ("anonymous_mb", "pss_mb"))
    return {
        "data set": COPIED if copied else SHARED,
        "trials at once": trials,
        "own memory a trial (MB)": round(own),
        "PSS a trial (MB)": round(pss),
        "PSS of all trials (MB)": round(pss * trials),
    }


@command
@click.option(
    "--images",
    type=click.IntRange(1_000),
    default=130_000,
    help="Of the data set, of 32x32 pixels.",
)
@click.option(
    "--trials",
    multiple=True,
    type=click.IntRange(1),
    default=(1, 4),
    help="At once; may be repeated.",
)
@json_option
def main(images: int, trials: tuple[int, ...], path: Path | None) -> None:
    """Measure trials at once that share the data set, and such that copy it; print a table."""
    dataset = noise(images, val_fraction=0.02)
    print(f"a data set of {dataset.pool.images.nbytes / 1e6:.0f} MB")
    show([measure(dataset, n, copied) for copied in (False, True) for n in trials], path)


if __name__ == "__main__":
    main()
