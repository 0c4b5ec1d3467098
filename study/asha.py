"""When a search stops a trial early."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import ASHAScheduler, FIFOScheduler, TrialScheduler

from study.journal import Journal
from study.metrics import Metric
from trainables.reporting import Record

# ASHA compares trials at these shares of their own schedules, in percent. Comparing at
# equal epochs instead would set a short, nearly annealed schedule against the beginning
# of a long one, and stop exactly the slow starters that this project is about.
FIRST_RUNG = 25
REDUCTION_FACTOR = 2


def asha(metric: Metric, journal: Journal) -> TrialScheduler:
    """ASHA (Li et al. 2020) on shares of each trial's own schedule, aware of the past.

    Trials of earlier sessions are played back from the journal, so an interrupted
    search stops the same trials as an uncut one.
    """
    scheduler = _ByNumber(
        time_attr="progress",
        metric=metric.name,
        mode=metric.direction,
        grace_period=FIRST_RUNG,
        reduction_factor=REDUCTION_FACTOR,
        max_t=101,  # above 100 percent: a trial's own end is never an early stop
    )
    for number in journal.ended():
        ghost = SimpleNamespace(config={"trial": number})
        scheduler.on_trial_add(None, ghost)
        for record in journal.epochs_of(number):
            scheduler.on_trial_result(None, ghost, record)
    return scheduler


class _ByNumber(ASHAScheduler):
    """ASHA that knows trials by their numbers, so that one tried again is counted once.

    Trial 0 is let finish: the defaults are what the best trial is compared with.
    """

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        super().on_trial_add(tune_controller, _numbered(trial))

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: Record) -> str:
        if not math.isfinite(result[self.metric]):  # it ends by itself, and is no rung's measure
            return str(TrialScheduler.CONTINUE)
        decision = super().on_trial_result(tune_controller, _numbered(trial), result)
        return str(TrialScheduler.CONTINUE if trial.config["trial"] == 0 else decision)

    def on_trial_complete(self, tune_controller: Any, trial: Trial, result: Record) -> None:
        super().on_trial_complete(tune_controller, _numbered(trial), result)

    def on_trial_remove(self, tune_controller: Any, trial: Trial) -> None:
        super().on_trial_remove(tune_controller, _numbered(trial))


def _numbered(trial: Trial) -> SimpleNamespace:
    """A trial as far as ASHA looks at it."""
    return SimpleNamespace(trial_id=str(trial.config["trial"]))


def no_early_stopping() -> TrialScheduler:
    """Every trial runs to the end of its schedule."""
    return FIFOScheduler()
