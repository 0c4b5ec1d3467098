"""The searcher without Ray: what Optuna is told, and what a killed session leaves it."""

from __future__ import annotations

import math
from pathlib import Path
from unittest import mock

import optuna
import pytest
from optuna.trial import TrialState

from study import explore
from study.database import Database
from study.journal import Journal
from study.metrics import METRICS
from study.plan import SearchSpec, run_id, searched_space
from study.records import JOURNAL, OPTUNA_DB, write_manifest
from study.resources import Resources
from study.search import StudySearch
from tests.study.test_records import manifest
from trainables.closed_form import closed_form

METRIC = METRICS["val_loss"]
SPEC = SearchSpec("tiny_aug", trials=12, objective="val_loss", seed=3)


def searcher(run: Path, spec: SearchSpec = SPEC, slots: int = 1) -> StudySearch:
    """As `study.explore` makes it, with the database that follows."""
    journal = Journal(run)
    journal.listeners.append(following(journal, spec))
    return StudySearch(spec, METRIC, journal, slots)


def following(journal: Journal, spec: SearchSpec = SPEC) -> Database:
    return Database("test", searched_space(spec).dimensions, METRIC, journal)


def database(run: Path) -> optuna.Study:
    return optuna.load_study(study_name="test", storage=f"sqlite:///{run / OPTUNA_DB}")


def play(search: StudySearch, trials: int, stop_at: int = 10**6) -> list[dict]:
    """Run up to `trials` trials in this process; trial `stop_at` stays unfinished."""
    played = []
    for index in range(trials):
        suggestion = search.suggest(f"t{index}")
        if suggestion == "FINISHED":
            break
        curve: list[dict] = []
        closed_form(suggestion["params"], curve.append)
        if suggestion["trial"] == stop_at:
            search.on_trial_result(f"t{index}", curve[0])
            return played
        for record in curve[:-1]:
            search.on_trial_result(f"t{index}", record)
        search.on_trial_complete(f"t{index}", result=curve[-1])
        played.append(suggestion)
    return played


def test_the_first_trial_is_the_baseline(tmp_path: Path) -> None:
    first = searcher(tmp_path).suggest("a")
    defaults = {
        "learning_rate": 2e-3,
        "epochs": 4,
        "augment_strength": 0.5,
        "weight_decay": 5e-3,
        "batch_size": 64,
    }
    assert first == {"trial": 0, "params": defaults}


@pytest.mark.parametrize(("slots", "tail"), [(1, 1), (2, 4), (3, 4), (6, 6)])
def test_of_the_last_trials_the_longest_begins_first(tmp_path, slots: int, tail: int) -> None:
    """Up to two a slot of twelve are one batch, which a killed session leaves whole."""
    spec = SearchSpec("tiny_aug", trials=12, objective="val_loss", seed=5)
    search = searcher(tmp_path, spec, slots)
    before = 12 - tail
    assert [s["trial"] for s in play(search, before)] == [*range(before)]
    last = [search.suggest(f"last{index}") for index in range(tail)]
    numbers = [s["trial"] for s in last]
    assert sorted(numbers) == [*range(before, 12)]
    epochs = [s["params"]["epochs"] for s in last]
    assert epochs == sorted(epochs, reverse=True)
    assert slots == 1 or numbers != sorted(numbers)  # or this seed would show nothing
    assert search.suggest("none") is None
    assert play(searcher(tmp_path, spec, slots), 99) == last


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_the_same_seed_asks_the_same_and_another_seed_does_not(tmp_path, sampler: str) -> None:
    runs = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        (tmp_path / name).mkdir()
        spec = SearchSpec("tiny_aug", trials=12, objective="val_loss", seed=seed, sampler=sampler)
        runs.append(play(searcher(tmp_path / name, spec), 12))
    assert len(runs[0]) == 12
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


