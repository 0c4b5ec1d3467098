"""Domains -> Optuna: the study on disk and the searcher that Ray Tune asks.

The only module that imports optuna.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import optuna
from optuna.exceptions import StorageInternalError
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import Trial, TrialState
from ray.tune.search import Searcher
from ray.tune.search.optuna import OptunaSearch

from study.domains import Choice, Domain, Fixed, Float
from study.journal import Journal, outcome
from study.metrics import Metric
from study.plan import SearchSpec, searched_space
from study.records import OPTUNA_DB
from trainables.errors import FAILED, UserError
from trainables.seeding import stream_seed

T = TypeVar("T")

DIRECTIONS = {"max": "maximize", "min": "minimize"}

# Diverged is told as PRUNED because the sampler learns from pruned trials and ignores
# failed ones: it should keep away from where training breaks down.
STATES = {
    "completed": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "diverged": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}


def open_study(run: Path, name: str, metric: Metric) -> optuna.Study:
    """Open or create the run's study in its own SQLite file, called by the run id.

    Raises UserError naming the file where it is damaged or of an unknown version.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    logging.getLogger("optuna").propagate = False
    path = run / OPTUNA_DB
    try:
        return optuna.create_study(
            storage=f"sqlite:///{path}",
            study_name=name,
            direction=DIRECTIONS[metric.direction],
            load_if_exists=True,
        )
    except Exception as error:  # SQLAlchemy, alembic and Optuna each raise their own
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{path} is damaged ({reason}); move it away and run the same command again: "
            "finished trials are read back from the journal",
            FAILED,
        ) from None


