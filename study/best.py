"""Keeps the best trial's weights and deletes the others': disk does not grow with trials."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from study.journal import Journal
from study.metrics import Metric, is_better
from study.records import BEST_WEIGHTS
from trainables.jobs import trial_folder

CHECKPOINTS = "checkpoints"
WEIGHTS = "weights.pt"


def best_trial(journal: Journal, metric: Metric) -> tuple[int, dict[str, Any]] | None:
    """(number, last record) of the best completed trial; the earlier one of equals.

    Pruned, diverged and failed trials are never the best: theirs is not the value of a
    finished schedule.
    """
    last = {line["trial"]: line for line in journal.lines if line["event"] == "epoch"}
    best: tuple[int, dict[str, Any]] | None = None
    for number, state in sorted(journal.ended().items()):
        if state != "completed" or number not in last:
            continue
        if best is None or is_better(metric, last[number][metric.name], best[1][metric.name]):
            best = number, last[number]
    return best


class BestKeeper:
    """Listens to the journal: moves a new best trial's weights to `best.pt`, drops the rest."""

    def __init__(self, journal: Journal, metric: Metric) -> None:
        self._run = journal.run
        self._metric = metric
        best = best_trial(journal, metric)
        self._best = best[1][metric.name] if best else float("nan")
        self._value: dict[int, float] = {}
        for number in journal.ended():
            self._drop(number)

    def __call__(self, event: dict[str, Any]) -> None:
        """Take in one journal event."""
        number = event["trial"]
        if event["event"] == "epoch":
            self._value[number] = event[self._metric.name]
        elif event["event"] == "end":
            value = self._value.pop(number, float("nan"))
            weights = self._folder(number) / WEIGHTS
            better = event["state"] == "completed" and is_better(self._metric, value, self._best)
            if better:
                self._best = value
                if weights.exists():
                    os.replace(weights, self._run / BEST_WEIGHTS)
            self._drop(number)

    def _folder(self, number: int) -> Path:
        return trial_folder(self._run / CHECKPOINTS, number)

    def _drop(self, number: int) -> None:
        shutil.rmtree(self._folder(number), ignore_errors=True)
