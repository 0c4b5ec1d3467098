"""A run directory: one writer, the same data, and records that are whole however it ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from study import records, run_tables, session
from study.journal import Journal
from tests.study.test_records import epoch, manifest
from trainables.errors import UserError


def test_two_writers_are_refused(tmp_path: Path) -> None:
    (tmp_path / records.JOURNAL).touch()
    with (
        session.locked(tmp_path),
        pytest.raises(UserError, match="being written by another process"),
        session.locked(tmp_path),
    ):
        pass
    with session.locked(tmp_path):
        pass


def test_a_directory_in_which_nothing_was_begun_is_taken_away(tmp_path: Path) -> None:
    run = session.open_directory(tmp_path, "run-1")
    with pytest.raises(UserError), session.locked(run):
        raise UserError("no such data")
    assert not run.exists()
    run = session.open_directory(tmp_path, "run-1")
    (run / records.JOURNAL).touch()
    with pytest.raises(UserError), session.locked(run):
        raise UserError("no such data")
    assert run.exists()


def test_changed_data_are_refused() -> None:
    before = manifest(data={"content_hash": "a" * 64})
    session.check_same_data(Path("run"), before, "a" * 64)
    with pytest.raises(UserError, match="was begun on other data"):
        session.check_same_data(Path("run"), before, "b" * 64)


@pytest.mark.parametrize(
    ("error", "status"), [(None, "complete"), (KeyboardInterrupt, "interrupted")]
)
def test_tables_and_status_tell_how_it_ended(tmp_path: Path, error, status: str) -> None:
    journal = Journal(tmp_path)
    try:
        with session.recorded(tmp_path, manifest(seconds=5.0), journal):
            assert records.read_manifest(tmp_path).status == "running"
            journal.start(0, {"epochs": 3})
            journal.epoch(0, epoch(1))
            if error:
                raise error
    except KeyboardInterrupt:
        pass
    read = records.read_manifest(tmp_path)
    assert read.status == status
    assert read.seconds >= 5.0
    assert len(run_tables.read(tmp_path / records.EPOCHS)) == 1


def test_whether_a_run_is_being_written_is_seen_without_a_trace(tmp_path: Path) -> None:
    assert not session.being_written(tmp_path / "none")
    assert not session.being_written(tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / records.JOURNAL).touch()
    with session.locked(tmp_path):
        assert session.being_written(tmp_path)
        assert session.being_written(tmp_path)
    assert not session.being_written(tmp_path)


def test_where_nothing_can_be_written_is_seen_without_trying(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").touch()
    assert session.unwritable(tmp_path / "new" / "run") == ""
    assert session.unwritable(tmp_path / "file" / "run") == "Not a directory"
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may do everything
    assert session.unwritable(tmp_path / "run") == "Permission denied"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_empty_folder_of_states_is_gone_at_the_end(tmp_path: Path) -> None:
    states = tmp_path / records.CHECKPOINTS
    for left in (True, False):
        (states / "00000").mkdir(parents=True, exist_ok=True)
        if not left:
            (states / "00000").rmdir()
        with session.recorded(tmp_path, manifest(), Journal(tmp_path)):
            pass
        assert states.exists() == left
