"""A stored run's mirror on its own: what it does between two signs, and when it gives up."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from study import mirror, records
from study.lease import Lease
from study.mirror import Mirror
from tests.study.local_store import LocalStore, local_store
from trainables.patience import StorageError

DENIED = (
    "When listing objects: AWS Error ACCESS_DENIED during ListObjectsV2 operation: Access Denied"
)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return local_store(tmp_path / "store")


@pytest.fixture
def mirrored(store: LocalStore, tmp_path: Path, monkeypatch) -> Mirror:
    """One that has taken its run, has not begun to send, and signs before everything."""
    monkeypatch.setattr(mirror, "SEND_SECONDS", 0.01)
    run = tmp_path / "run"
    run.mkdir()
    (run / records.JOURNAL).write_text('{"event": "start", "trial": 0, "config": {}}\n')
    lease = Lease(store, run)
    lease.take()
    return Mirror(run, store, lease, lambda line: None)


def test_what_waited_for_the_journal_is_done_one_by_one_with_a_sign_before_each(
    mirrored: Mirror, store: LocalStore, monkeypatch
) -> None:
    done: list[str] = []

    def action() -> None:
        assert store.read(records.JOURNAL)
        done.append("action")
        time.sleep(0.02)

    mirrored._send(ended=False)
    monkeypatch.setattr(mirrored._lease, "renew", lambda: done.append("sign"))
    for _ in range(3):
        mirrored.once_recorded(action)
    time.sleep(0.02)
    mirrored._send(ended=False)
    assert done == ["sign", "action"] * 3


def test_a_store_that_refuses_ends_the_run_at_once(mirrored: Mirror, monkeypatch) -> None:
    def refuse() -> None:
        raise OSError(DENIED)

    monkeypatch.setattr(mirrored._lease, "renew", refuse)
    mirrored.start()
    mirrored._thread.join(10)
    assert not mirrored._thread.is_alive()
    with pytest.raises(StorageError, match=r"could not be used \(ACCESS_DENIED: Access Denied\)"):
        mirrored({"event": "epoch", "trial": 0})


def test_a_store_that_is_back_while_an_event_is_taken_is_no_error(mirrored: Mirror) -> None:
    """The thread that sends forgets why the store was away at any moment."""

    class Forgetting(Mirror):
        @property
        def _away(self) -> tuple[float, OSError] | None:
            return self.__dict__.pop("told", None)

        @_away.setter
        def _away(self, value: tuple[float, OSError] | None) -> None:
            self.__dict__["told"] = value

    mirrored.__class__ = Forgetting
    mirrored._away = time.monotonic(), OSError("gone")
    mirrored.shared = LocalStore(**{**vars(mirrored.shared), "patience": 60.0})
    mirrored({"event": "epoch", "trial": 0})


def test_a_file_that_is_deleted_while_its_folder_is_sent_is_passed_over(
    mirrored: Mirror, store: LocalStore
) -> None:
    """The report of an earlier session is."""
    mirrored._store(mirrored.run / records.REPORT / "index.html")
    assert store.read(f"{records.REPORT}/index.html") is None


def test_a_report_is_sent_whole_with_its_page_last(
    mirrored: Mirror, store: LocalStore, monkeypatch
) -> None:
    for name in ("index.html", "verdicts.json", "tables/trials.csv", ".report-x/index.html"):
        path = mirrored.run / records.REPORT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    sent: list[str] = []
    monkeypatch.setattr(mirrored, "_store", lambda path: path.is_dir() or sent.append(path.name))
    mirrored._send(ended=False)
    assert sent == ["trials.csv", "verdicts.json", "index.html", records.JOURNAL]
