"""Who writes a stored run: an object with a sign of life, since an object store has no locks.

Two writers see each other wherever they are; only one that is cut off from the store for
longer than STALE_SECONDS can be taken for dead, and it finds out when it is back.
"""

from __future__ import annotations

import json
import os
import socket
import uuid
from pathlib import Path

from study import records
from study.stored import LEASE, listing
from trainables.errors import FAILED, UserError
from trainables.storage import Folder, StorageError, stored_bytes

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

    def take(self) -> None:
        """Take it; UserError where somebody else has it and was alive a moment ago."""
        self._sign()
        if other := self._other():
            self.release()
            raise UserError(
                f"{self._stored} is being written by {other}; wait for it or stop it (one that "
                f"was killed holds the run for {STALE_SECONDS:.0f} s)",
                FAILED,
            )

    def renew(self) -> None:
        """Show that the writer is alive; StorageError where another one has taken over."""
        self._sign()
        if other := self._other():
            raise StorageError(
                f"{self._stored} is now being written by {other}: this one stops, and what it "
                "had not sent is kept; wait for the other, or stop it, and run it again"
            )

    def release(self) -> None:
        """Let others write at once."""
        system, path = self._stored.connect()
        system.delete_file(f"{path}/{self._name}")

    def _sign(self) -> None:
        who = {"host": socket.gethostname(), "pid": os.getpid()}
        self._stored.write(self._name, stored_bytes(json.dumps(who).encode()))

    def _other(self) -> str | None:
        """Host and process of another one that was alive STALE_SECONDS before our sign."""
        found = listing(self._stored, LEASE)
        ours = found.pop(self._name)
        for name, info in found.items():
            if ours.mtime_ns - info.mtime_ns < STALE_SECONDS * 1e9 and (
                said := self._stored.read(name)
            ):
                who = json.loads(said)
                return f"process {who['pid']} on {who['host']}"
        return None
