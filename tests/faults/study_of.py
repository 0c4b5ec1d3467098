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
from typing import TYPE_CHECKING, Any

from study import exits, orchestrate
from study.run import main
from study.slots import Slots
from trainables.jobs import ClosedFormJob, TrainingJob
from trainables.reporting import Record, Report
from trainables.storage import Folder

if TYPE_CHECKING:
    from trainables.workers import Workers

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
def logged(log: Path, number: int, pause: float) -> Iterator[None]:
    """Trainings of this process save every epoch, take their time, and say what they train.

    A line "process trial epoch" in `log` for every epoch that is begun; then `pause` seconds.
    """
    from trainables import loop
    from trainables.training import Training

    class Logging(Training):
        def run_epoch(self) -> None:
            with open(log, "a") as file:
                file.write(f"{os.getpid()} {number} {len(self.history) + 1}\n")
            time.sleep(pause)
            super().run_epoch()

    loop.SAVE_EVERY_SECONDS = 0.0
    loop.Training = Logging  # type: ignore[misc]
    try:
        yield
    finally:
        loop.Training = Training  # type: ignore[misc]


@dataclass(frozen=True)
class Watched:
    """A training that can be watched, of one process or as one of a group."""

    job: TrainingJob
    pause: float = 0.5

    @property
    def checkpoints(self) -> Folder:
        """The folder that holds one folder a trial."""
        return self.job.checkpoints

    def __call__(
        self, number: int, params: dict[str, Any], report: Report, workers: Workers | None = None
    ) -> None:
        """Train, see `logged`."""
        with logged(Path(str(self.checkpoints)).parent / LOG, number, self.pause):
            self.job(number, params, report, workers)


def slow(*_: Any) -> ClosedFormJob:
    """Curves in closed form at half a second an epoch."""
    return ClosedFormJob(0.5)


def faulty(*_: Any) -> Faulty:
    """See `Faulty`."""
    return Faulty()


def watched(dataset: Any, fixed: dict[str, Any], checkpoints: Folder, slots: Slots, *_: Any) -> Any:
    """See `Watched`; by a group where the study has several workers a trial."""
    return orchestrate._on(slots, Watched(TrainingJob(dataset, fixed, checkpoints, threads=1)))


def fast(dataset: Any, fixed: dict[str, Any], checkpoints: Folder, slots: Slots, *_: Any) -> Any:
    """As `watched`, without pauses: what dies, dies within a step."""
    return orchestrate._on(slots, Watched(TrainingJob(dataset, fixed, checkpoints, threads=1), 0))


def lasting(dataset: Any, fixed: dict[str, Any], checkpoints: Folder, slots: Slots, *_: Any) -> Any:
    """As `watched`, with epochs of four seconds."""
    return orchestrate._on(slots, Watched(TrainingJob(dataset, fixed, checkpoints, threads=1), 4))


JOBS: dict[str, Callable[..., Any]] = {
    "slow": slow,
    "faulty": faulty,
    "watched": watched,
    "fast": fast,
    "lasting": lasting,
}

if __name__ == "__main__":
    # Imported anew, so that workers find the job's class in a module and not in __main__.
    from tests.faults import study_of

    orchestrate.training_job = study_of.JOBS[sys.argv.pop(1)]
    exits.start(main, "study.run")