@pytest.mark.parametrize("cut", [0, 1, 5, 11])
def test_a_killed_search_goes_on_as_if_it_had_not_been(tmp_path: Path, cut: int) -> None:
    for name in ("whole", "cut"):
        (tmp_path / name).mkdir()
    whole = play(searcher(tmp_path / "whole"), 12)
    before = play(searcher(tmp_path / "cut"), 12, stop_at=cut)
    again = searcher(tmp_path / "cut")
    assert again.remaining() == 12 - cut
    after = play(again, 100)
    assert before + after == whole
    study = database(tmp_path / "cut")
    assert len(study.trials) == 12
    assert {trial.state for trial in study.trials} <= {TrialState.COMPLETE, TrialState.PRUNED}


@pytest.mark.parametrize("lost", [0, 3, 5])
def test_a_trial_whose_start_is_lost_leaves_the_others_their_numbers(
    tmp_path: Path, lost: int
) -> None:
    before = play(searcher(tmp_path), 6)
    journal = tmp_path / JOURNAL
    lines = journal.read_text().splitlines(keepends=True)
    start = f'{{"event": "start", "trial": {lost},'
    journal.write_text("".join(line for line in lines if not line.startswith(start)))
    search = searcher(tmp_path)
    following(search._journal).write_anew()
    for study in (search._ot_study, database(tmp_path)):
        params = {t.number: t.params for t in study.trials if t.state != TrialState.FAIL}
        assert params == {t["trial"]: t["params"] for t in before if t["trial"] != lost}
    after = play(search, 100)
    assert [t["trial"] for t in after] == list(range(5 if lost == 5 else 6, 12))
    assert len(Journal(tmp_path).configs()) == (12 if lost == 5 else 11)
    assert len(database(tmp_path).trials) == 12


def test_a_stopped_trial_is_pruned_with_its_values(tmp_path: Path) -> None:
    search = searcher(tmp_path)
    search.suggest("a")
    curve: list[dict] = []
    closed_form({"learning_rate": 3e-3, "epochs": 4}, curve.append)
    search.on_trial_result("a", curve[0])
    search.on_trial_complete("a", result=curve[1])
    (trial,) = database(tmp_path).trials
    assert trial.state == TrialState.PRUNED
    assert trial.intermediate_values == {1: curve[0]["val_loss"], 2: curve[1]["val_loss"]}


def test_a_diverged_trial_is_pruned_and_teaches_no_nan(tmp_path: Path) -> None:
    search = searcher(tmp_path)
    search.suggest("a")
    curve: list[dict] = []
    closed_form({"learning_rate": 0.03, "epochs": 4}, curve.append)
    assert math.isnan(curve[1]["val_loss"])
    search.on_trial_result("a", curve[0])
    search.on_trial_complete("a", result=curve[1])
    study = database(tmp_path)
    assert study.trials[0].state == TrialState.PRUNED
    assert list(study.trials[0].intermediate_values) == [1]
    assert search._journal.ended() == {0: "diverged"}
    with pytest.raises(ValueError, match="Record does not exist"):
        _ = study.best_trial


def test_a_failed_trial_fails_and_the_search_goes_on(tmp_path: Path) -> None:
    search = searcher(tmp_path)
    search.suggest("a")
    search.on_trial_complete("a", error=True)
    search.fail("a")
    assert database(tmp_path).trials[0].state == TrialState.FAIL
    assert len(play(search, 100)) == 11


def test_a_trial_that_broke_off_is_handed_out_again_before_any_other(tmp_path: Path) -> None:
    search = searcher(tmp_path)
    first, _ = search.suggest("a"), search.suggest("b")
    search.on_trial_complete("a", error=True)
    search.retry("a")
    assert search.suggest("c") == first
    assert search._journal.ended() == {}


def test_the_search_is_not_over_while_a_trial_may_have_to_be_retried(tmp_path: Path) -> None:
    search = searcher(tmp_path)
    play(search, 11)
    last = search.suggest("last")
    assert search.suggest("more") is None
    search.on_trial_complete("last", error=True)
    search.retry("last")
    assert search.suggest("again") == last
    search.on_trial_complete("again", error=True)
    search.fail("again")
    assert search.suggest("more") == "FINISHED"


