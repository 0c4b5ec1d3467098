"""What C++ writes to the terminal by itself, which no logger and no `sys.stderr` sees."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator

STDERR = 2


@contextlib.contextmanager
def kept_from_terminal() -> Iterator[Callable[[], str]]:
    """Within, what goes to file descriptor 2 is kept; what is given tells it, also afterwards.

    Python's own words, a traceback of another thread say, go where they went before.
    """
    with tempfile.TemporaryFile() as file, contextlib.ExitStack() as until_restored:
        told = ""

        def words() -> str:
            return told if file.closed else _text(file.fileno())

        with contextlib.suppress(OSError):  # closed, by `2>&-`: nothing would be seen
            terminal = until_restored.enter_context(os.fdopen(os.dup(STDERR), "w", buffering=1))
            if _descriptor() == STDERR:
                sys.stderr.flush()
                until_restored.enter_context(contextlib.redirect_stderr(terminal))
            os.dup2(file.fileno(), STDERR)
            until_restored.callback(os.dup2, terminal.fileno(), STDERR)
        try:
            yield words
        finally:
            told = _text(file.fileno())


def _descriptor() -> int | None:
    """Where `sys.stderr` writes; None where that is no file, in a notebook say."""
    try:
        return sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):
        return None


def _text(descriptor: int) -> str:
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, size, 0).decode(errors="replace").strip()
