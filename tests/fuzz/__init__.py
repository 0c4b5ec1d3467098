"""Inputs as people, editors, disks and networks leave them, made by Hypothesis.

What is asked of every reader: a right answer or one clear UserError, never another exception
and never a wait without end. FUZZ_TIMES=N tries N times as many examples.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from trainables.errors import UserError

T = TypeVar("T")


class NoAnswer(BaseException):
    """Not an Exception: what is too slow must not be caught on the way."""


TIMES = int(os.environ.get("FUZZ_TIMES", "1"))
LONGEST = 120  # seconds that one input may take, on a machine that does other things too

# What JSON and TOML can hold, and where numbers, texts and lists are mixed up.
LARGE = [10**19, 10**400, -(10**400)]
numbers = st.one_of(st.integers(-3, 12), st.floats(), st.sampled_from(LARGE))
texts = st.one_of(st.text(max_size=8), st.sampled_from(["", "completed", "tiny", "val_loss"]))
scalars = st.one_of(st.booleans(), numbers, texts)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def examples(count: int) -> settings:
    """Settings of a test that tries so many inputs, or FUZZ_TIMES as many."""
    # Explaining a failure traces every line, which takes longer than an input may.
    phases = [phase for phase in Phase if phase is not Phase.explain]
    most = count * TIMES
    return settings(max_examples=most, phases=phases, suppress_health_check=list(HealthCheck))


@contextlib.contextmanager
def in_time() -> Iterator[None]:
    """NoAnswer where the block takes longer than LONGEST."""

    def late(*_: object) -> None:
        raise NoAnswer(f"no answer within {LONGEST} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LONGEST)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def answer(action: Callable[[], T], most_lines: int = 1) -> T | None:
    """What `action` returns, or None where it refused in so many clear lines."""
    with in_time():
        try:
            return action()
        except UserError as error:
            lines = str(error).split("\n")
            assert len(lines) <= most_lines, lines
            for line in lines:
                assert line.strip(), "an empty line"
                assert line.isprintable(), line
                assert len(line) < 2000, line
            return None


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """The bytes with a few places changed, put in or cut out, or without their end."""
    found = bytearray(data)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(found)))
        kind = draw(st.sampled_from(["flip", "insert", "cut", "end", "zeros"]))
        if kind == "flip" and at < len(found):
            found[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "insert":
            found[at:at] = draw(st.binary(min_size=1, max_size=12))
        elif kind == "cut":
            del found[at : at + draw(st.integers(1, 40))]
        elif kind == "end":
            del found[at:]
        else:
            found[at : at + 8] = bytes(8)
    return bytes(found)


@st.composite
def changed(draw: st.DrawFn, tree: Any) -> Any:
    """A value like `tree` (of dictionaries, lists and scalars) with a few nodes replaced."""
    for _ in range(draw(st.integers(1, 3))):
        tree = _changed_once(draw, tree)
    return tree


def _changed_once(draw: st.DrawFn, node: Any) -> Any:
    inside = list(node) if isinstance(node, dict) else range(len(node)) if _is_list(node) else []
    if not inside or draw(st.integers(0, 5)) == 0:
        return draw(values)
    key = draw(st.sampled_from(list(inside)))
    copy = dict(node) if isinstance(node, dict) else list(node)
    if draw(st.integers(0, 3)) == 0:
        del copy[key]
    else:
        copy[key] = _changed_once(draw, node[key])
    return copy


def _is_list(node: Any) -> bool:
    return isinstance(node, list) and bool(node)
