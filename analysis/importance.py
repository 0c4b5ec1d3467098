"""How much each dimension mattered for reaching the best trials: Optuna's PED-ANOVA.

Watanabe, Bansal and Hutter (2023), arXiv 2304.10255. The trials come from the run's own
tables (the truth, of which `optuna.db` is a copy), so a damaged database costs nothing.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

import optuna
import pandas as pd
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

from analysis.load import Run
from study.distributions import distribution
from study.domains import Domain
from study.records import CONFIG
from trainables.errors import UserError

MIN_TRIALS = 8  # completed or stopped early
MIN_COMPLETED = 3
_TARGET_TRIALS = 5  # Optuna's advice: at least this many trials above the quantile


@dataclass(frozen=True)
class Importance:
    """shares: dimension -> share, most important first, summing to 1.

    trials: trials it was estimated from, completed or stopped early. target: how many of
    them count as the best, which is what "important" is about. evaluator: its name.
    """

    shares: dict[str, float]
    trials: int
    target: int
    evaluator: str


def importance(run: Run, trials: pd.DataFrame) -> Importance:
    """Importance of every dimension that was varied.

    trials: as `tables.ordered_trials` gives them. A trial that was stopped early counts as
    worse than every completed one: that is why it was stopped, and the evaluator asks only
    which trials are among the best. Raises UserError saying why where nothing can be
    estimated: too few trials, or none differing in any dimension.
    """
    completed = trials[trials["rank"].notna()]
    if len(completed) < MIN_COMPLETED:
        raise UserError(
            f"Parameter importance needs {MIN_COMPLETED} or more completed trials; "
            f"this run has {len(completed)}."
        )
    ranked = _with_stopped(run, trials, completed)
    varied: dict[str, Domain] = {
        name: domain
        for name, domain in run.dimensions.items()
        if CONFIG + name in ranked and ranked[CONFIG + name].nunique() > 1
    }
    if len(ranked) < MIN_TRIALS:
        raise UserError(
            f"Parameter importance needs {MIN_TRIALS} or more trials that were completed or "
            f"stopped early; this run has {len(ranked)}."
        )
    if len(varied) < 2 or ranked[run.objective.name].nunique() < 2:
        raise UserError("Parameter importance needs two or more dimensions that were varied.")
    share = min(max(0.1, min(0.5, _TARGET_TRIALS / len(ranked))), len(completed) / len(ranked))
    shares = _evaluate(_study(run, ranked, varied), share)
    if not sum(shares.values()) > 0:
        raise UserError("The best trials differ from the others in no dimension measurably.")
    return Importance(shares, len(ranked), round(share * len(ranked)), "Optuna's PED-ANOVA")


def _with_stopped(run: Run, trials: pd.DataFrame, completed: pd.DataFrame) -> pd.DataFrame:
    """The completed trials and, with a value below all of theirs, the stopped ones."""
    name = run.objective.name
    values = completed[name].astype(float)
    maximise = run.objective.direction == "max"
    below = values.min() - 1.0 if maximise else values.max() + 1.0
    stopped = trials[trials["state"] == "pruned"].assign(**{name: below})
    return pd.concat([completed, stopped]) if len(stopped) else completed


class _Given(InMemoryStorage):
    """Storage whose study has these trials.

    `Study.add_trials` would copy each deeply, three quarters of the time of an importance.
    """

    def __init__(self, trials: list[FrozenTrial]) -> None:
        super().__init__()
        self._given = trials

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        return self._given


def _study(run: Run, ranked: pd.DataFrame, varied: dict[str, Domain]) -> optuna.Study:
    """An in-memory study of these trials, all of them complete."""
    spaces = {name: distribution(domain) for name, domain in varied.items()}
    configs = ranked[[CONFIG + name for name in varied]].itertuples(index=False, name=None)
    values = ranked[run.objective.name].astype(float)
    trials = [
        _trial(number, dict(zip(varied, config, strict=True)), spaces, value)
        for number, (config, value) in enumerate(zip(configs, values, strict=True))
    ]
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    maximise = run.objective.direction == "max"
    study = optuna.create_study(
        storage=_Given(trials), direction="maximize" if maximise else "minimize"
    )
    optuna.logging.set_verbosity(level)
    return study


def _trial(
    number: int, params: dict[str, Any], spaces: dict[str, Any], value: float
) -> FrozenTrial:
    return FrozenTrial(
        number=number,
        trial_id=number,
        state=TrialState.COMPLETE,
        params=params,
        distributions=spaces,
        value=value,
        datetime_start=None,
        datetime_complete=None,
        user_attrs={},
        system_attrs={},
        intermediate_values={},
    )


def _evaluate(study: optuna.Study, share: float) -> dict[str, float]:
    module = _evaluators()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about few trials, which the caption says
        evaluator = module.PedAnovaImportanceEvaluator(target_quantile=share)
        return dict(module.get_param_importances(study, evaluator=evaluator))


def _evaluators() -> Any:
    """`optuna.importance`, without scikit-learn where that is not loaded already.

    Its package imports scikit-learn for two evaluators that are not used here, which takes
    longer (5 s on two slow cores) than all the rest of a report. Optuna takes a missing
    scikit-learn well; what was imported that way is dropped again for other users.
    """
    import importlib

    if "sklearn" in sys.modules:
        return importlib.import_module("optuna.importance")
    sys.modules["sklearn"] = None  # type: ignore[assignment]
    try:
        return importlib.import_module("optuna.importance")
    finally:
        del sys.modules["sklearn"]
        for name in [name for name in sys.modules if name.startswith("optuna.importance")]:
            del sys.modules[name]
