"""^C and SIGTERM, neither lost nor in the wrong moment."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

_Handler = Callable[[int, FrameType | None], Any]
_Handlers = dict[int, _Handler]


def take_sigterm_for_interrupt() -> None:
    """From now on a scheduler's notice ends this process as ^C does, and only the first one."""
    signal.signal(signal.SIGTERM, _interrupt)


@contextlib.contextmanager
def heeded() -> Iterator[None]:
    """Within, neither ^C nor SIGTERM is lost: at the latest the end raises KeyboardInterrupt.

    Python drops an exception that is raised in a finaliser or a callback from C, of which
    drawing figures has many.
    """
    asked, before = False, _Handlers()

    def on_interrupt(signum: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True
        before[signum](signum, frame)  # ours ignores a second SIGTERM
        raise KeyboardInterrupt

    with _handled_by(on_interrupt, before), _dropped_without_a_word():
        try:
            yield
        finally:
            if asked:
                raise KeyboardInterrupt


@contextlib.contextmanager
def _dropped_without_a_word() -> Iterator[None]:
    """Within, Python tells of no KeyboardInterrupt that it drops."""
    tell = sys.unraisablehook

    def tell_of_others(dropped: sys.UnraisableHookArgs) -> None:
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            tell(dropped)

    sys.unraisablehook = tell_of_others
    try:
        yield
    finally:
        sys.unraisablehook = tell


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Within, ^C and SIGTERM wait for the end: for what is short and holds locks.

    Python raises KeyboardInterrupt also where a `threading.Condition` has just taken its lock,
    which then stays taken: whoever asks for it next, waits for ever.
    """
    came: list[tuple[int, FrameType | None]] = []
    before = _Handlers()
    try:
        with _handled_by(lambda signum, frame: came.append((signum, frame)), before):
            yield
    finally:
        for signum, frame in came:
            before[signum](signum, frame)


@contextlib.contextmanager
def _handled_by(handler: _Handler, before: _Handlers) -> Iterator[None]:
    """Have both signals handled by another; those that handled them are in `before` by then.

    What is ignored (of a job in the background) stays so, and what ends the process at once, too.
    Nothing changes in a thread: whoever runs this in one has ^C in another.
    """
    with contextlib.ExitStack() as restored:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if callable(had := signal.getsignal(number)):
                    before[int(number)] = had
                    restored.callback(_restore, number, handler, had)
                    signal.signal(number, handler)
        yield


def _restore(number: int, handler: _Handler, before: _Handler) -> None:
    if signal.getsignal(number) is handler:  # a second SIGTERM may be ignored by now
        signal.signal(number, before)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    signal.signal(signum, signal.SIG_IGN)
    raise KeyboardInterrupt
