"""One trial trained by several workers: Ray Train's TorchTrainer inside a Tune trial.

The only module here that imports Ray. The workers run the same loop as a solo training;
what is theirs is how gradients are averaged and sums are added (`Workers`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ray
import ray.train
import ray.train.torch
import torch
import torch.distributed
from ray.train import FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer
from ray.tune.integration.ray_train import TuneReportCallback
from torch import Tensor

from trainables.checkpoint import CheckpointStore
from trainables.config import TrainConfig
from trainables.jobs import trial_folder
from trainables.loop import train
from trainables.reporting import Report
from trainables.storage import Folder
from trainables.workers import Workers

RETRIES = 2  # of the worker group, which goes on from the last epoch


@dataclass(frozen=True)
class GroupJob:
    """Trains one trial on `workers` processes with `cpus` and `gpus` each.

    dataset: reference to a `Dataset` in Ray's object store, mapped by every worker of a
    node. fixed, checkpoints: as for `trainables.jobs.TrainingJob`.
    """

    dataset: ray.ObjectRef
    fixed: dict[str, Any]
    checkpoints: Folder
    workers: int
    cpus: float
    gpus: float

    def __call__(self, number: int, params: dict[str, Any], report: Report) -> None:
        """Train trial `number`; rank 0's records reach Tune through Ray Train's callback."""
        folder = trial_folder(self.checkpoints, number)
        trainer = TorchTrainer(
            _train_as_worker,
            train_loop_config={
                "dataset": self.dataset,
                "config": {**self.fixed, **params},
                "folder": folder,
                "threads": max(1, int(self.cpus)),
            },
            scaling_config=ScalingConfig(
                num_workers=self.workers,
                use_gpu=self.gpus > 0,
                resources_per_worker={
                    "CPU": self.cpus,
                    **({"GPU": self.gpus} if self.gpus else {}),
                },
            ),
            run_config=RunConfig(
                name="group",
                storage_path=str(folder),
                failure_config=FailureConfig(max_failures=RETRIES),
                callbacks=[TuneReportCallback()],
            ),
        )
        trainer.fit()


def _train_as_worker(options: dict[str, Any]) -> None:
    """What each worker runs: the common loop, as one of a group."""
    torch.set_num_threads(options["threads"])
    context = ray.train.get_context()
    workers = Workers(
        rank=context.get_world_rank(),
        count=context.get_world_size(),
        wrap=ray.train.torch.prepare_model,
        sum=_sum_over_workers,
        device=ray.train.torch.get_device(),
    )
    train(
        TrainConfig.from_dict(options["config"]),
        ray.get(options["dataset"]),
        ray.train.report,
        store=CheckpointStore(options["folder"]),
        workers=workers,
    )


def _sum_over_workers(value: Tensor) -> Tensor:
    total = value.clone()
    torch.distributed.all_reduce(total)
    return total
