"""What downloads share."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

TIMEOUT = 30.0  # seconds without a byte before a download is given up


@contextlib.contextmanager
def time_limit() -> Iterator[None]:
    """torchvision's downloads wait for ever by themselves."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
