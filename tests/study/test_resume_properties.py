"""A search cut at any event and continued is the search that was not cut."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from study import journal_file, records
from study.asha import asha
from study.journal import Journal
from study.metrics import METRICS
from study.plan import SearchSpec
from study.search import StudySearch
from trainables.closed_form import closed_form

METRIC = METRICS["val_loss"]
SPEC = SearchSpec("tiny_aug", trials=8, objective="val_loss", seed=5)
TRIALS = 8


class Cut(Exception):
    """Stands for a kill right after an event was written."""


def play(run: Path, events: int | None = None) -> None:
    """One session on one slot, with ASHA: to the end, or until so many events were written."""
    journal = Journal(run)
    search, scheduler = StudySearch(SPEC, METRIC, journal), asha(METRIC, journal)

    def count(event: dict) -> None:
        if events is not None and len(journal.lines) >= events:
            raise Cut

    journal.listeners.append(count)
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
    assert text_of(run) == uncut
