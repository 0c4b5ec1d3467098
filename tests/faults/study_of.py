"""`study.run` whose trials are at fault, or can be watched while faults happen around them.

    python -m tests.faults.study_of JOB --space tiny_aug ...

JOB is one of JOBS; everything else is as in a study of the user's.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from study import exits, orchestrate
from study.run import main
from trainables.jobs import ClosedFormJob, TrainingJob
from trainables.reporting import Record, Report

LOG = "trained.log"


@dataclass(frozen=True)
class Faulty:
    """Curves in closed form; trials 1 and 2 never get beyond their second epoch."""

    def __call__(self, number: int, params: dict[str, Any], report: Report) -> None:
        """Report the curve of `params`, or the beginning of it."""

        def interrupted(record: Record) -> None:
            report(record)
            if record["epoch"] == 2 and number == 1:
                raise ValueError("no luck today")
            if record["epoch"] == 2 and number == 2:
                os.kill(os.getpid(), signal.SIGKILL)  # as of the kernel, for its memory

        ClosedFormJob()(number, params, interrupted)


@contextlib.contextmanager
def logged(log: Path, number: int) -> Iterator[None]:
    """Trainings of this process save every epoch, take their time, and say what they train.

    A line "process trial epoch" in `log` for every epoch that is begun.
    """
    from trainables import loop
    from trainables.training import Training

    class Logging(Training):
        def run_epoch(self) -> None:
            with open(log, "a") as file:
                file.write(f"{os.getpid()} {number} {len(self.history) + 1}\n")
            time.sleep(0.5)
            super().run_epoch()

    loop.SAVE_EVERY_SECONDS = 0.0
    loop.Training = Logging  # type: ignore[misc]
    try:
        yield
    finally:
        loop.Training = Training  # type: ignore[misc]


@dataclass(frozen=True)
class Watched:
    """A training of one process that can be watched."""

    job: TrainingJob

    def __call__(self, number: int, params: dict[str, Any], report: Report) -> None:
        """Train, see `logged`."""
        with logged(self.job.checkpoints.parent / LOG, number):
            self.job(number, params, report)


@dataclass(frozen=True)
class WatchedGroup:
    """A training of a group of processes, each of which can be watched."""

    job: Any

    def __call__(self, number: int, params: dict[str, Any], report: Report) -> None:
        """Train, see `logged`."""
        from trainables import ray_train

        ray_train._train_as_worker = watched_worker
        self.job(number, params, report)


def watched_worker(options: dict[str, Any]) -> None:
    """What each worker of the group runs."""
    from trainables import ray_train

    folder = Path(options["folder"])
    with logged(folder.parents[1] / LOG, int(folder.name.removeprefix("trial-"))):
        ray_train._train_as_worker(options)


def slow(*_: Any) -> ClosedFormJob:
    """Curves in closed form at half a second an epoch."""
    return ClosedFormJob(0.5)


def faulty(*_: Any) -> Faulty:
    """See `Faulty`."""
    return Faulty()


def watched(dataset: Any, fixed: dict[str, Any], checkpoints: Path, slots: Any) -> Watched:
    """See `Watched`."""
    return Watched(TrainingJob(dataset, fixed, checkpoints.resolve(), threads=1))


def group(*where: Any) -> WatchedGroup:
    """See `WatchedGroup`."""
    return WatchedGroup(original_job(*where))


original_job = orchestrate.training_job
JOBS: dict[str, Callable[..., Any]] = {
    "slow": slow,
    "faulty": faulty,
    "watched": watched,
    "group": group,
}

if __name__ == "__main__":
    # Imported anew, so that workers find the job's class in a module and not in __main__.
    from tests.faults import study_of

    orchestrate.training_job = study_of.JOBS[sys.argv.pop(1)]
    exits.start(main, "study.run")
