"""Importance finds the dimension that matters and refuses where it cannot know."""

from __future__ import annotations

import subprocess
import sys
import warnings
from dataclasses import replace

import numpy as np
import optuna
import pytest

from analysis.importance import MIN_TRIALS, importance
from analysis.load import Run, load_run
from analysis.tables import ordered_trials
from study.distributions import distribution
from study.records import CONFIG
from trainables.errors import UserError

from .synthetic import write_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return load_run(write_run(tmp_path_factory.mktemp("runs") / "run", ["completed"] * 60))


@pytest.mark.parametrize("direction", ["max", "min"])
@pytest.mark.parametrize("name", ["augment_strength", "weight_decay"])
def test_the_only_dimension_that_matters_comes_first(run: Run, direction: str, name: str) -> None:
    trials = run.trials.copy()
    trials["val_accuracy"] = np.log(trials[f"config.{name}"]) * (1 if direction == "max" else -1)
    chosen = replace(run, trials=trials, objective=replace(run.objective, direction=direction))
    found = importance(chosen, ordered_trials(chosen))
    assert next(iter(found.shares)) == name
    assert found.shares[name] > 0.6
    assert sum(found.shares.values()) == pytest.approx(1)
    assert (found.trials, found.target) == (60, 6)


def test_too_few_completed_trials_are_said(run: Run) -> None:
    few = replace(run, trials=run.trials.head(MIN_TRIALS - 1))
    with pytest.raises(UserError, match=f"this run has {MIN_TRIALS - 1}"):
        importance(few, ordered_trials(few))


def test_scikit_learn_is_not_loaded_and_not_marked_as_missing() -> None:
    code = (
        "import sys; from analysis.importance import _evaluators; _evaluators(); "
        "print({'sklearn', 'optuna.importance', 'torch', 'ray'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"  # nor a module that took it for missing


def test_shares_are_those_of_a_study_that_optuna_filled(run: Run) -> None:
    trials = ordered_trials(run)
    varied = {name: run.dimensions[name] for name in run.searched}
    spaces = {name: distribution(domain) for name, domain in varied.items()}
    study = optuna.create_study(direction="maximize")
    for row in trials.to_dict("records"):
        params = {name: row[CONFIG + name] for name in varied}
        study.add_trial(
            optuna.trial.create_trial(
                params=params, distributions=spaces, value=row[run.objective.name]
            )
        )
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=0.1)
    with warnings.catch_warnings(category=optuna.exceptions.ExperimentalWarning, action="ignore"):
        shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
    assert importance(run, trials).shares == pytest.approx(shares, rel=1e-12)
