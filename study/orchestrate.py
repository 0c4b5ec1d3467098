"""Trials on Ray Tune: one function trainable, reused actors, ASHA, and nothing else.

The only module that imports ray.tune's Tuner. What a trial is (a search's or an
experiment's) it learns from the searcher; what a trial does it learns from the job.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol

import ray
from ray import tune
from ray.tune.experiment import Trial
from ray.tune.schedulers import ASHAScheduler, FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from study.cluster import Slots
from study.journal import Journal
from study.metrics import Metric
from study.plan import FIRST_RUNG, REDUCTION_FACTOR
from trainables.jobs import TrainingJob
from trainables.reporting import Record, Report

if TYPE_CHECKING:
    from trainables.data.base import Dataset

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the sample images in a report
DRIVER_BYTES = 300_000_000  # what a process that has imported Ray and torch takes
RETRIES = 2  # of a trial that raises or whose process dies; each goes on from its last state
# How often a trial may lose its node besides: it is not the trial's fault, but a training that
# fells every node it is given must end too.
LOST_NODES = 10
LOST = "lost its node"
PROCESS_DIED = "killed, out of memory, or crashed (ray.log has what Ray knows)"
ATTEMPTS = 1 + RETRIES + LOST_NODES


class Job(Protocol):
    """What one trial does; travels to the workers once per run, in the object store."""

    def __call__(self, number: int, params: dict[str, Any], report: Report) -> None:
        """Train trial `number`, reporting a record an epoch."""


class Source(Protocol):
    """The searcher, as far as broken-off trials go: they are still its own, until it is told."""

    def retry(self, trial_id: str) -> None:
        """Hand the trial out once more, before any other, under the same number."""

    def fail(self, trial_id: str) -> None:
        """The trial failed for good."""


def run_trials(
    job: Job,
    searcher: Searcher,
    remaining: int,
    scheduler: TrialScheduler,
    slots: Slots,
    journal: Journal,
) -> None:
    """Run what the searcher hands out until it is done; every event is in the journal.

    Blocks. KeyboardInterrupt passes through, with all that was finished on record.
    """
    trainable = tune.with_parameters(_train_one, job=job)
    # A group's workers bring their own resources. Its driver only waits, and must hold no
    # CPU that they wait for; but Tune takes no empty request, so it holds some memory.
    solo = slots.workers == 1
    bundle = {"CPU": slots.cpus, "GPU": slots.gpus} if solo else {"memory": DRIVER_BYTES}
    tuner = tune.Tuner(
        tune.with_resources(trainable, bundle),
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            scheduler=scheduler,
            num_samples=remaining * ATTEMPTS,  # at most: the searcher says when it is done
            max_concurrent_trials=slots.count,
            reuse_actors=solo,
            trial_dirname_creator=_directory,
        ),
        run_config=tune.RunConfig(
            name="tune",
            storage_path=str(journal.run.resolve()),  # Ray takes a relative one for a URI
            callbacks=[_Retries(searcher, journal)],
            verbose=0,
        ),
    )
    os.environ.setdefault("TUNE_GLOBAL_CHECKPOINT_S", "30")
    tuner.fit()


def training_job(dataset: Dataset, fixed: dict[str, Any], checkpoints: Path, slots: Slots) -> Job:
    """The job of a training study on these slots: solo, or a group of workers a trial."""
    folder = checkpoints.resolve()
    if slots.workers == 1:
        return TrainingJob(dataset, fixed, folder, threads=max(1, int(slots.cpus)))
    from trainables.ray_train import GroupJob

    return GroupJob(ray.put(dataset), fixed, folder, slots.workers, slots.cpus, slots.gpus)


def cell_job(
    dataset: Dataset, fixed: dict[str, Any], checkpoints: Path, cells: Path, slots: Slots
) -> Job:
    """The job of an experiment on these slots; the data set comes with its test images."""
    from trainables.cell import CellJob

    threads = max(1, int(slots.cpus))
    return CellJob(dataset, fixed, checkpoints.resolve(), cells.resolve(), threads)


def start_samples(dataset: Dataset, seed: int) -> ray.ObjectRef:
    """Begin drawing the report's sample images on a worker: the driver imports no torch."""
    from trainables.samples import sample_sheet

    draw = ray.remote(num_cpus=0)(sample_sheet)
    return draw.remote(dataset.pool.images[:512], dataset.pool.labels[:512], STRENGTHS, seed)


