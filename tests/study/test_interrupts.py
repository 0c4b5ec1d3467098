"""^C where Python, or a library, would drop it, or would not bear it."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from unittest import mock

import pytest

from study import interrupts
from study.interrupts import heeded, undisturbed


def interrupted(swallowed: bool) -> bool:
    """Whether a block that is interrupted, and may swallow that, is left with the interrupt."""
    try:
        with heeded():
            with contextlib.suppress(*[KeyboardInterrupt] * swallowed):
                signal.raise_signal(signal.SIGINT)
            assert swallowed, "went on after the interrupt"
    except KeyboardInterrupt:
        return True
    return False


@pytest.mark.parametrize("swallowed", [True, False])
def test_an_interrupt_is_heeded_at_the_latest_at_the_end(swallowed: bool) -> None:
    before = signal.getsignal(signal.SIGINT)
    assert interrupted(swallowed)
    assert signal.getsignal(signal.SIGINT) == before


class InterruptedAtItsEnd:
    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


def interrupted_by_an_end() -> bool:
    """Whether a block whose object is interrupted in its finaliser is left with the interrupt."""
    try:
        with heeded():
            ended = InterruptedAtItsEnd()
            del ended
    except KeyboardInterrupt:
        return True
    return False


def test_an_interrupt_that_python_drops_is_heeded_without_a_page_of_output() -> None:
    told = []
    with mock.patch.object(sys, "unraisablehook", told.append):
        assert interrupted_by_an_end()
        assert told == []
        ended = InterruptedAtItsEnd()
        del ended
    assert len(told) == 1


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with heeded():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_an_interrupt_counts_more_than_the_error_that_follows_it() -> None:
    def fails() -> None:
        with heeded():
            with contextlib.suppress(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
            raise ValueError("of what was interrupted")

    with pytest.raises(KeyboardInterrupt):
        fails()


def test_a_second_sigterm_is_ignored_as_it_is_elsewhere() -> None:
    before = signal.signal(signal.SIGTERM, interrupts._interrupt)
    try:
        with pytest.raises(KeyboardInterrupt), heeded():
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_interrupt_as_the_handlers_are_changed_is_heeded(monkeypatch) -> None:
    really = signal.signal

    def interrupted_then(number: int, handler: object) -> object:
        had = really(number, handler)
        if number == signal.SIGTERM:
            monkeypatch.undo()
            signal.raise_signal(signal.SIGINT)
        return had

    before = signal.getsignal(signal.SIGINT), signal.signal(signal.SIGTERM, interrupts._interrupt)
    monkeypatch.setattr(interrupts.signal, "signal", interrupted_then)
    try:
        with pytest.raises(KeyboardInterrupt), heeded():
            pass
        assert signal.getsignal(signal.SIGINT) == before[0]
        assert signal.getsignal(signal.SIGTERM) == interrupts._interrupt
    finally:
        really(signal.SIGTERM, before[1])


def test_without_an_interrupt_nothing_is_raised() -> None:
    with heeded():
        pass


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_undisturbed_comes_to_its_end_and_is_interrupted_then(number: int) -> None:
    done = []

    def writes() -> None:
        with undisturbed():
            signal.raise_signal(number)
            done.append("written")
        done.append("went on")

    before = signal.signal(signal.SIGTERM, interrupts._interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            writes()
        assert done == ["written"]
        with pytest.raises(KeyboardInterrupt):  # the handlers are back
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_error_of_what_is_undisturbed_takes_no_interrupt_along() -> None:
    def fails() -> None:
        with undisturbed():
            signal.raise_signal(signal.SIGINT)
            raise ValueError("of what was to be undisturbed")

    with pytest.raises(KeyboardInterrupt):
        fails()


def test_a_thread_is_undisturbed_as_it_is() -> None:
    done = []

    def writes() -> None:
        with undisturbed():
            done.append("written")

    thread = threading.Thread(target=writes)
    thread.start()
    thread.join()
    assert done == ["written"]
