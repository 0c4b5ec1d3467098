"""The searcher of an experiment: hands out a fixed list, and keeps the journal."""

from __future__ import annotations

from typing import Any

from ray.tune.search import Searcher

from study.journal import Journal, outcome
from study.metrics import Metric


class CellQueue(Searcher):
    """Hands out the planned trials that have no result yet, in order of their numbers.

    A failed trial has none, so the same command tries it again.
    """

    def __init__(self, trials: dict[int, dict[str, Any]], journal: Journal, metric: Metric):
        super().__init__(metric=metric.name, mode=metric.direction)
        self._journal = journal
        done = {number for number, state in journal.ended().items() if state != "failed"}
        self._waiting = [(n, params) for n, params in sorted(trials.items()) if n not in done]
        self._open: dict[str, int] = {}

    def remaining(self) -> int:
        """Trials still to hand out."""
        return len(self._waiting)

    def suggest(self, trial_id: str) -> dict[str, Any] | str:
        """The next trial: {"trial": number, "params": {...}}, or FINISHED."""
        if not self._waiting:
            return str(Searcher.FINISHED)
        number, params = self._waiting.pop(0)
        self._open[trial_id] = number
        self._journal.start(number, params)
        return {"trial": number, "params": params}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """An epoch, into the journal."""
        self._journal.epoch(self._open[trial_id], result)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """The end of a trial, into the journal."""
        if trial_id not in self._open:
            return
        if result and not error:
            self.on_trial_result(trial_id, result)
        self._journal.end(self._open.pop(trial_id), "failed" if error else outcome(result))

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save: the journal holds all of it."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore, see `save`."""

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its searcher to restore experiments; this one is made from disk."""
        return {}
