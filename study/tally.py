"""What has happened in a run so far, counted from its journal's events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from study.metrics import Metric, is_better
from study.words import counted

Event = dict[str, Any]


class Tally:
    """Trials by state and epochs, of all sessions of a run; takes in one event at a time.

    metric: what trials are compared by. ranked: whether there is a best trial, as in a search; an
    experiment has none. configs, last, ended: a trial's configuration, last epoch and state, by
    its number. running: the trials that train now. epochs: of all trials; epochs_of_finished: of
    those that have ended.
    """

    def __init__(self, metric: Metric, *, ranked: bool) -> None:
        self._metric, self._ranked = metric, ranked
        self.states: Counter[str] = Counter()
        self.configs: dict[int, dict[str, Any]] = {}
        self.last: dict[int, Event] = {}
        self.ended: dict[int, str] = {}
        self.running: dict[int, None] = {}
        self.best: int | None = None
        self.epochs = self.epochs_of_finished = 0

    @property
    def finished(self) -> int:
        """How many trials have ended."""
        return self.states.total()

    def count(self, event: Event) -> None:
        """Take in an event of the journal."""
        if event["event"] == "start":
            self._begin(event["trial"], event)
        elif event["event"] == "epoch":
            self.last[event["trial"]] = event
            self.epochs += 1
        elif event["event"] == "end":
            self._end(event["trial"], event["state"])

    def counts(self) -> list[str]:
        """ "2 completed", "1 pruned", by name."""
        return _counts(self.states)

    def kept(self, trials: int) -> str:
        """What the next session need not do again, of so many trials; "" where that is nothing."""
        states = self.states.copy()
        if not self._ranked:
            del states["failed"]  # an experiment tries these again
        if states.total():
            return f"{states.total()} of {counted(trials, 'trial')}: {', '.join(_counts(states))}"
        return begun(line for n, line in self.last.items() if n not in self.ended)

    def _begin(self, number: int, event: Event) -> None:
        self.configs[number] = event["config"]
        if not event.get("waits"):
            self.running[number] = None
        if number in self.ended:  # a failed one, tried again
            self.states[self.ended.pop(number)] -= 1
            self.epochs_of_finished -= self._epochs_of(number)

    def _end(self, number: int, state: str) -> None:
        self.running.pop(number, None)
        if number in self.ended:  # in an earlier session, failed first
            self.states[self.ended[number]] -= 1
        self.ended[number] = state
        self.states[state] += 1
        self.epochs_of_finished += self._epochs_of(number)
        if self._ranked and state == "completed" and self._beats_best(number):
            self.best = number

    def _epochs_of(self, number: int) -> int:
        epochs: int = self.last.get(number, {}).get("epoch", 0)
        return epochs

    def _beats_best(self, number: int) -> bool:
        name = self._metric.name
        best = float("nan") if self.best is None else self.last[self.best][name]
        return is_better(self._metric, self.last[number][name], best)


def begun(events: Iterable[Event]) -> str:
    """ "3 epochs of 2 trials, none of which has ended", by these events; "" without an epoch.

    What has ended has failed, where this is asked: it begins anew.
    """
    last: dict[int, int] = {}
    for event in events:
        if event["event"] == "epoch":
            last[event["trial"]] = event["epoch"]
        elif event["event"] == "end":
            last.pop(event["trial"], None)
    if not last:
        return ""
    trials = counted(len(last), "trial, which has not", "trials, none of which has")
    return f"{counted(sum(last.values()), 'epoch')} of {trials} ended"


def _counts(states: Counter[str]) -> list[str]:
    return [f"{count} {state}" for state, count in sorted(states.items()) if count]
