"""One trial trained by several workers: Ray Train's TorchTrainer inside a Tune trial.

The only module here that imports Ray. The workers run the same loop as a solo training;
what is theirs is how gradients are averaged and sums are added (`Workers`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import ray
import ray.train
import ray.train.torch
import ray.tune
import torch
import torch.distributed
from ray.train import FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer
from ray.train.v2._internal.callbacks.placement_group_callback import (
    PlacementGroupCleanerCallback,
)
from ray.tune.integration.ray_train import TuneReportCallback
from torch import Tensor, nn

from trainables.batch_norm import share_batch_norm
from trainables.patience import StorageError
from trainables.reporting import Report
from trainables.storage import Folder
from trainables.workers import Workers

# How long a worker whose collective broke lets the other's end become known: Ray misses a process
# after two seconds, a node after fifteen.
OTHERS_SECONDS = 30.0


class GroupTrained(Protocol):
    """A job that one process does alone, or as one of a group (`trainables.jobs`, `cell`)."""

    @property
    def checkpoints(self) -> Folder:
        """The folder that holds one folder a trial."""

    def __call__(
        self, number: int, params: dict[str, Any], report: Report, workers: Workers
    ) -> None:
        """Train trial `number` as one of `workers`."""


@dataclass(frozen=True)
class GroupJob:
    """Does another job, each trial on `workers` processes with `cpus` and `gpus` each.

    job: reference to it in Ray's object store, where the workers of a node map its data set.
    checkpoints: that job's folder.
    """

    job: ray.ObjectRef
    checkpoints: Folder
    workers: int
    cpus: float
    gpus: float

    @classmethod
    def of(cls, job: GroupTrained, workers: int, cpus: float, gpus: float) -> GroupJob:
        """Put a job into the object store, once for all its trials."""
        return cls(ray.put(job), job.checkpoints, workers, cpus, gpus)

    def __call__(self, number: int, params: dict[str, Any], report: Report) -> None:
        """Train trial `number`; rank 0's records reach Tune through Ray Train's callback."""
        each = {"CPU": self.cpus} | ({"GPU": self.gpus} if self.gpus else {})
        trainer = _Trainer(
            _train_as_worker,
            train_loop_config={"job": self.job, "number": number, "params": params},
            scaling_config=ScalingConfig(
                num_workers=self.workers, use_gpu=self.gpus > 0, resources_per_worker=each
            ),
            run_config=RunConfig(
                name="group",
                storage_path=ray.tune.get_context().get_trial_dir(),  # on this machine
                failure_config=FailureConfig(max_failures=0),  # Tune tries the trial again
                callbacks=[TuneReportCallback()],
            ),
        )
        try:
            trainer.fit()
        except ray.train.WorkerGroupError as error:
            raise cause(error.worker_failures.values()) from error


class _Trainer(TorchTrainer):
    """TorchTrainer without its own watch over the placement group.

    That asks the dashboard whether the trainer lives. Where there is none it never learns of a
    stopped trial, and stays, a process each, with the group's CPUs held for ever. Whoever runs
    the trials gives them back instead (`study.groups`).
    """

    def _create_default_callbacks(self) -> list[Any]:
        callbacks = super()._create_default_callbacks()
        return [one for one in callbacks if not isinstance(one, PlacementGroupCleanerCallback)]


def _train_as_worker(options: dict[str, Any]) -> None:
    """What each worker runs: the common job, as one of a group."""
    context = ray.train.get_context()
    workers = Workers(
        rank=context.get_world_rank(),
        count=context.get_world_size(),
        wrap=_together,
        sum=_sum_over_workers,
        device=ray.train.torch.get_device(),
    )
    job: GroupTrained = ray.get(options["job"])
    try:
        job(options["number"], options["params"], ray.train.report, workers)
    except RuntimeError as error:
        if _of_a_collective(error):
            time.sleep(OTHERS_SECONDS)  # cut short by Ray Train, as soon as it knows of the other
        raise


def cause(failures: Iterable[Exception]) -> Exception:
    """What a group broke off with, of what its workers failed with, by rank.

    Workers that are left fail in their next collective, often before the one that died is missed:
    that is told only where nothing else is.
    """
    # What the workers themselves raised, or how their processes ended.
    errors = [getattr(f, "_base_exc", getattr(f, "health_check_failure", f)) for f in failures]
    return min(errors, key=_consequence)


def _consequence(error: Exception) -> int:
    if isinstance(error, StorageError):
        return 0
    if isinstance(error, ray.exceptions.RayActorError):
        return 1
    return 3 if _of_a_collective(error) else 2


def _of_a_collective(error: Exception) -> bool:
    """Whether it says that a message between the workers failed; Gloo's has no class of its own."""
    return isinstance(error, torch.distributed.DistError) or (
        isinstance(error, RuntimeError) and "gloo/transport" in str(error)
    )


def _together(model: nn.Module) -> nn.Module:
    """Average gradients, and share the statistics of batch-norm."""
    shared = share_batch_norm(model, ray.train.torch.get_device())
    return ray.train.torch.prepare_model(shared)


def _sum_over_workers(value: Tensor) -> Tensor:
    total = value.clone()
    torch.distributed.all_reduce(total)
    return total
