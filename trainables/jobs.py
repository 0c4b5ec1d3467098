"""The jobs that a study hands to Ray: picklable values that train one trial when called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trainables.closed_form import closed_form
from trainables.config import TrainConfig
from trainables.plugins import Plugin, install
from trainables.reporting import Report
from trainables.storage import Folder

if TYPE_CHECKING:
    from trainables.data.base import Dataset
    from trainables.loop import Finish
    from trainables.workers import Workers

WEIGHTS = "weights.pt"  # of a training that has ended, beside its state


@dataclass(frozen=True)
class TrainingJob:
    """Trains one model on a data set that every trial of a node shares.

    fixed: the options of `TrainConfig` that no trial varies. checkpoints: the folder
    that holds one folder a trial. threads: CPU threads of one training. gpus: what a
    training may use; without any it stays on the CPU, whatever the machine has. plugins:
    what may have registered the model.
    """

    dataset: Dataset
    fixed: dict[str, Any]
    checkpoints: Folder
    threads: int
    gpus: float = 0.0
    plugins: tuple[Plugin, ...] = ()

    def __call__(
        self, number: int, params: dict[str, Any], report: Report, workers: Workers | None = None
    ) -> None:
        """Train trial `number` with `params`; goes on where an earlier attempt stopped.

        workers: the group that this process trains it with (None: alone).
        """
        self.train(number, params, report, workers)

    def train(
        self,
        number: int,
        params: dict[str, Any],
        report: Report,
        workers: Workers | None = None,
        finish: Finish | None = None,
    ) -> None:
        """The same, with what `trainables.loop.train` is to call at the training's end."""
        import torch

        from trainables.checkpoint import CheckpointStore
        from trainables.loop import train

        install(self.plugins)
        torch.set_num_threads(self.threads)
        config = TrainConfig.from_dict({**self.fixed, **params})
        store = CheckpointStore(trial_folder(self.checkpoints, number))
        workers = workers or alone(self.gpus)
        train(config, self.dataset, report, store=store, workers=workers, finish=finish)


def alone(gpus: float) -> Workers:
    """The group of one, on a GPU only where it was given (a part of) one."""
    import torch

    from trainables.device import pick_device
    from trainables.workers import Workers

    return Workers(device=pick_device() if gpus else torch.device("cpu"))


@dataclass(frozen=True)
class ClosedFormJob:
    """Trains nothing: reports a closed-form curve, for tests and benchmarks of the study."""

    seconds_per_epoch: float = 0.0

    def __call__(self, number: int, params: dict[str, Any], report: Report) -> None:
        """Report the curve of `params`."""
        closed_form(params, report, self.seconds_per_epoch)


def trial_folder(checkpoints: Folder, number: int) -> Folder:
    """Where trial `number` keeps its state and weights."""
    return checkpoints / f"trial-{number:05d}"