def write_samples(samples: ray.ObjectRef, path: Path) -> None:
    """Wait for the sample images and write them (no pickle: plain arrays)."""
    import numpy as np

    np.savez_compressed(path, **ray.get(samples))


def asha(metric: Metric, journal: Journal) -> TrialScheduler:
    """ASHA (Li et al. 2020) on shares of each trial's own schedule, aware of the past.

    Trials of earlier sessions are played back from the journal, so an interrupted
    search stops the same trials as an uncut one.
    """
    scheduler = _ByNumber(
        time_attr="progress",
        metric=metric.name,
        mode=metric.direction,
        grace_period=FIRST_RUNG,
        reduction_factor=REDUCTION_FACTOR,
        max_t=101,  # above 100 percent: a trial's own end is never an early stop
    )
    for number in journal.ended():
        ghost = SimpleNamespace(config={"trial": number})
        scheduler.on_trial_add(None, ghost)
        for record in journal.epochs_of(number):
            scheduler.on_trial_result(None, ghost, record)
    return scheduler


class _ByNumber(ASHAScheduler):
    """ASHA that knows trials by their numbers, so that one tried again is counted once.

    Trial 0 is let finish: the defaults are what the best trial is compared with.
    """

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        super().on_trial_add(tune_controller, _numbered(trial))

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: Record) -> str:
        decision = super().on_trial_result(tune_controller, _numbered(trial), result)
        return str(TrialScheduler.CONTINUE if trial.config["trial"] == 0 else decision)

    def on_trial_complete(self, tune_controller: Any, trial: Trial, result: Record) -> None:
        super().on_trial_complete(tune_controller, _numbered(trial), result)

    def on_trial_remove(self, tune_controller: Any, trial: Trial) -> None:
        super().on_trial_remove(tune_controller, _numbered(trial))


def _numbered(trial: Trial) -> SimpleNamespace:
    """A trial as far as ASHA looks at it."""
    return SimpleNamespace(trial_id=str(trial.config["trial"]))


def no_early_stopping() -> TrialScheduler:
    """Every trial runs to the end of its schedule."""
    return FIFOScheduler()


def _train_one(config: dict[str, Any], job: Job) -> None:
    """What runs in the (reused) worker: one trial, reporting to Tune after every epoch."""
    job(config["trial"], config["params"], tune.report)


def _directory(trial: Trial) -> str:
    return f"trial-{trial.config['trial']:05d}-{trial.trial_id[-5:]}"


class _Retries(tune.Callback):
    """Decides what becomes of a trial that broke off: tried again, or failed.

    Tune's own retries would count a lost node like an error of the code, and would not try
    again where the process that was to be reused died between two trials.
    """

    def __init__(self, source: Source, journal: Journal) -> None:
        self._source, self._journal = source, journal
        self._broken: Counter[tuple[int, bool]] = Counter()

    def on_trial_recover(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        """Tune itself goes on with a trial whose node was taken away with notice."""
        self._journal.error(trial.config["trial"], LOST)

    def on_trial_error(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        number, error = trial.config["trial"], _error_of(trial)
        lost = _lost_its_node(error)
        self._broken[number, lost] += 1
        self._journal.error(number, LOST if lost else _in_one_line(error))
        if self._broken[number, lost] <= (LOST_NODES if lost else RETRIES):
            self._source.retry(trial.trial_id)
        else:
            self._source.fail(trial.trial_id)

    def __getstate__(self) -> dict[str, Any]:
        return {}


def _error_of(trial: Trial) -> Exception:
    """What a trial broke off with, which is not on the run's storage yet.

    RuntimeError where it was this process, and not the trial, that could not go on.
    """
    if trial.pickled_error_file is None:
        *_, last = Path(trial.error_file).read_text().strip().splitlines()
        raise RuntimeError(last)
    with open(trial.pickled_error_file, "rb") as file:
        error: Exception = ray.cloudpickle.load(file)
    return error


def _lost_its_node(error: Exception) -> bool:
    """Whether a trial broke off with its machine. Its own process's end, a raylet tells of."""
    return isinstance(error, ray.exceptions.RayActorError) and (
        error.preempted
        or isinstance(error, ray.exceptions.ActorUnavailableError)
        or "its node has died" in str(error)
    )


def _in_one_line(error: Exception) -> str:
    if isinstance(error, ray.exceptions.RayActorError):
        why = str(error).strip().splitlines()[-1] if error.actor_init_failed else PROCESS_DIED
        return f"its process died: {why}"
    if isinstance(error, ray.exceptions.RayTaskError):
        error = error.cause
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
