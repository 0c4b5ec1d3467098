"""Orchestration cost of a trial: ours, a bare Tune function, Ray's TorchTrainer in Tune.

    uv run python -m benchmarks.orchestration [--trials 30 --trials 100] [--json PATH]

Every trial reports two epochs of a closed-form curve, so what is measured is the
orchestration alone: Optuna on SQLite, ASHA, the journal, Tune's own directory. One slot,
one trial after another, on a Ray that is already up. The marginal cost is that between
the first trial's end and the last one's: starting the first worker is paid once.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from benchmarks.options import command, json_option
from benchmarks.output import show
from study import cluster, orchestrate
from study.asha import asha
from study.database import Database
from study.journal import Journal
from study.metrics import METRICS
from study.plan import SearchSpec, searched_space
from study.resources import Resources
from study.search import StudySearch
from study.slots import Slots
from trainables.closed_form import closed_form
from trainables.jobs import ClosedFormJob

METRIC = METRICS["val_loss"]
PARAMETERS = {"learning_rate": 3e-3, "epochs": 2}
Ends = list[float]


def ours(trials: int, run: Path, slots: Slots) -> Ends:
    """A whole search as `study.run` makes it, with the closed-form job."""
    spec = SearchSpec("tiny_aug", trials=trials, max_epochs=2, objective=METRIC.name)
    journal = Journal(run)
    ends: Ends = []
    journal.listeners.append(lambda e: ends.append(time.time()) if e["event"] == "end" else None)
    dimensions = searched_space(spec).dimensions
    journal.listeners.append(Database("benchmark", dimensions, METRIC, journal))
    searcher = StudySearch(spec, METRIC, journal)
    scheduler = asha(METRIC, journal)
    orchestrate.run_trials(ClosedFormJob(), searcher, trials, scheduler, slots, journal)
    return ends


def bare_function(trials: int, run: Path, slots: Slots) -> Ends:
    """Tune's function API with reused actors and random search: nothing on top."""
    from ray import tune

    def trainable(config: dict[str, Any]) -> None:
        closed_form(PARAMETERS, tune.report)

    return _fit(trainable, trials, run, reuse_actors=True)


def torch_trainer(trials: int, run: Path, slots: Slots) -> Ends:
    """Ray's documented way since 2.4x: a driver function that builds a TorchTrainer."""
    import ray.train
    from ray.train import RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer
    from ray.tune.integration.ray_train import TuneReportCallback

    def train_one(config: dict[str, Any]) -> None:
        closed_form(PARAMETERS, ray.train.report)

    def driver(config: dict[str, Any]) -> None:
        trainer = TorchTrainer(
            train_one,
            scaling_config=ScalingConfig(num_workers=1),
            run_config=RunConfig(storage_path=str(run), callbacks=[TuneReportCallback()]),
        )
        trainer.fit()

    return _fit(driver, trials, run, reuse_actors=False)


def _fit(trainable: Callable[..., None], trials: int, run: Path, reuse_actors: bool) -> Ends:
    from ray import tune

    ends: Ends = []

    class Clock(tune.Callback):
        def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
            ends.append(time.time())

    tune.Tuner(
        # The driver of a TorchTrainer must not hold the core that its worker waits for.
        tune.with_resources(trainable, {"CPU": 1 if reuse_actors else 0.01}),
        tune_config=tune.TuneConfig(
            num_samples=trials, max_concurrent_trials=1, reuse_actors=reuse_actors
        ),
        run_config=tune.RunConfig(storage_path=str(run), callbacks=[Clock()], verbose=0),
    ).fit()
    return ends


WAYS = {"ours": ours, "bare Tune function": bare_function, "TorchTrainer in Tune": torch_trainer}


def measure(way: str, trials: int) -> dict[str, Any]:
    """Seconds of one way: all, up to the first trial's end, and marginal per trial."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder)
        with cluster.connected(Resources(concurrency=1), trials, run / cluster.LOG) as slots:
            start = time.time()
            ends = WAYS[way](trials, run, slots)
    assert len(ends) == trials, f"{way}: {len(ends)} of {trials} trials ended"
    return {
        "way": way,
        "trials": trials,
        "first trial (s)": ends[0] - start,
        "each further trial (s)": (ends[-1] - ends[0]) / (trials - 1),
        "all (s)": time.time() - start,
    }


@command
@click.option(
    "--trials",
    multiple=True,
    type=click.IntRange(2),
    default=(30, 100),
    help="Of a study; may be repeated.",
)
@click.option("--stock-trials", type=click.IntRange(2), default=4, help="Of TorchTrainer in Tune.")
@json_option
def main(trials: tuple[int, ...], stock_trials: int, path: Path | None) -> None:
    """Time the ways side by side and print a table."""
    rows = [measure(way, n) for n in trials for way in ("ours", "bare Tune function")]
    rows.append(measure("TorchTrainer in Tune", stock_trials))
    show(rows, path)


if __name__ == "__main__":
    main()
