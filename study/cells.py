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
        self._open: dict[str, tuple[int, dict[str, Any]]] = {}

    def remaining(self) -> int:
        """Trials still to hand out."""
        return len(self._waiting)

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """The next trial: {"trial": number, "params": {...}}, or FINISHED.

        None while there is nothing but trials that are running, and may have to be retried.
        """
        if not self._waiting:
            return None if self._open else str(Searcher.FINISHED)
        self._open[trial_id] = number, params = self._waiting.pop(0)
        self._journal.start(number, params)
        return {"trial": number, "params": params}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """An epoch, into the journal."""
        self._journal.epoch(self._open[trial_id][0], result)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """The end of a trial, into the journal; of one that broke off, see `fail`."""
        if error or trial_id not in self._open:
            return
        if result:
            self.on_trial_result(trial_id, result)
        self._journal.end(self._open.pop(trial_id)[0], outcome(result))

    def retry(self, trial_id: str) -> None:
        """Hand a trial that broke off out once more, before any other."""
        self._waiting.insert(0, self._open.pop(trial_id))

    def fail(self, trial_id: str) -> None:
        """A trial that broke off is not tried again in this session."""
        self._journal.end(self._open.pop(trial_id)[0], "failed")

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save: the journal holds all of it."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore, see `save`."""

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its searcher to restore experiments; this one is made from disk."""
        return {}
