"""Nuisance parameters: the best for that budget, from where they were asked to come."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from study import records
from study.arms import arm
from study.claims import overridden, select
from study.dry_run import print_experiment
from study.experiment import experiment
from study.experiment_plan import ExperimentSpec, tuning_trials
from study.journal import Journal
from study.metrics import METRICS
from study.nuisance import check_sources, choose, left_at_defaults
from study.records import BY_ARM, DEFAULTS, FROM_RUNS, MATCHED
from study.resources import Resources
from tests.study.test_records import epoch, manifest
from trainables.errors import UserError

SPEC = ExperimentSpec(overridden(select(["aug_crossover"]), budgets=(4, 16)))
METRIC = METRICS["val_loss"]


def finish(journal: Journal, number: int, config: dict, value: float) -> None:
    journal.start(number, config)
    last = config["epochs"]
    journal.epoch(number, epoch(last, of=last, val_loss=value, val_accuracy=1 - value))
    journal.end(number, "diverged" if math.isnan(value) else "completed")


def test_the_matched_search_gives_each_condition_its_own_best(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    trials = tuning_trials(SPEC)
    for number, trial in trials.items():
        # The second candidate wins at the long budget only.
        second = number % 2 == 1
        finish(journal, number, trial, 0.1 if second == (trial["budget"] == 16) else 0.2)
    chosen, origins = choose(SPEC, journal, METRIC)
    first, second = (trials[n]["learning_rate"] for n in (0, 1))
    assert chosen["resnet18", 16]["learning_rate"] == second
    assert chosen["resnet18", 4]["learning_rate"] == first
    assert {origin["source"] for origin in origins.values()} == {MATCHED}


def test_where_every_candidate_diverged_the_defaults_remain_and_are_said_to(tmp_path) -> None:
    journal = Journal(tmp_path)
    for number, trial in tuning_trials(SPEC).items():
        finish(journal, number, trial, math.nan if trial["arm"] == "resnet18" else 0.3)
    chosen, origins = choose(SPEC, journal, METRIC)
    assert origins["resnet18", 4] == {"source": DEFAULTS}
    assert chosen["resnet18", 4]["learning_rate"] == 1e-3
    assert origins["resnet18_aug", 4] == {"source": MATCHED}


def a_search(run: Path, trials: list[dict], model: str = "resnet18", **changes) -> str:
    run.mkdir()
    values = {"data": {"name": "street_digits"}, "space": {"model": model}, **changes}
    records.write_manifest(run, manifest(run_id=run.name, **values))
    journal = Journal(run)
    for number, (config, value) in enumerate(trials):
        finish(journal, number, config, value)
    return str(run)


def config(**changes) -> dict:
    values = {"learning_rate": 1e-3, "weight_decay": 1e-3, "batch_size": 32, "epochs": 4}
    return {**values, **changes}


def test_runs_speak_for_budgets_and_strengths_near_their_own(tmp_path: Path) -> None:
    source = a_search(
        tmp_path / "search",
        [
            (config(learning_rate=1e-2, epochs=12, augment_strength=0.6), 0.1),
            (config(learning_rate=2e-2, epochs=5, augment_strength=0.4), 0.2),
            (config(learning_rate=3e-2, epochs=5, augment_strength=0.9), 0.01),
            (config(learning_rate=4e-2, epochs=7, augment_strength=0.5), 0.01),
        ],
    )
    spec = replace(SPEC, sources=(source,), tuning_trials=0)
    chosen, origins = choose(spec, Journal(tmp_path), METRIC)
    assert chosen["resnet18_aug", 16]["learning_rate"] == 1e-2
    assert chosen["resnet18_aug", 4]["learning_rate"] == 2e-2
    assert origins["resnet18_aug", 4] == {
        "source": FROM_RUNS,
        "run": "search",
        "trial": 1,
        "seed": 0,
    }
    assert origins["resnet18", 4] == {"source": DEFAULTS}


def test_what_no_run_speaks_for_is_said(tmp_path: Path, monkeypatch, capsys) -> None:
    trials = [(config(epochs=epochs, augment_strength=0.5), 0.1) for epochs in (4, 16)]
    source = a_search(tmp_path / "search", trials)
    spec = replace(SPEC, sources=(source,), tuning_trials=0)
    console = Console(width=80)
    print_experiment(console, spec, Resources(), str(tmp_path))
    shown = " ".join(capsys.readouterr().out.split())
    assert (
        "epochs and strength, of search; none for resnet18 at 4 and 16 epochs: the defaults there"
        in shown
    )

    def stop(*_: object) -> None:
        raise UserError("enough")

    monkeypatch.setattr("study.experiment.staged", stop)
    said = "note: --from has no finished trial for resnet18 at 4 and 16 epochs: the defaults"
    for quiet in (False, True):
        with pytest.raises(UserError, match="enough"):
            experiment(spec, tmp_path, wandb="off", quiet=quiet, console=console)
        assert (said in capsys.readouterr().out) != quiet
    plain = a_search(tmp_path / "plain", [(config(epochs=epochs), 0.1) for epochs in (4, 16)])
    assert left_at_defaults(replace(spec, sources=(source, plain))) == ""
    assert left_at_defaults(SPEC) == ""


def test_an_arm_that_fixes_all_parameters_is_not_left_at_defaults(tmp_path: Path) -> None:
    fixed = {"learning_rate": 1e-3, "weight_decay": 1e-3, "batch_size": 32}
    claim = replace(SPEC.claims[0], arms=(arm("resnet18_aug"), arm("resnet18", **fixed)))
    source = a_search(tmp_path / "search", [(config(epochs=16), 0.1)])
    spec = replace(SPEC, claims=(claim,), sources=(source,), tuning_trials=0)
    assert left_at_defaults(spec) == "resnet18_aug at 4 and 16 epochs"
    _, origins = choose(spec, Journal(tmp_path), METRIC)
    plain = claim.arms[1].name
    assert [origins[plain, at] for at in (4, 16)] == [{"source": BY_ARM}] * 2


def test_a_run_in_a_bucket_is_fetched(tmp_path: Path, monkeypatch) -> None:
    run = a_search(tmp_path / "search", [(config(learning_rate=3e-2, augment_strength=0.5), 0.1)])
    uri = "s3://bucket/runs/search"
    copies = {uri: Path(run)}
    monkeypatch.setattr("study.stored.fetched", copies.__getitem__)
    spec = replace(SPEC, sources=(uri,), tuning_trials=0)
    check_sources(spec)
    chosen, _ = choose(spec, Journal(tmp_path), METRIC)
    assert chosen["resnet18_aug", 4]["learning_rate"] == 3e-2


def test_runs_of_another_model_do_not_count(tmp_path: Path) -> None:
    source = a_search(tmp_path / "search", [(config(augment_strength=0.5), 0.1)], model="cnn")
    _, origins = choose(replace(SPEC, sources=(source,)), Journal(tmp_path), METRIC)
    assert {origin["source"] for origin in origins.values()} == {DEFAULTS}


def test_runs_on_other_data_or_ranked_differently_are_refused(tmp_path: Path) -> None:
    trials = [(config(augment_strength=0.5), 0.1)]
    other = a_search(tmp_path / "other", trials, data={"name": "uci_digits"})
    with pytest.raises(UserError, match="searched on uci_digits, the experiment is on street"):
        check_sources(replace(SPEC, sources=(other,)))
    by_loss = a_search(tmp_path / "loss", trials)
    by_accuracy = a_search(
        tmp_path / "accuracy", trials, objective={"name": "val_accuracy", "direction": "max"}
    )
    check_sources(replace(SPEC, sources=(by_loss,)))
    with pytest.raises(UserError, match=r"different metrics \(val_accuracy, val_loss\)"):
        check_sources(replace(SPEC, sources=(by_loss, by_accuracy)))


def test_trials_of_a_version_with_other_dimensions_are_passed_over(tmp_path: Path) -> None:
    old = {"learning_rate": 1e-2, "epochs": 4, "augment_strength": 0.5}
    source = a_search(tmp_path / "search", [(old, 0.1)])
    _, origins = choose(replace(SPEC, sources=(source,)), Journal(tmp_path), METRIC)
    assert origins["resnet18_aug", 4] == {"source": DEFAULTS}


def test_an_experiment_is_no_source(tmp_path: Path) -> None:
    records.write_manifest(tmp_path, manifest(kind="experiment"))
    with pytest.raises(UserError, match="is an experiment, not a search"):
        choose(replace(SPEC, sources=(str(tmp_path),)), Journal(tmp_path), METRIC)
