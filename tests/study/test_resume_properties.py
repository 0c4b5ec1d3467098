"""A search or an experiment cut at any event and continued is the one that was not cut."""

from __future__ import annotations

from collections.abc import Callable, Set
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from study import journal_file, records, run_tables
from study.arms import arm
from study.asha import asha
from study.cells import CellQueue
from study.claims import Claim
from study.experiment_plan import ExperimentSpec, cell_trials, tuning_trials
from study.journal import Journal
from study.metrics import METRICS
from study.nuisance import choose
from study.plan import SearchSpec
from study.search import StudySearch
from trainables.closed_form import closed_form

METRIC = METRICS["val_loss"]
SPEC = SearchSpec("tiny_aug", trials=8, objective="val_loss", seed=5)
TRIALS = 8


class Cut(Exception):
    """Stands for a kill right after an event was written."""


def cut_journal(run: Path, events: int | None) -> Journal:
    """The journal of a session that ends once so many events were written."""
    journal = Journal(run)

    def count(event: dict) -> None:
        if events is not None and len(journal.lines) >= events:
            raise Cut

    journal.listeners.append(count)
    return journal


def play(run: Path, events: int | None = None) -> None:
    """One session on one slot, with ASHA: to the end, or until so many events were written."""
    journal = cut_journal(run, events)
    search, scheduler = StudySearch(SPEC, METRIC, journal), asha(METRIC, journal)
    for attempt in range(10 * TRIALS):
        suggestion = search.suggest(f"t{attempt}")
        if suggestion == "FINISHED":
            return
        one_trial(search, scheduler, f"t{attempt}", suggestion)


class Ghost:
    """A trial as far as ASHA looks at it."""

    def __init__(self, number: int) -> None:
        self.config = {"trial": number}


def one_trial(search: StudySearch, scheduler, trial_id: str, suggestion: dict) -> None:
    ghost, curve = Ghost(suggestion["trial"]), []
    scheduler.on_trial_add(None, ghost)
    closed_form(suggestion["params"], curve.append)
    for record in curve:
        stop = scheduler.on_trial_result(None, ghost, record) == "STOP"
        if stop or record is curve[-1]:
            search.on_trial_complete(trial_id, result=record)
            return
        search.on_trial_result(trial_id, record)


def text_of(run: Path) -> str:
    return (run / records.JOURNAL).read_text()


@pytest.fixture(scope="module")
def uncut(tmp_path_factory: pytest.TempPathFactory) -> str:
    run = tmp_path_factory.mktemp("uncut")
    play(run)
    states = [line["state"] for line in journal_file.read(run) if line["event"] == "end"]
    assert len(states) == TRIALS
    assert {"completed", "pruned"} <= set(states)  # or nothing is shown about ASHA
    return text_of(run)


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_search_cut_anywhere_and_continued_writes_the_same_journal(
    tmp_path_factory, uncut: str, data: st.DataObject
) -> None:
    run = tmp_path_factory.mktemp("cut")
    cut_and_continue(run, play, uncut, data)
    assert text_of(run) == uncut


def cut_and_continue(run: Path, play: Callable[..., None], uncut: str, data: st.DataObject) -> None:
    """Sessions that are cut at drawn events, then one that is not."""
    events = uncut.count("\n")
    cuts = st.lists(st.integers(1, events), min_size=1, max_size=3, unique=True)
    for at in sorted(data.draw(cuts)):
        with pytest.raises(Cut):
            play(run, at)
        # And what a writer that is killed in the middle of a line leaves behind it.
        torn = data.draw(st.integers(0, 30))
        with open(run / records.JOURNAL, "a") as journal:
            journal.write('{"event": "epoch", "trial": 0'[:torn])
    play(run)


EXPERIMENT = ExperimentSpec(
    (
        Claim(
            id="gap",
            sentence="The gap is smaller with augmentation.",
            decided_by="crossover",
            arms=(arm("tiny_aug"), arm("tiny")),
            metric="gap",
            direction="lower",
            budgets=(2, 4),
            smallest_effect=0.05,
            seeds=2,
        ),
    )
)


def play_experiment(run: Path, events: int | None = None, failing: Set[int] = frozenset()) -> None:
    """One session on one slot: the matched search, the choice, the cells; some may fail."""
    journal = cut_journal(run, events)
    hand_out(tuning_trials(EXPERIMENT), journal, failing)
    chosen, _ = choose(EXPERIMENT, journal, METRIC)
    hand_out(cell_trials(EXPERIMENT, chosen), journal, failing)


def hand_out(trials: dict[int, dict], journal: Journal, failing: Set[int]) -> None:
    queue = CellQueue(trials, journal, METRIC)
    decided = {n for n, state in journal.ended().items() if state != "failed"}
    for attempt in range(100):
        suggestion = queue.suggest(f"t{attempt}")
        if suggestion == "FINISHED":
            return
        assert suggestion["trial"] not in decided  # or it is trained for nothing
        curve: list[dict] = []
        closed_form(suggestion["params"], curve.append)
        if suggestion["trial"] in failing:
            queue.on_trial_result(f"t{attempt}", curve[0])
            queue.fail(f"t{attempt}")
            continue
        for record in curve[:-1]:
            queue.on_trial_result(f"t{attempt}", record)
        queue.on_trial_complete(f"t{attempt}", result=curve[-1])
    raise AssertionError("the queue does not end")


@pytest.fixture(scope="module")
def uncut_experiment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("uncut-experiment")
    play_experiment(run)
    states = [line["state"] for line in journal_file.read(run) if line["event"] == "end"]
    assert states == ["completed"] * (4 * 2 + 4 * 2)  # candidates, then cells
    return run


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_an_experiment_cut_anywhere_and_continued_writes_the_same_journal(
    tmp_path_factory, uncut_experiment: Path, data: st.DataObject
) -> None:
    run = tmp_path_factory.mktemp("cut")
    cut_and_continue(run, play_experiment, text_of(uncut_experiment), data)
    assert text_of(run) == text_of(uncut_experiment)


@settings(max_examples=10, suppress_health_check=list(HealthCheck))
@given(st.sets(st.integers(8, 15), min_size=1))
def test_cells_that_failed_are_trained_by_the_same_command(
    tmp_path_factory, uncut_experiment: Path, failing: set[int]
) -> None:
    run = tmp_path_factory.mktemp("failed")
    play_experiment(run, failing=failing)
    assert {n for n, state in Journal(run).ended().items() if state == "failed"} == failing
    play_experiment(run)
    for again, once in zip(tables(run), tables(uncut_experiment), strict=True):
        pd.testing.assert_frame_equal(again, once)


def tables(run: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    return run_tables.from_journal(journal_file.read(run))
