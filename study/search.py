"""Domains -> Optuna: the searcher that Ray Tune asks."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator
from typing import Any

import optuna
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, Trial, TrialState
from ray.tune.search import Searcher
from ray.tune.search.optuna import OptunaSearch

from study.distributions import distribution
from study.domains import Choice, Domain, Float
from study.journal import Journal, outcome
from study.metrics import Metric
from study.plan import SearchSpec, searched_space
from trainables.seeding import stream_seed

DIRECTIONS = {"max": "maximize", "min": "minimize"}

# Diverged is told as PRUNED because the sampler learns from pruned trials and ignores
# failed ones: it should keep away from where training breaks down.
STATES = {
    "completed": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "diverged": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}


def silence() -> None:
    """Optuna tells of every study and trial on the terminal, which is the display's."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    logging.getLogger("optuna").propagate = False


def new_study(metric: Metric) -> optuna.Study:
    """An empty study in memory: what it must outlive is in the journal."""
    silence()
    return optuna.create_study(direction=DIRECTIONS[metric.direction])


class StudySearch(OptunaSearch):
    """Ray's OptunaSearch with what this project needs done otherwise.

    - A trial that the scheduler stopped is told PRUNED, not COMPLETE with the value of
      its short budget, which would teach the sampler that slow starters are bad.
    - A diverged trial is told PRUNED; as shipped, a NaN leaves it RUNNING for ever.
    - Trials that a killed session left open are handed out again, under their numbers.
    - The sampler is seeded by (seed, trial number), so what is asked next depends on the
      history and not on how often the search was interrupted.
    - The study is in memory and made from the journal, so neither can lag behind the other, and
      no trial waits for a database; `study.database` keeps one for optuna-dashboard.
    - The last trials, up to two a slot, are asked for together, and the longest schedule begins
      first: a slot that finds nothing more to do waits less for the others.
    """

    def __init__(self, spec: SearchSpec, metric: Metric, journal: Journal, slots: int = 1):
        super().__init__(metric=metric.name, mode=metric.direction)
        self._ot_study = study = new_study(metric)
        self._spec, self._slots = spec, slots
        space = searched_space(spec)
        self._domains = space.dimensions
        self._journal = journal
        study.add_trials(recorded_trials(journal, self._domains, metric))
        self._asked = len(study.trials)
        if not self._asked:
            study.enqueue_trial(space.defaults())
        open_trials = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        self._waiting = self._longest_first(Trial(study, one._trial_id) for one in open_trials)
        self._open: dict[str, Trial] = {}

    def remaining(self) -> int:
        """Trials still to hand out: those that were asked for, and those not yet."""
        return len(self._waiting) + max(0, self._spec.trials - self._asked)

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        """The next trial: {"trial": number, "params": {...}}, or FINISHED.

        None while there is nothing but trials that are running, and may have to be retried.
        """
        if not self.remaining():
            return None if self._open else str(Searcher.FINISHED)
        if not self._waiting:
            left = self._spec.trials - self._asked
            count = left if left <= self._tail() else 1
            self._waiting = self._longest_first(self._ask() for _ in range(count))
        trial = self._open[trial_id] = self._waiting.pop(0)
        params = self._params(trial)
        self._journal.start(trial.number, params)
        return {"trial": trial.number, "params": params}

    def _tail(self) -> int:
        """How many trials are asked for together at the end.

        Up to two a slot, but no more than a third of all (what they find out comes too late for
        each other), and at least one a slot. A slot alone waits for none.
        """
        most = 1 if self._slots == 1 else 2 * self._slots
        return max(self._slots, min(most, self._spec.trials // 3))

    def _ask(self) -> Trial:
        """The sampler's next trial, on record: one that waits is not to be lost, either."""
        trial = self._ot_study.ask()
        self._asked += 1
        self._ot_study.sampler = make_sampler(self._spec, trial.number)
        self._journal.start(trial.number, self._params(trial), waits=True)
        return trial

    def _longest_first(self, trials: Iterable[Trial]) -> list[Trial]:
        return sorted(trials, key=lambda trial: -self._params(trial)["epochs"])

    def _params(self, trial: Trial) -> dict[str, Any]:
        """A trial's configuration, in which the sampler draws what it has not drawn yet."""
        return {name: _suggest(trial, name, d) for name, d in self._domains.items()}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """An epoch: into the journal, then as an intermediate value to Optuna.

        Optuna is not told twice, nor of a value that is not finite: it takes neither.
        """
        trial = self._open[trial_id]
        is_new = self._journal.epoch(trial.number, result)
        if is_new and math.isfinite(result[self.metric]):
            trial.report(result[self.metric], result["epoch"])

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
        self._waiting.insert(0, self._open.pop(trial_id))

    def fail(self, trial_id: str) -> None:
        """A trial that broke off is not tried again."""
        self._end(self._open.pop(trial_id).number, "failed", None)

    def _end(self, number: int, state: str, record: dict[str, Any] | None) -> None:
        self._journal.end(number, state)
        value = record[self.metric] if record and state == "completed" else None
        self._ot_study.tell(number, value, state=STATES[state])

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save: the journal holds all of it."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore, see `save`."""

    def __getstate__(self) -> dict[str, Any]:
        """Tune pickles its searcher to restore experiments; this one is made from the journal."""
        return {}


def recorded_trials(
    journal: Journal, domains: dict[str, Domain], metric: Metric
) -> Iterator[FrozenTrial]:
    """The journal's trials as Optuna has them, by number; RUNNING where they have not ended.

    Optuna numbers them by position: one whose start was deleted from the journal FAILED.
    """
    ended, configs = journal.ended(), journal.configs()
    for number in range(max(configs, default=-1) + 1):
        if number in configs:
            epochs, state = journal.epochs_of(number), ended.get(number)
            yield _recorded(configs[number], epochs, state, domains, metric)
        else:
            yield optuna.trial.create_trial(state=TrialState.FAIL)


def _recorded(
    config: dict[str, Any],
    epochs: list[dict[str, Any]],
    state: str | None,
    domains: dict[str, Domain],
    metric: Metric,
) -> FrozenTrial:
    values = {line["epoch"]: line.get(metric.name, math.nan) for line in epochs}
    return optuna.trial.create_trial(
        state=STATES[state] if state else TrialState.RUNNING,
        value=epochs[-1][metric.name] if state == "completed" else None,
        params={name: config[name] for name in domains},
        distributions={name: distribution(domain) for name, domain in domains.items()},
        intermediate_values={at: value for at, value in values.items() if math.isfinite(value)},
    )


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


def _suggest(trial: Trial, name: str, domain: Domain) -> Any:
    if isinstance(domain, Choice):
        return trial.suggest_categorical(name, domain.options)
    if isinstance(domain, Float):
        return trial.suggest_float(name, domain.low, domain.high, log=domain.log)
    return trial.suggest_int(name, domain.low, domain.high, log=domain.log)
