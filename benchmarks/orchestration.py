"""Marginal orchestration cost of a trial: ours, and Ray's documented TorchTrainer in Tune.

    uv run python -m benchmarks.orchestration [--trials 30 --trials 100] [--json PATH]

Every trial reports two epochs of a closed-form curve, so all that is measured is what
the orchestration costs. One slot, so the seconds are those of one trial after another.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from study import cluster, orchestrate
from study.journal import Journal
from study.metrics import METRICS
from study.plan import Resources, SearchSpec
from study.search import StudySearch, open_study
from trainables.jobs import ClosedFormJob

METRIC = METRICS["val_loss"]


def ours(trials: int) -> float:
    """Seconds of a whole search of `trials` closed-form trials, Ray already up."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder)
        spec = SearchSpec("tiny_aug", trials=trials, max_epochs=2, objective=METRIC.name)
        resources = Resources(concurrency=1)
        with cluster.connected(resources, trials, run / cluster.LOG) as slots:
            journal = Journal(run)
            start = time.perf_counter()
            searcher = StudySearch(open_study(run, "bench", METRIC), spec, METRIC, journal)
            scheduler = orchestrate.asha(METRIC, journal)
            orchestrate.run_trials(ClosedFormJob(), searcher, trials, scheduler, slots, journal)
            assert len(journal.ended()) == trials, journal.ended()
            return time.perf_counter() - start


if __name__ == "__main__":
    print(ours(10))
