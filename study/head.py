"""Watching the head of a cluster, without which nothing goes on.

Where it is gone, Ray waits for it for a minute or more, in calls that cannot be interrupted,
and may then end the process without a word. So it is asked from here, by no means of Ray's.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator

from rich.console import Console

from trainables.errors import FAILED, UserError

EVERY = 2.0  # seconds between two looks
PATIENCE = 15.0  # seconds without an answer, until the head counts as lost
GRACE = 20.0  # seconds that Ray then has to let go of this process


@contextlib.contextmanager
def watched(address: str, leave: Callable[[], object], own: bool = False) -> Iterator[None]:
    """While the context lasts: a UserError where the head at "host:port" is lost.

    leave: lets go of the cluster at the end. own: the head was started here. Bounded: where Ray
    holds on to the main thread, the line is printed and the process ended from here, FAILED; the
    journal is whole then, and the tables are made by the next command.
    """
    over, lost, gone = threading.Event(), threading.Event(), False
    line = lost_line(address, own)
    watch = threading.Thread(target=_watch, args=(address, line, over, lost), daemon=True)
    watch.start()
    try:
        yield
    except UserError:
        raise
    except BaseException as error:
        by_hand = isinstance(error, KeyboardInterrupt)
        gone = lost.is_set() or not (by_hand or answers(address))
        if not gone:
            raise
        raise UserError(line, FAILED) from None
    finally:
        if not gone:
            over.set()  # leaving in good order takes the head of an own cluster along
        with contextlib.suppress(*[KeyboardInterrupt] * gone):  # the watch's own
            leave()
        over.set()
        watch.join()


def answers(address: str) -> bool:
    """Whether anybody listens at "host:port"."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=EVERY):
            return True
    except OSError:
        return False


def _watch(address: str, line: str, over: threading.Event, lost: threading.Event) -> None:
    heard = time.monotonic()
    while time.monotonic() - heard < PATIENCE:
        if over.wait(EVERY):
            return
        if answers(address):
            heard = time.monotonic()
    lost.set()
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, signal.SIGINT)
    if not over.wait(GRACE):
        Console().show_cursor()  # which a live panel hides
        print(f"error: {line}", file=sys.stderr, flush=True)
        os._exit(FAILED)


def lost_line(address: str, own: bool = False) -> str:
    """What the user is told of a lost head."""
    if own:
        return "this run's own Ray is gone; what was finished is kept: give the same command again"
    return (
        f"the head of the Ray cluster at {address} is gone; what was finished is kept: "
        "start the cluster again and give the same command"
    )
