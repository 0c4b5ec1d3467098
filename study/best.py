"""Keeps the best trial's weights and deletes the others': disk does not grow with trials."""

from __future__ import annotations

import math
from typing import Any

from study.journal import Journal
from study.metrics import Metric, is_better
from study.place import Place
from study.records import BEST_WEIGHTS, CHECKPOINTS
from trainables.jobs import WEIGHTS, trial_folder
from trainables.patience import patiently


def finished_values(journal: Journal, metric: Metric) -> dict[int, float]:
    """The metric at the end of every completed trial, by number.

    Pruned, diverged and failed trials have none: theirs is not the value of a finished
    schedule.
    """
    last = {line["trial"]: line for line in journal.lines if line["event"] == "epoch"}
    return {
        number: last[number].get(metric.name, math.nan)
        for number, state in sorted(journal.ended().items())
        if state == "completed" and number in last
    }


def best_trial(journal: Journal, metric: Metric) -> int | None:
    """Number of the best completed trial, the earlier one of equals; None without any."""
    best: int | None = None
    values = finished_values(journal, metric)
    for number, value in values.items():
        if is_better(metric, value, math.nan if best is None else values[best]):
            best = number
    return best


class CheckpointCleaner:
    """Listens to the journal: deletes what an ended trial would have resumed from."""

    def __init__(self, journal: Journal, place: Place) -> None:
        self._place = place
        checkpoints = place.shared / CHECKPOINTS
        there = patiently(checkpoints.folders, checkpoints, checkpoints.patience, journal.say)
        for number in journal.ended():
            if trial_folder(checkpoints, number) in there:  # of most trials nothing is left
                self._drop(number)

    def __call__(self, event: dict[str, Any]) -> None:
        """Take in one journal event."""
        if event["event"] == "end":
            self._drop(event["trial"])

    def _drop(self, number: int) -> None:
        folder = trial_folder(self._place.shared / CHECKPOINTS, number)
        self._place.once_recorded(folder.delete)


class BestKeeper:
    """Listens to the journal: moves a new best trial's weights to `best.pt`, drops the rest."""

    def __init__(self, journal: Journal, metric: Metric, place: Place) -> None:
        self._journal, self._metric, self._place = journal, metric, place
        values = finished_values(journal, metric)
        best = best_trial(journal, metric)
        self._best = math.nan if best is None else values[best]
        if best is not None:
            self._keep(best)  # a session killed between record and move left it to us
        self._clean = CheckpointCleaner(journal, place)

    def __call__(self, event: dict[str, Any]) -> None:
        """Take in one journal event."""
        if event["event"] == "end":
            if event["state"] == "completed":
                self._compare(event["trial"])
            self._clean(event)

    def _compare(self, number: int) -> None:
        # By the journal: a trial may have ended its epochs in an earlier session.
        value = self._journal.epochs_of(number)[-1][self._metric.name]
        if is_better(self._metric, value, self._best):
            self._best = value
            self._keep(number)

    def _keep(self, number: int) -> None:
        shared = self._place.shared
        folder = trial_folder(shared / CHECKPOINTS, number)
        self._place.once_recorded(lambda: folder.move(WEIGHTS, shared, BEST_WEIGHTS))
