"""The watch on the head: one error in bounded time, whatever Ray does meanwhile."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import ray

from study import cluster, head
from tests.study.commands import ROOT
from trainables.errors import FAILED, UserError


@pytest.fixture
def listening() -> socket.socket:
    """Somebody who listens, as a head does."""
    return socket.create_server(("127.0.0.1", 0))


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    monkeypatch.setattr(head, "EVERY", 0.05)
    monkeypatch.setattr(head, "PATIENCE", 0.3)


def address_of(listener: socket.socket) -> str:
    return f"127.0.0.1:{listener.getsockname()[1]}"


def test_a_head_that_answers_is_no_error(listening: socket.socket) -> None:
    left = []
    with listening, head.watched(address_of(listening), leave=lambda: left.append(1)):
        time.sleep(0.6)
    assert left == [1]


def lose(listening: socket.socket, leave: Callable[[], object], then: Callable[[], object]) -> None:
    with head.watched(address_of(listening), leave):
        listening.close()
        then()


def test_a_lost_head_interrupts_what_waits_for_it(listening: socket.socket) -> None:
    left: list[int] = []
    with pytest.raises(UserError, match=r"the head of the Ray cluster .* is gone") as raised:
        lose(listening, lambda: left.append(1), lambda: time.sleep(30))
    assert raised.value.exit_code == FAILED
    assert left == [1]


def test_who_lost_a_ray_of_their_own_is_not_told_to_start_a_cluster() -> None:
    with (
        pytest.raises(UserError, match=r"own Ray is gone; .*: give the same command again$"),
        head.watched("127.0.0.1:1", lambda: None, own=True),
    ):
        raise ConnectionError("RpcError 14")


@pytest.mark.parametrize("address", [None, "auto"])
def test_the_watch_knows_whose_head_it_is(monkeypatch, address: str | None) -> None:
    told = []

    def watched(gcs: str, leave: object, own: bool) -> contextlib.nullcontext[None]:
        told.append(own)
        return contextlib.nullcontext()

    context = SimpleNamespace(gcs_address="127.0.0.1:1")
    monkeypatch.setattr(ray, "init", lambda *args, **options: None)
    monkeypatch.setattr(ray, "get_runtime_context", lambda: context)
    monkeypatch.setattr(cluster.loopback, "closed", lambda: contextlib.nullcontext({}))
    monkeypatch.setattr(head, "watched", watched)
    with contextlib.ExitStack() as stack:
        cluster._init(address, stack)
    assert told == [address is None]


def test_what_ray_raises_of_a_lost_head_is_the_same_error(listening: socket.socket) -> None:
    def refused() -> None:
        raise ConnectionError("RpcError 14")

    with pytest.raises(UserError, match="is gone"):
        lose(listening, lambda: None, refused)


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, UserError])
def test_other_errors_pass(listening: socket.socket, error: type[BaseException]) -> None:
    with (
        listening,
        pytest.raises(error, match="of its own"),
        head.watched(address_of(listening), leave=lambda: None),
    ):
        raise error("of its own")


def test_where_ray_does_not_let_go_the_process_ends_all_the_same() -> None:
    code = (
        "import signal, time\n"
        "from study import head\n"
        "head.EVERY, head.PATIENCE, head.GRACE = 0.05, 0.2, 0.2\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "with head.watched('127.0.0.1:1', leave=lambda: None):\n"
        "    time.sleep(60)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=50
    )
    assert done.returncode == FAILED
    assert done.stderr.splitlines() == [f"error: {head.lost_line('127.0.0.1:1')}"]
