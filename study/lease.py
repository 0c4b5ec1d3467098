"""Who writes a stored run: an object with a sign of life, since an object store has no locks.

Two writers see each other wherever they are; only one that is cut off from the store for
longer than STALE_SECONDS can be taken for dead, and it finds out when it is back. Of writers
that come at the same time one goes on, or none; never two: each looks after it has signed.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import uuid
from pathlib import Path

from study import records
from study.stored import LEASE, listing
from trainables.errors import FAILED, UserError
from trainables.patience import StorageError
from trainables.storage import Folder, stored_bytes

OWN = ".lease"  # the name of this copy of the run, in the copy
STALE_SECONDS = 30.0


class Lease:
    """The right to write a stored run, for the copy of it that this process has locked.

    A copy keeps its name, so what a killed process of this machine left does not bar the
    next one. Times are the store's own: no clock of a machine is compared with another's.
    """

    def __init__(self, stored: Folder, run: Path) -> None:
        self._stored = stored
        file = run / OWN
        if not file.exists():
            records.replace_file(file, uuid.uuid4().hex.encode())
        self._name = f"{LEASE}/{file.read_text()}"
        self._sure = 0  # the store's time of our last sign that was found to stand alone, ns

    def take(self) -> None:
        """Take it; UserError where somebody else has it and was alive a moment ago."""
        self._sign()
        ours, others = self._signs()
        for name, at in others.items():
            if ours - at < STALE_SECONDS * 1e9 and (other := self._who(name)):
                self.release()
                raise UserError(
                    f"{self._stored} is being written by {other}; wait for it or stop it (one "
                    f"that was killed holds the run for {STALE_SECONDS:.0f} s)",
                    FAILED,
                )
        for name in others:
            self._delete(name)  # whoever is back and finds it gone was overtaken
        self._sure = ours

    def renew(self) -> None:
        """Show that the writer is alive; StorageError where another one has taken over.

        It looks before it signs, so that one that was overtaken leaves no fresh sign for its
        successor to find, and again afterwards, since it may be overtaken in between. A sign
        that is not much newer than ours is of one that is about to be refused.
        """
        self._check_not_overtaken()
        self._sign()
        self._sure = self._check_not_overtaken()

    def release(self) -> None:
        """Let others write at once."""
        self._delete(self._name)

    def _sign(self) -> None:
        who = {"host": socket.gethostname(), "pid": os.getpid()}
        self._stored.write(self._name, stored_bytes(json.dumps(who).encode()))

    def _check_not_overtaken(self) -> int:
        """The time of our sign; StorageError, and none is left, where we were overtaken."""
        ours, others = self._signs()
        taken = [name for name, at in others.items() if at - self._sure >= STALE_SECONDS * 1e9]
        if ours and not taken:
            return ours
        if ours:
            self.release()
        other = next(filter(None, map(self._who, taken)), "another process")
        raise StorageError(
            f"{self._stored} is now being written by {other}: this one stops, and what it "
            "had not sent is kept; wait for the other, or stop it, and run it again"
        )

    def _signs(self) -> tuple[int, dict[str, int]]:
        """The store's times of our sign (0: it is gone) and of all others by name, ns."""
        times = {name: info.mtime_ns for name, info in listing(self._stored, LEASE).items()}
        return times.pop(self._name, 0), times

    def _who(self, name: str) -> str | None:
        """Host and process of another writer, or None where it has just let go."""
        if said := self._stored.read(name):
            who = json.loads(said)
            return f"process {who['pid']} on {who['host']}"
        return None

    def _delete(self, name: str) -> None:
        system, path = self._stored.connect()
        with contextlib.suppress(FileNotFoundError):
            system.delete_file(f"{path}/{name}")
