"""Trials on Ray Tune: one function trainable, reused actors, ASHA, and nothing else.

The only module that imports ray.tune's Tuner. What a trial is (a search's or an
experiment's) it learns from the searcher; what a trial does it learns from the job.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from unittest import mock

import ray
from ray import tune
from ray.air._internal import usage
from ray.tune.execution import class_cache
from ray.tune.experiment import Trial
from ray.tune.schedulers import TrialScheduler
from ray.tune.search import Searcher

from study.groups import Groups
from study.journal import Journal
from study.retries import ATTEMPTS, Retries
from study.slots import DRIVER_BYTES, Slots
from study.tensorboard import tensorboard
from trainables.jobs import TrainingJob
from trainables.plugins import Plugin
from trainables.reporting import Report
from trainables.storage import Folder

if TYPE_CHECKING:
    import numpy as np

    from trainables.cell import CellJob
    from trainables.data.base import Dataset

CANCEL_SECONDS = 5.0  # for a task to end that is no longer wanted
# Tune would hand these to every trial in its runtime environment, which Ray writes to its logs.
KEYS = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN"}


class Job(Protocol):
    """What one trial does; travels to the workers once per run, in the object store."""

    def __call__(self, number: int, params: dict[str, Any], report: Report) -> None:
        """Train trial `number`, reporting a record an epoch."""


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
    class_cache.ENV_VARS_TO_PROPAGATE -= KEYS
    # Tune's only other variable, for PyTorch Lightning. Without any, trials get workers that Ray
    # started while this process was importing.
    class_cache.DEFAULT_ENV_VARS.clear()
    trainable = tune.with_parameters(_train_one, job=job)
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
            callbacks=[Retries(searcher, journal), *tensorboard(), *([] if solo else [Groups()])],
            verbose=0,
        ),
    )
    os.environ.setdefault("TUNE_GLOBAL_CHECKPOINT_S", "30")
    # For usage statistics, which are off, Tune would import wandb and more to count callbacks.
    with mock.patch.object(usage, "tag_callbacks", return_value=False):
        tuner.fit()


def training_job(
    dataset: Dataset,
    options: dict[str, Any],
    checkpoints: Folder,
    slots: Slots,
    plugins: tuple[Plugin, ...],
) -> Job:
    """The job of a search's trials on these slots."""
    threads = _threads(slots)
    return _on(slots, TrainingJob(dataset, options, checkpoints, threads, slots.gpus, plugins))


def cell_job(
    dataset: Dataset,
    options: dict[str, Any],
    checkpoints: Folder,
    cells: Folder,
    slots: Slots,
    plugins: tuple[Plugin, ...],
) -> Job:
    """The job of an experiment on these slots; the data set comes with its test images."""
    from trainables.cell import CellJob

    threads = _threads(slots)
    training = TrainingJob(dataset, options, checkpoints, threads, slots.gpus, plugins)
    return _on(slots, CellJob(training, cells))


def _threads(slots: Slots) -> int:
    return max(1, int(slots.cpus))


def _on(slots: Slots, job: TrainingJob | CellJob) -> Job:
    """The job as it is, for a worker alone, or done by a group of workers a trial."""
    if slots.workers == 1:
        return job
    from trainables.ray_train import GroupJob

    return GroupJob.of(job, slots.workers, slots.cpus, slots.gpus)


class Samples:
    """The report's sample images, drawn on a worker: the driver imports no torch.

    A listener of the journal. Drawing begins with the first epoch that is reported: until then
    the processors are busy starting the trials' own workers. Trials run within its context: where
    they break off, nothing is drawn any further.
    """

    def __init__(self, dataset: Dataset, seed: int) -> None:
        self._dataset, self._seed = dataset, seed
        self._drawn: ray.ObjectRef | None = None

    def __call__(self, event: dict[str, Any]) -> None:
        """Begin with the first epoch."""
        if event["event"] == "epoch" and self._drawn is None:
            self._begin()

    def write(self, path: Path) -> None:
        """Wait for the images and write them (no pickle: plain arrays)."""
        import numpy as np

        np.savez_compressed(path, **ray.get(self._drawn or self._begin()))

    def __enter__(self) -> Samples:
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        if kind is not None and self._drawn is not None:
            ray.cancel(self._drawn)  # of a task in flight Ray's core tells while it ends
            ray.wait([self._drawn], timeout=CANCEL_SECONDS)

    def _begin(self) -> ray.ObjectRef:
        draw = ray.remote(num_cpus=0)(_sample_sheet)
        pool = self._dataset.pool
        self._drawn = draw.remote(pool.images[:512], pool.labels[:512], self._seed)
        return self._drawn


def _sample_sheet(images: np.ndarray, labels: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """What runs in a worker: only there is torch imported."""
    from trainables.samples import sample_sheet

    return sample_sheet(images, labels, seed=seed)


def _train_one(config: dict[str, Any], job: Job) -> None:
    """What runs in the (reused) worker: one trial, reporting to Tune after every epoch."""
    job(config["trial"], config["params"], tune.report)


def _directory(trial: Trial) -> str:
    return f"trial-{trial.config['trial']:05d}-{trial.trial_id[-5:]}"
