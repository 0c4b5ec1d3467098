"""What a search and an experiment share, without Ray."""

from __future__ import annotations

from pathlib import Path

from study.journal import Journal
from study.place import Local, local
from study.stage import nothing_finished
from tests.study.local_store import local_store


def test_a_run_without_an_epoch_names_every_place_that_has_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    here = f"Mend it, delete {tmp_path} and run again"
    assert str(nothing_finished(local(tmp_path), journal)).endswith(here)
    stored = Local(tmp_path, local_store(tmp_path / "store"))
    both = f"Mend it, delete both {tmp_path} and s3://bucket/run and run again"
    assert str(nothing_finished(stored, journal)).endswith(both)