class StudySearch(OptunaSearch):
    """Ray's OptunaSearch with what this project needs done otherwise.

    - A trial that the scheduler stopped is told PRUNED, not COMPLETE with the value of
      its short budget, which would teach the sampler that slow starters are bad.
    - A diverged trial is told PRUNED; as shipped, a NaN leaves it RUNNING for ever.
    - Trials left RUNNING by a killed session are handed out again, under their numbers.
    - The sampler is seeded by (seed, trial number), so what is asked next depends on the
      history and not on how often the search was interrupted.
    - Every event goes to the journal before it goes to Optuna, so the journal is never
      behind and can make a lost study anew.
    """

    def __init__(self, study: optuna.Study, spec: SearchSpec, metric: Metric, journal: Journal):
        super().__init__(metric=metric.name, mode=metric.direction)
        self._ot_study = study
        self._spec = spec
        self._domains = searched_space(spec).dimensions
        self._journal = journal
        self._resumed: list[Trial] = []
        self._open: dict[str, Trial] = {}
        self._reconcile()
        waiting = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
        self._asked = len(study.get_trials(deepcopy=False)) - len(waiting)

    def remaining(self) -> int:
        """Trials still to hand out: those to finish and those not yet asked for."""
        return len(self._resumed) + max(0, self._spec.trials - self._asked)

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """The next trial: {"trial": number, "params": {...}}, or FINISHED.

        None while there is nothing but trials that are running, and may have to be retried.
        """
        if not self.remaining():
            return None if self._open else str(Searcher.FINISHED)
        if self._resumed:
            trial = self._resumed.pop(0)
        else:
            trial = self._patiently(self._ot_study.ask)
            self._asked += 1
        self._ot_study.sampler = make_sampler(self._spec, trial.number)
        params = self._patiently(
            lambda: {name: _suggest(trial, name, d) for name, d in self._domains.items()}
        )
        self._open[trial_id] = trial
        self._journal.start(trial.number, params)
        return {"trial": trial.number, "params": params}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """An epoch: into the journal, then as an intermediate value to Optuna.

        Optuna is not told twice, nor of a value that is not finite: its database and
        its sampler take neither.
        """
        trial = self._open[trial_id]
        is_new = self._journal.epoch(trial.number, result)
        if is_new and math.isfinite(result[self.metric]):
            self._patiently(lambda: trial.report(result[self.metric], result["epoch"]))

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """The end of a trial: into the journal, then to Optuna as what it was.

        One that broke off has not ended yet: `retry` or `fail` follows.
        """
        if error or trial_id not in self._open:
            return
        if result:
            self.on_trial_result(trial_id, result)  # Tune leaves out the one it stops at
        self._end(self._open.pop(trial_id).number, outcome(result), result)

    def retry(self, trial_id: str) -> None:
        """Hand a trial that broke off out once more, before any other."""
        self._resumed.insert(0, self._open.pop(trial_id))

    def fail(self, trial_id: str) -> None:
        """A trial that broke off is not tried again."""
        self._end(self._open.pop(trial_id).number, "failed", None)

    def _end(self, number: int, state: str, record: dict[str, Any] | None) -> None:
        self._journal.end(number, state)
        self._tell(number, state, record)

    def _tell(self, number: int, state: str, record: dict[str, Any] | None) -> None:
        value = record[self.metric] if record and state == "completed" else None
        self._patiently(lambda: self._ot_study.tell(number, value, state=STATES[state]))

    def _patiently(self, action: Callable[[], T]) -> T:
        """What `action` returns, which writes the database, see `Journal.patiently`."""

        def attempt() -> T:
            try:
                return action()
            except StorageInternalError as error:  # it does not say which fault it came of
                raise OSError(str(error.__cause__ or error).splitlines()[0]) from error

        return self._journal.patiently(attempt)

    def _reconcile(self) -> None:
        """Bring study and journal together after a session that may have been killed."""
        study = self._ot_study
        frozen = study.get_trials(deepcopy=False)
        ended, configs = self._journal.ended(), self._journal.configs()
        for number in sorted(set(configs) - {trial.number for trial in frozen}):
            self._add_lost(number, configs[number], ended.get(number))
        if not study.get_trials(deepcopy=False):
            study.enqueue_trial({name: d.default for name, d in self._domains.items()})
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            epochs = self._journal.epochs_of(trial.number)
            if trial.number in ended:
                self._tell(trial.number, ended[trial.number], epochs[-1] if epochs else None)
            else:
                self._resumed.append(Trial(study, trial._trial_id))

    def _add_lost(self, number: int, config: dict[str, Any], state: str | None) -> None:
        """Make a trial anew that the journal knows and the database lost."""
        epochs = self._journal.epochs_of(number)
        values = {
            line["epoch"]: line[self.metric] for line in epochs if math.isfinite(line[self.metric])
        }
        self._ot_study.add_trial(
            optuna.trial.create_trial(
                state=STATES[state] if state else TrialState.RUNNING,
                value=epochs[-1][self.metric] if state == "completed" else None,
                params=config,
                distributions={name: _distribution(d) for name, d in self._domains.items()},
                intermediate_values=values,
            )
        )

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save: the study's database and the journal hold all of it."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore, see `save`."""

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its searcher to restore experiments; this one is made from disk."""
        return {}


def make_sampler(spec: SearchSpec, number: int) -> BaseSampler:
    """The sampler for one trial, its random numbers a function of (seed, number).

    TPE: Bergstra et al. 2011, multivariate as in Falkner et al. 2018. A quarter of the
    trials (4 to 10) explore at random first. Running trials count as bad ones
    ("constant liar"), so that slots working at once do not try the same thing.
    """
    seed = stream_seed(spec.seed, "sampler", number) % 2**32
    if spec.sampler == "random":
        return RandomSampler(seed=seed)
    startup = min(10, max(4, spec.trials // 4))
    return TPESampler(seed=seed, n_startup_trials=startup, multivariate=True, constant_liar=True)


def _distribution(domain: Domain) -> optuna.distributions.BaseDistribution:
    if isinstance(domain, Choice):
        return optuna.distributions.CategoricalDistribution(domain.options)
    if isinstance(domain, Fixed):
        return optuna.distributions.CategoricalDistribution((domain.default,))
    if isinstance(domain, Float):
        return optuna.distributions.FloatDistribution(domain.low, domain.high, log=domain.log)
    return optuna.distributions.IntDistribution(domain.low, domain.high, log=domain.log)


def _suggest(trial: Trial, name: str, domain: Domain) -> Any:
    if isinstance(domain, Choice):
        return trial.suggest_categorical(name, domain.options)
    if isinstance(domain, Fixed):
        return domain.default
    if isinstance(domain, Float):
        return trial.suggest_float(name, domain.low, domain.high, log=domain.log)
    return trial.suggest_int(name, domain.low, domain.high, log=domain.log)
