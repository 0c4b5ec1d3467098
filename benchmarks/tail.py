"""What asking for a search's last trials together saves, and what it costs, on a recorded table.

    uv run python -m benchmarks.tail [--replays 400] [--json PATH]     a minute

A default search (14 trials, two at once) is replayed as in `benchmarks.replay`, an epoch of every
running trial a tick, with the last 1, 2 or 4 trials asked for together, the longest first (1: one
after the other, as they come). The same seeds each way, so differences are paired; intervals of 95%
are of the mean over replays.
"""

from __future__ import annotations

import logging
import math
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import click
import numpy as np
import optuna
import pandas as pd

from benchmarks.options import command, json_option
from benchmarks.output import show
from benchmarks.record import SPACE
from benchmarks.replay import AT_ONCE, METRIC, OnTune, curves, nearest
from study.asha import asha
from study.journal import Journal
from study.plan import SearchSpec
from study.search import StudySearch

TAILS = (1, 2, 4)
TRIALS = SearchSpec(SPACE.name).trials


class OfTail(StudySearch):
    """The search with another number of last trials that are asked for together."""

    tail = 1

    def _tail(self) -> int:
        return self.tail


def replayed(job: tuple[int, int]) -> dict[str, Any]:
    """One search: ticks until its end, slots that had nothing to do in them, its best value."""
    tail, seed = job
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    logging.getLogger("ray").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder))
        spec = SearchSpec(SPACE.name, trials=TRIALS, seed=seed, objective=METRIC.name)
        searcher = OfTail(spec, METRIC, journal, AT_ONCE)
        searcher.tail = tail
        busy = list(_ticks(OnTune(searcher, asha(METRIC, journal))))
        ended = journal.ended()
        finals = [
            journal.epochs_of(trial)[-1][METRIC.name]
            for trial, state in ended.items()
            if state == "completed"
        ]
    idle = sum(AT_ONCE - running for running in busy)
    return {"tail": tail, "seed": seed, "ticks": len(busy), "idle": idle, "best": min(finals)}


def _ticks(search: OnTune) -> Iterator[int]:
    """A search of TRIALS, tick by tick: how many trials ran in each."""
    running: list[tuple[Any, Iterator[dict[str, Any]]]] = []
    asked = 0
    while asked < TRIALS or running:
        while len(running) < AT_ONCE and asked < TRIALS:
            trial, params = search.ask()
            running.append((trial, _records(curves()[nearest(params)])))
            asked += 1
        yield len(running)
        running = [slot for slot in running if search.report(slot[0], next(slot[1]))]


def _records(curve: list[float]) -> Iterator[dict[str, Any]]:
    for epoch, value in enumerate(curve, 1):
        yield {
            "epoch": epoch,
            "epochs": len(curve),
            "progress": round(100 * epoch / len(curve)),
            METRIC.name: value,
            "diverged": not math.isfinite(value),
        }


def summary(outcomes: pd.DataFrame, replays: int) -> Iterator[dict[str, Any]]:
    """A row for each tail, its best value compared with that of the first."""
    by_tail = {tail: part.set_index("seed") for tail, part in outcomes.groupby("tail")}
    for tail, part in by_tail.items():
        worse = part.best - by_tail[TAILS[0]].best
        error = 1.96 * float(worse.std()) / np.sqrt(replays)
        yield {
            "asked together": tail,
            "epochs of wall time": float(part.ticks.mean()),
            "idle share of slots": part.idle.sum() / (AT_ONCE * part.ticks.sum()),
            "best val_loss, mean": float(part.best.mean()),
            "minus that of the first row": float(worse.mean()),
            "95% interval": f"{worse.mean() - error:+.3f} to {worse.mean() + error:+.3f}",
        }


@command
@click.option(
    "--replays", type=click.IntRange(2), default=400, help="Of each search, from other seeds."
)
@click.option("--processes", type=click.IntRange(1), default=2, help="That replay side by side.")
@json_option
def main(replays: int, processes: int, path: Path | None) -> None:
    """Replay a default search with as many seeds, and print a table."""
    jobs = [(tail, seed) for tail in TAILS for seed in range(replays)]
    with ProcessPoolExecutor(processes) as pool:
        outcomes = pd.DataFrame(pool.map(replayed, jobs, chunksize=10))
    show([*summary(outcomes, replays)], path)


if __name__ == "__main__":
    main()
