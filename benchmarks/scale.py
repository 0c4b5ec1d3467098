"""Many trials over many nodes: does the driver's work for a trial grow with their number?

    uv run python -m benchmarks.scale [--trials 100 ...] [--nodes 8 --slots 8] [--json PATH]

The nodes are simulated on this machine (`ray.cluster_utils`), the trials train nothing: they
report a closed-form curve. What is measured is the driver, a process of its own for each number
of trials: Optuna on SQLite, ASHA, the journal, the display, Tune. Every slot is a process of
about 0.15 GB.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from benchmarks.options import command, json_option
from benchmarks.output import show
from study import cluster, loopback, orchestrate
from study.asha import asha
from study.best import BestKeeper
from study.database import Database
from study.display import Display
from study.journal import Journal
from study.metrics import METRICS
from study.place import local
from study.plan import SearchSpec, searched_space
from study.resources import Resources
from study.search import StudySearch
from study.slots import Slots
from trainables.jobs import ClosedFormJob

METRIC = METRICS["val_loss"]


def measure(trials: int, address: str, slots: int) -> dict[str, Any]:
    """One search on the cluster at `address`; to be called in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder)
        resources = Resources(concurrency=min(slots, trials), address=address)
        with cluster.connected(resources, trials, run / cluster.LOG) as found:
            start = time.time()
            ends, asked = _search(run, trials, found)
            total = time.time() - start
        written = _written()
        files = {path: path.stat().st_size for path in run.rglob("*") if path.is_file()}
        largest = max(files, key=lambda path: files[path])
        half = trials // 2
        return {
            "trials": trials,
            "all (s)": total,
            "each of the second half (s)": (ends[-1] - ends[half - 1]) / (trials - half),
            "of it asking Optuna (s)": sum(asked[half:]) / (trials - half),
            "opening again (s)": _reopen(run, trials),
            "driver's peak (MB)": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            "files, a trial (KB)": sum(files.values()) / trials / 1e3,
            "written, a trial (KB)": written / trials / 1e3,
            "largest file, a trial (KB)": (
                f"{largest.relative_to(run)} {files[largest] / trials / 1e3:.2f}"
            ),
        }


def _search(run: Path, trials: int, slots: Slots) -> tuple[list[float], list[float]]:
    """(when each trial ended, seconds that each took to be proposed) of a whole search."""
    spec, journal = _spec(trials), Journal(run)
    ends: list[float] = []
    asked: list[float] = []

    def note_end(event: dict[str, Any]) -> None:
        if event["event"] == "end":
            ends.append(time.time())

    class Timed(StudySearch):
        def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
            start = time.perf_counter()
            suggested = super().suggest(trial_id)
            asked.append(time.perf_counter() - start)
            return suggested

    with (
        open(run / "display", "w") as shown,
        Display(Console(file=shown), METRIC, trials, ranked=True, quiet=False) as display,
    ):
        dimensions = searched_space(spec).dimensions
        journal.listeners.append(Database("benchmark", dimensions, METRIC, journal))
        journal.listeners += [BestKeeper(journal, METRIC, local(run)), display, note_end]
        journal.restarts.append(display)
        searcher = Timed(spec, METRIC, journal, slots.count)
        scheduler = asha(METRIC, journal)
        orchestrate.run_trials(ClosedFormJob(), searcher, trials, scheduler, slots, journal)
    assert len(ends) == trials, f"{len(ends)} of {trials} trials ended"
    return ends, asked


def _spec(trials: int) -> SearchSpec:
    return SearchSpec("tiny_aug", trials=trials, max_epochs=4, objective=METRIC.name)


def _reopen(run: Path, trials: int) -> float:
    """Seconds to go on with a search of so many finished trials."""
    start = time.perf_counter()
    journal, spec = Journal(run), _spec(trials + 1)
    Database("benchmark", searched_space(spec).dimensions, METRIC, journal).write_anew()
    StudySearch(spec, METRIC, journal)
    asha(METRIC, journal)
    return time.perf_counter() - start


def _written() -> int:
    """Bytes that this process has had written to storage."""
    lines = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(lines["write_bytes"])


@contextlib.contextmanager
def simulated(nodes: int, slots: int) -> Iterator[str]:
    """The address of a Ray cluster of so many nodes on this machine, each with so many CPUs."""
    with loopback.closed() as options:
        from ray.cluster_utils import Cluster

        made = Cluster(True, head_node_args={"num_cpus": slots, "temp_dir": options["_temp_dir"]})
        try:
            for _ in range(nodes - 1):
                made.add_node(num_cpus=slots)
            yield made.address
        finally:
            made.shutdown()


@command
@click.option(
    "--trials",
    multiple=True,
    type=click.IntRange(2),
    default=(100, 300, 1000),
    help="Of a study; may be repeated.",
)
@click.option("--nodes", type=click.IntRange(1), default=8, help="Simulated on this machine.")
@click.option("--slots", type=click.IntRange(1), default=8, help="A node.")
@json_option
def main(trials: tuple[int, ...], nodes: int, slots: int, path: Path | None) -> None:
    """Measure each number of trials and print a table."""
    spawn = multiprocessing.get_context("spawn")
    rows = []
    with simulated(nodes, slots) as address:
        for number in trials:
            with ProcessPoolExecutor(1, mp_context=spawn) as process:
                rows.append(process.submit(measure, number, address, nodes * slots).result())
    show([{"nodes": nodes, "slots": nodes * slots, **row} for row in rows], path)


if __name__ == "__main__":
    main()