@pytest.mark.parametrize("damage", [b"", b"not a database" * 100, None])
def test_a_lost_or_damaged_database_is_made_anew(tmp_path: Path, damage: bytes | None) -> None:
    play(searcher(tmp_path), 12, stop_at=6)
    before = database(tmp_path).trials
    if damage is None:
        (tmp_path / OPTUNA_DB).unlink()
    else:
        (tmp_path / OPTUNA_DB).write_bytes(damage)
    again = searcher(tmp_path)
    again._journal.listeners[0].write_anew()
    after = database(tmp_path).trials
    assert len(before) == 7
    for was, now in zip(before, after, strict=True):
        assert (now.number, now.params, now.state) == (was.number, was.params, was.state)
        assert (now.values, now.intermediate_values) == (was.values, was.intermediate_values)
    assert len(play(again, 100)) == 6
    assert len(database(tmp_path).trials) == 12


def test_a_session_with_nothing_left_to_train_makes_the_database_too(tmp_path, monkeypatch) -> None:
    """Of a run that was killed after its last trial, before it was complete."""
    play(searcher(tmp_path), 100)
    (tmp_path / OPTUNA_DB).write_bytes(b"not a database" * 100)
    monkeypatch.setattr("study.orchestrate.Samples", mock.MagicMock())
    journal = Journal(tmp_path)
    place = mock.Mock(run=tmp_path)
    stage = mock.Mock(journal=journal, slots=mock.Mock(count=2))
    explore._run_on_ray(place, SPEC, METRIC, stage)
    study = optuna.load_study(study_name=tmp_path.name, storage=f"sqlite:///{tmp_path / OPTUNA_DB}")
    assert len(study.trials) == 12


def test_the_database_waits_for_the_first_epoch(tmp_path: Path) -> None:
    search = searcher(tmp_path)
    suggestion = search.suggest("a")
    assert not (tmp_path / OPTUNA_DB).exists()
    curve: list[dict] = []
    closed_form(suggestion["params"], curve.append)
    search.on_trial_result("a", curve[0])
    (trial,) = database(tmp_path).trials
    assert trial.params == suggestion["params"]
    assert trial.intermediate_values == {1: curve[0]["val_loss"]}


def test_the_database_is_level_with_what_the_sampler_has_seen(tmp_path: Path) -> None:
    search = searcher(tmp_path)
    play(search, 5, stop_at=4)
    for ours, written in zip(search._ot_study.trials, database(tmp_path).trials, strict=True):
        assert (ours.number, ours.params, ours.state) == (
            written.number, written.params, written.state,
        )  # fmt: skip
        assert ours.distributions == written.distributions
        assert (ours.values, ours.intermediate_values) == (
            written.values, written.intermediate_values,
        )  # fmt: skip


def test_a_database_that_cannot_be_written_is_said_and_the_search_goes_on(tmp_path: Path) -> None:
    search = searcher(tmp_path)
    said: list[str] = []
    search._journal.say = said.append
    follower = search._journal.listeners[0]
    follower.write_anew()
    follower._storage.engine.dispose()
    (tmp_path / OPTUNA_DB).write_bytes(b"not a database" * 100)
    assert len(play(search, 100)) == 12
    assert len(said) == 1
    assert said[0].startswith("optuna.db cannot be written")
    assert not (tmp_path / OPTUNA_DB).exists()


def test_a_complete_search_gets_back_a_database_that_it_lacks(tmp_path: Path, monkeypatch) -> None:
    run = tmp_path / run_id(SPEC)
    run.mkdir()
    play(searcher(run), 100)
    (run / OPTUNA_DB).unlink()
    write_manifest(run, manifest(status="complete"))
    monkeypatch.setattr("study.explore.restore_outputs", lambda run, tracking, say: None)
    explore.search(SPEC, tmp_path, Resources(), wandb="off", quiet=True)
    study = optuna.load_study(study_name=run.name, storage=f"sqlite:///{run / OPTUNA_DB}")
    assert len(study.trials) == 12
