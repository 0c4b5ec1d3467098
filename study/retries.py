"""What becomes of trials that broke off."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Protocol

import ray
from ray import tune
from ray.tune.experiment import Trial

from study.journal import Journal
from trainables.patience import StorageError

RETRIES = 2  # of a trial that raises or whose process dies; each goes on from its last state
# How often a trial may lose its node besides: it is not the trial's fault, but a training that
# fells every node it is given must end too.
LOST_NODES = 10
LOST = "lost its node"
PROCESS_DIED = "killed, out of memory, or crashed (ray.log has what Ray knows)"
# What Ray says of an exception that cannot be made here from what it was pickled to.
UNREADABLE = "Failed to deserialize exception"
ATTEMPTS = 1 + RETRIES + LOST_NODES


class Source(Protocol):
    """The searcher, as far as broken-off trials go: they are still its own, until it is told."""

    def retry(self, trial_id: str) -> None:
        """Hand the trial out once more, before any other, under the same number."""

    def fail(self, trial_id: str) -> None:
        """The trial failed for good."""


class Retries(tune.Callback):
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
        """Hand the trial out again, or fail it; storage that is gone ends the whole run."""
        number, error = trial.config["trial"], _error_of(trial)
        if isinstance(error, StorageError):
            self._journal.fail(error)
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
        text = Path(trial.error_file).read_text()
        *_, last = text.strip().splitlines()
        if UNREADABLE in text:
            return Exception(last)
        raise RuntimeError(last)
    with open(trial.pickled_error_file, "rb") as file:
        error: Exception = ray.cloudpickle.load(file)
    return error.cause if isinstance(error, ray.exceptions.RayTaskError) else error


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
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
