"""The best trial: finished, finite, by the stored direction; disk that stays bounded."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from study.best import BestKeeper, CheckpointCleaner, best_trial
from study.journal import Journal
from study.metrics import METRICS
from study.place import local
from study.records import BEST_WEIGHTS, CHECKPOINTS
from tests.study.local_store import local_store
from tests.study.test_records import epoch
from trainables.jobs import trial_folder
from trainables.storage import Folder

LOSS = METRICS["val_loss"]


def play(journal: Journal, number: int, value: float, state: str = "completed") -> None:
    """One trial of three epochs, its weights holding its number."""
    folder = Path(str(trial_folder(Folder(str(journal.run)) / CHECKPOINTS, number)))
    folder.mkdir(parents=True)
    (folder / "state.pt").write_text("state")
    (folder / "weights.pt").write_text(str(number))
    journal.start(number, {"epochs": 3})
    journal.epoch(number, epoch(3, val_loss=value))
    journal.end(number, state)


def test_only_the_best_finished_trials_weights_stay(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.listeners.append(BestKeeper(journal, LOSS, local(tmp_path)))
    values = [0.5, math.nan, 0.1, 0.3, 0.2]
    states = ["completed", "diverged", "pruned", "completed", "completed"]
    for number, (value, state) in enumerate(zip(values, states, strict=True)):
        play(journal, number, value, state)
        assert list((tmp_path / CHECKPOINTS).iterdir()) == []
    assert best_trial(journal, LOSS) == 4
    assert (tmp_path / BEST_WEIGHTS).read_text() == "4"


def test_a_later_session_keeps_the_best_of_an_earlier_one(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.listeners.append(BestKeeper(journal, LOSS, local(tmp_path)))
    play(journal, 0, 0.1)
    again = Journal(tmp_path)
    again.listeners.append(BestKeeper(again, LOSS, local(tmp_path)))
    play(again, 1, 0.2)
    assert (tmp_path / BEST_WEIGHTS).read_text() == "0"
    play(again, 2, 0.05)
    assert (tmp_path / BEST_WEIGHTS).read_text() == "2"


def test_a_session_killed_before_it_moved_the_best_weights_loses_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    play(journal, 0, 0.2)
    play(journal, 1, 0.1)  # nobody listened: its end is on record, its weights are not moved
    BestKeeper(Journal(tmp_path), LOSS, local(tmp_path))
    assert (tmp_path / BEST_WEIGHTS).read_text() == "1"
    assert list((tmp_path / CHECKPOINTS).iterdir()) == []


def test_a_session_killed_between_last_epoch_and_end_loses_no_weights(tmp_path: Path) -> None:
    """The next one trains no epoch of it again, and only sees its end."""
    journal = Journal(tmp_path)
    play(journal, 0, 0.2)
    with mock.patch.object(journal, "end"):
        play(journal, 1, 0.1)
    again = Journal(tmp_path)
    again.listeners.append(BestKeeper(again, LOSS, local(tmp_path)))
    assert (tmp_path / BEST_WEIGHTS).read_text() == "0"
    assert not again.epoch(1, epoch(3, val_loss=0.1))
    again.end(1, "completed")
    assert (tmp_path / BEST_WEIGHTS).read_text() == "1"


def test_of_equals_the_earlier_is_the_best(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for number in (0, 1):
        play(journal, number, 0.1)
    assert best_trial(journal, LOSS) == 0


def test_nothing_finished_is_no_best(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    play(journal, 0, 0.1, "pruned")
    assert best_trial(journal, LOSS) is None


@dataclass
class Noting:
    """A place that notes what it is given to do."""

    run: Path
    shared: Folder
    actions: list[Callable[[], object]]

    def once_recorded(self, action: Callable[[], object]) -> None:
        self.actions.append(action)

    def bring_results(self) -> None:
        pass

    def __call__(self, event: dict[str, Any]) -> None:
        pass


@pytest.mark.parametrize("remote", [False, True])
def test_of_many_ended_trials_only_what_is_left_is_cleaned_up(tmp_path: Path, remote) -> None:
    journal = Journal(tmp_path / "run")
    journal.run.mkdir()
    for number in range(20):
        play(journal, number, 0.1)
        if number not in (4, 7):
            shutil.rmtree(tmp_path / "run" / CHECKPOINTS / f"trial-{number:05d}")
    shared: Folder = Folder(str(journal.run))
    if remote:
        shared = local_store(tmp_path / "store")
        shutil.copytree(journal.run, shared.connect()[1])
    place = Noting(journal.run, shared, [])
    CheckpointCleaner(journal, place)
    assert len(place.actions) == 2
    for action in place.actions:
        action()
    assert (shared / CHECKPOINTS).folders() == set()
    assert (shared / "nowhere").folders() == set()
