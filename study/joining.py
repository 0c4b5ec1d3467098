"""Joining a cluster at an address where there may be none, or something that is not Ray."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import time
from collections.abc import Callable, Iterator

from study.native import kept_from_terminal
from trainables.errors import in_a_line

KNOCK_SECONDS = 10.0  # for a cluster's head to take a connection
ANSWER_SECONDS = 2.0  # for its first bytes on that; a busy one may take longer, and is let be
# How a client opens HTTP/2, which gRPC is made of, with an empty SETTINGS frame. A server's first
# frame is SETTINGS, too: its fourth byte is 4 (RFC 9113, sections 3.4 and 4.1).
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
_SETTINGS = b"\x04"


def knock(address: str | None) -> None:
    """ConnectionError where nobody listens, or somebody else: Ray would ask for minutes.

    A head that is started along with this command is given a little time.
    """
    host, colon, port = (address or "").removeprefix("ray://").rpartition(":")
    if not (colon and port.isdecimal()):  # auto, say
        return
    deadline = time.monotonic() + KNOCK_SECONDS
    while True:
        try:
            connection = socket.create_connection((host.strip("[]"), int(port)), KNOCK_SECONDS)
            break
        except OSError as error:
            if time.monotonic() >= deadline:
                raise ConnectionError(f"nobody answers there ({error.strerror or error})") from None
        time.sleep(0.5)
    with connection:
        if not _may_be_ray(connection):
            raise ConnectionError(
                "what answers there is not Ray; name the port of its head (mostly 6379)"
            )


def _may_be_ray(connection: socket.socket) -> bool:
    """Whether the other side opens HTTP/2, or says nothing that would tell."""
    if os.environ.get("RAY_USE_TLS", "").lower() in ("1", "true"):
        return True  # it would have to be asked in TLS
    connection.settimeout(ANSWER_SECONDS)
    answer = b""
    with contextlib.suppress(OSError):
        connection.sendall(_PREFACE)
        while len(answer) < 4 and (more := connection.recv(64)):
            answer += more
    return len(answer) < 4 or answer[3:4] == _SETTINGS


@contextlib.contextmanager
def explained() -> Iterator[Callable[[], str]]:
    """Within, Ray joins; gives what its C++ said meanwhile, a line for each of its attempts.

    The last is part of the ConnectionError that a failure becomes: of a wrong token, say, Ray's
    own exception tells nothing.
    """
    with kept_from_terminal() as said:
        try:
            yield said
        except Exception as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            *_, last = ["", *said().splitlines()]
            last = re.sub(r"^\[[^]]*\] |\S+:\d+: ", "", last, count=2)  # when, and where in C++
            why = f" ({in_a_line(last, 240)})" if last else ""
            raise ConnectionError(f"{reason}{why}") from error
