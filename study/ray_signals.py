"""SIGTERM while Ray starts and ends, of which it takes possession."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any
from unittest import mock

from ray._private import node, utils


@contextlib.contextmanager
def kept_from_ray() -> Iterator[None]:
    """Within, Ray starts and ends without taking over what handles SIGTERM.

    While it starts it would end the process without a word, after 30 s where its node is up
    already; and as it ends, it leaves SIGTERM to kill the process. What Python has on record for
    the signal stays in force but for the milliseconds in which Ray's core changes it.
    """
    kill = node.Node.kill_all_processes

    def kill_interruptibly(self: node.Node, *args: Any, **options: Any) -> None:
        _reinstall()  # this takes a second, and Ray's core has ended by now
        kill(self, *args, **options)

    before = signal.getsignal(signal.SIGTERM)
    with contextlib.ExitStack() as restored:
        if threading.current_thread() is not threading.main_thread():
            pass  # Ray takes nothing there
        elif before is signal.SIG_DFL:  # a notebook's, say; Ray's own is better meanwhile
            restored.callback(signal.signal, signal.SIGTERM, before)
        else:
            patch = mock.patch.object
            restored.enter_context(patch(utils, "set_sigterm_handler", lambda handler: None))
            restored.enter_context(patch(node.Node, "kill_all_processes", kill_interruptibly))
            restored.callback(_reinstall)
        yield


def _reinstall() -> None:
    handler = signal.getsignal(signal.SIGTERM)
    if handler is not None:
        signal.signal(signal.SIGTERM, handler)
