"""The run's Optuna study as a SQLite file, for optuna-dashboard and for whoever loads it.

It follows the journal and nothing here reads it, so a search waits for one transaction an event,
without the disk, and a damaged file is of no consequence: the next session that trains writes it
anew.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from typing import Any

import optuna
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import TrialState
from sqlalchemy import event as sqlalchemy_event

from study.distributions import distribution
from study.domains import Domain
from study.journal import Journal
from study.metrics import Metric
from study.records import OPTUNA_DB
from study.search import DIRECTIONS, STATES, recorded_trials, silence


class Database:
    """Listens to the journal and keeps `optuna.db` level with it, trial by trial.

    The file is made at the first epoch, or end: until then trials wait for their processes, and
    the half second that SQLAlchemy takes would be theirs.
    """

    def __init__(
        self, name: str, domains: dict[str, Domain], metric: Metric, journal: Journal
    ) -> None:
        self._metric, self._journal, self._domains = metric, journal, domains
        self._ids: dict[int, int] = {}
        self._name = name
        self._storage: RDBStorage | None = None
        self._broken = False
        self._path = journal.run / OPTUNA_DB
        silence()

    def __call__(self, event: dict[str, Any]) -> None:
        """Take in one journal event."""
        if self._broken:
            return
        if storage := self._storage:
            self._attempt(lambda: self._follow(storage, event))
        elif event["event"] in ("epoch", "end"):
            self.write_anew()  # of the journal, which has this event

    def write_anew(self) -> None:
        """Make the file of what the journal has."""
        self._attempt(self._write)

    def _attempt(self, action: Callable[[], None]) -> None:
        """The journal has everything: a file that cannot be written is said, and taken away.

        Where there is none, the next command makes one, also of a run that is complete.
        """
        try:
            action()
        except Exception as error:  # SQLAlchemy, alembic and Optuna each raise their own
            self._broken = True
            reason = str(error).splitlines()[0][:100]
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
            self._journal.say(
                f"{OPTUNA_DB} cannot be written ({reason}); the same command makes it anew"
            )

    def _write(self) -> None:
        self._path.unlink(missing_ok=True)
        storage = RDBStorage(f"sqlite:///{self._path}")
        # What a crash of the machine might cost is in the journal.
        sqlalchemy_event.listen(
            storage.engine, "connect", lambda one, _: one.execute("PRAGMA synchronous=OFF")
        )
        storage.engine.dispose()
        direction = StudyDirection[DIRECTIONS[self._metric.direction].upper()]
        self._study = storage.create_new_study([direction], self._name)
        trials = recorded_trials(self._journal, self._domains, self._metric)
        for number, trial in enumerate(trials):
            self._ids[number] = storage.create_new_trial(self._study, trial)
        self._storage = storage

    def _follow(self, storage: RDBStorage, event: dict[str, Any]) -> None:
        number = event["trial"]
        if event["event"] == "start" and number not in self._ids:
            trial = optuna.trial.create_trial(
                state=TrialState.RUNNING,
                params=event["config"],
                distributions={n: distribution(d) for n, d in self._domains.items()},
            )
            self._ids[number] = storage.create_new_trial(self._study, trial)
        elif event["event"] == "epoch" and math.isfinite(event[self._metric.name]):
            storage.set_trial_intermediate_value(
                self._ids[number], event["epoch"], event[self._metric.name]
            )
        elif event["event"] == "end":
            values = None
            if event["state"] == "completed":
                values = [self._journal.epochs_of(number)[-1][self._metric.name]]
            storage.set_trial_state_values(self._ids[number], STATES[event["state"]], values)
