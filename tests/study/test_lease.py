"""One writer of a stored run, or none for a moment, and never two; times are the store's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from study import lease
from study.lease import STALE_SECONDS, Lease
from tests.study.local_store import LocalStore, local_store
from trainables.errors import UserError
from trainables.patience import StorageError

BEING = "is being written by process"
OVERTAKEN = "is now being written by"


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return local_store(tmp_path / "store")


@pytest.fixture
def leases(store: LocalStore, tmp_path: Path) -> list[Lease]:
    """Of copies on three machines."""
    made = []
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
        made.append(Lease(store, tmp_path / name))
    return made


def signs(store: LocalStore) -> list[Path]:
    return list(Path(store.connect()[1]).glob("lease/*"))


def refused(action: Callable[[], object], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        action()


def before(one: Lease, monkeypatch, method: str, action: Callable[[], object]) -> None:
    """Once, let somebody else act in front of a step of this one's."""
    truly = getattr(one, method)

    def step() -> object:
        monkeypatch.setattr(one, method, truly)
        action()
        return truly()

    monkeypatch.setattr(one, method, step)


def test_a_refused_second_writer_leaves_no_sign_and_never_ends_the_first(
    store: LocalStore, leases: list[Lease]
) -> None:
    leases[0].take()
    for _ in range(3):
        store.clock.now += STALE_SECONDS - 1  # the first one's sign is nearly stale
        refused(leases[1].take, UserError, BEING)
        assert len(signs(store)) == 1
        leases[0].renew()


def test_the_sign_of_one_that_is_about_to_be_refused_does_not_end_the_first(
    store: LocalStore, leases: list[Lease]
) -> None:
    leases[0].take()
    store.clock.now += 5
    leases[1]._sign()
    leases[0].renew()
    leases[0].renew()


def test_an_overtaken_writer_stops_without_a_sign_and_its_successor_goes_on(
    store: LocalStore, leases: list[Lease]
) -> None:
    leases[0].take()
    store.clock.now += STALE_SECONDS
    leases[1].take()
    for _ in range(2):
        store.clock.now += STALE_SECONDS  # also where the successor is slow
        refused(leases[0].renew, StorageError, f"{OVERTAKEN} process")
        assert len(signs(store)) == 1
        leases[1].renew()


def test_who_comes_back_after_its_successor_has_ended_notices(
    store: LocalStore, leases: list[Lease]
) -> None:
    leases[0].take()
    store.clock.now += STALE_SECONDS
    leases[1].take()
    leases[1].release()
    refused(leases[0].renew, StorageError, f"{OVERTAKEN} another process")


@pytest.mark.parametrize("lost", [False, True])
def test_of_one_that_comes_back_and_one_that_takes_over_just_then_one_goes_on(
    store: LocalStore, leases: list[Lease], monkeypatch, lost: bool
) -> None:
    """The second takes it between the first one's look and its sign, of which no answer comes."""
    leases[0].take()
    store.clock.now += STALE_SECONDS
    before(leases[0], monkeypatch, "_sign", leases[1].take)
    if lost:
        truly, answers = lease.listing, iter([True, True, False])

        def listing(*arguments: object) -> object:
            if not next(answers, True):
                raise OSError("no answer")
            return truly(*arguments)

        monkeypatch.setattr(lease, "listing", listing)
        refused(leases[0].renew, OSError, "no answer")
    refused(leases[0].renew, StorageError, OVERTAKEN)
    leases[1].renew()
    assert len(signs(store)) == 1


@pytest.mark.parametrize("step", ["_sign", "_signs", "_delete"])
def test_two_that_take_a_dead_ones_run_at_once_do_not_both_get_it(
    store: LocalStore, leases: list[Lease], monkeypatch, step: str
) -> None:
    leases[2].take()
    store.clock.now += STALE_SECONDS
    got = []

    def take(index: int) -> None:
        try:
            leases[index].take()
        except UserError:
            return
        got.append(index)

    if step == "_delete":
        truly = leases[0]._delete
        monkeypatch.setattr(leases[0], "_delete", lambda name: (take(1), truly(name)))
    else:
        before(leases[0], monkeypatch, step, lambda: take(1))
    take(0)
    assert len(got) == 1
    leases[got[0]].renew()


def test_two_that_have_both_signed_before_they_look_are_both_refused(
    store: LocalStore, leases: list[Lease], monkeypatch
) -> None:
    for one, other in (leases[:2], leases[1::-1]):
        before(one, monkeypatch, "_signs", other._sign)
        refused(one.take, UserError, BEING)


def test_a_taker_that_was_away_after_its_sign_is_refused(
    store: LocalStore, leases: list[Lease], monkeypatch
) -> None:
    def another() -> None:
        store.clock.now += STALE_SECONDS
        leases[1].take()

    before(leases[0], monkeypatch, "_signs", another)
    refused(leases[0].take, UserError, BEING)
    leases[1].renew()
