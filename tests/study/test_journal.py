"""A journal on storage that fails: waited for, every line once, and a clear end."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from study import journal_file, records, session
from study.journal import Journal
from tests.study.test_records import epoch, manifest
from trainables.patience import PATIENCE_VARIABLE, StorageError


@pytest.fixture
def failing(monkeypatch) -> list[int]:
    """Appending fails as often as the list says, with half of the line written."""
    monkeypatch.setattr("trainables.patience.PAUSES", (0.01, 0.02))
    truly, left = journal_file.append, [0]

    def append(run: Path, line: dict) -> None:
        if left[0]:
            left[0] -= 1
            with open(run / records.JOURNAL, "a") as file:
                file.write('{"event": "ep')
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        truly(run, line)

    monkeypatch.setattr(journal_file, "append", append)
    return left


def test_nothing_is_lost_or_doubled_where_storage_comes_back(tmp_path: Path, failing) -> None:
    said: list[str] = []
    journal = Journal(tmp_path)
    journal.say = said.append
    journal.start(0, {})
    for number in (1, 2, 3):
        failing[0] = number
        journal.epoch(0, epoch(number))
    assert [line.get("epoch") for line in journal_file.read(tmp_path)] == [None, 1, 2, 3]
    assert len(said) == 6
    assert said[0] == f"{tmp_path}: Input/output error; trying again for 120 s"


def test_after_the_end_nothing_is_taken_and_what_was_written_is_kept(
    tmp_path: Path, failing, monkeypatch
) -> None:
    monkeypatch.setenv(PATIENCE_VARIABLE, "0.05")
    journal = Journal(tmp_path)

    def session_that_fails() -> None:
        with session.recorded(tmp_path, manifest(), journal):
            journal.start(0, {})
            journal.epoch(0, epoch(1))
            failing[0] = 1_000_000
            try:
                journal.epoch(0, epoch(2))
            except StorageError:
                failing[0] = 0
                raise RuntimeError("what Ray makes of it") from None

    with pytest.raises(StorageError, match="could not be used"):
        session_that_fails()
    with pytest.raises(StorageError):
        journal.epoch(0, epoch(3))
    assert records.read_manifest(tmp_path).status == "interrupted"
    assert [line.get("epoch") for line in Journal(tmp_path).lines] == [None, 1]


def test_a_trial_that_is_started_again_is_told_and_not_written_again(tmp_path: Path) -> None:
    journal, told = Journal(tmp_path), []
    journal.restarts.append(told.append)
    journal.start(0, {"epochs": 3})
    assert told == []
    journal.end(0, "failed")
    again = Journal(tmp_path)
    again.restarts.append(told.append)
    again.start(0, {"epochs": 3})
    assert told == [{"event": "start", "trial": 0, "config": {"epochs": 3}}]
    assert [line["event"] for line in journal_file.read(tmp_path)] == ["start", "end"]


def test_reading_a_run_changes_nothing_of_it(tmp_path: Path) -> None:
    """Also where a line is unfinished: another process may be about to finish it."""
    journal = Journal(tmp_path)
    journal.start(0, {"epochs": 2})
    path = tmp_path / records.JOURNAL
    with path.open("a") as file:
        file.write('{"event": "end", "trial": 0, "state": "failed"}')  # whole but for its newline
    before = path.read_bytes()
    again = Journal(tmp_path)
    assert again.ended() == {}
    assert path.read_bytes() == before
    again.epoch(0, epoch(1))
    assert [line["event"] for line in journal_file.read(tmp_path)] == ["start", "epoch"]
