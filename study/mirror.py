"""A run in an object store, worked on in a local copy that is kept level with it.

The driver reads and writes the copy, as it would any run directory; a thread sends what has
changed. Workers read and write the store itself. What is stored is whole at any time: the
journal is sent before its manifest, and a trial's state is deleted only once the journal that
says so is there.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from study import records, session, stored
from study.lease import OWN, Lease
from trainables.errors import FAILED, UserError
from trainables.patience import Say, StorageError, fault_of, gone, patiently, reason, refuses
from trainables.storage import Folder, stored_bytes

SEND_SECONDS = 5.0
SHARE = 10  # a sending that takes long is followed by a pause of so many times as long
PATIENCE_INTERRUPTED = 15.0  # seconds that an interrupted run tries to send its last events

# Sent when they have changed, in this order; what only this machine needs is not.
_SENT = (
    *("ray.log", records.EPOCHS, records.TRIALS, records.SAMPLES, records.OPTUNA_DB),
    # Its page says that all else of a report is there; what is hidden is half written.
    *(f"{records.REPORT}/{name}" for name in ("[!.]*/*", "*.json", "*.html")),
    *(records.JOURNAL, records.MANIFEST),
)


@contextlib.contextmanager
def mirrored(storage: str, run_id: str, say: Say) -> Iterator[Mirror]:
    """The local copy of a stored run, level with it, and kept so until the context is left.

    UserError where the store cannot be reached or written, or somebody else writes the run.
    """
    shared = stored.folder_of(storage) / run_id
    stored.require_reachable(shared)
    run = stored.copy_of(shared)
    session.open_directory(run.parent, run.name)
    with session.locked(run, OWN):
        lease = Lease(shared, run)
        try:
            lease.take()
        except OSError as error:
            raise UserError(f"{shared}: cannot write there ({reason(error)})", FAILED) from None
        say(f"{shared} is kept level with {run}")
        mirror = Mirror(run, shared, lease, say)
        try:
            mirror.start()
        except BaseException:  # a copy that is not level is not sent
            mirror.give_free()
            raise
        try:
            yield mirror
        except BaseException as error:
            mirror.leave(error)
            raise
        mirror.finish(shared.patience)


class Mirror:
    """Sends a run's changes while it runs; see `study.place.Place`."""

    def __init__(self, run: Path, shared: Folder, lease: Lease, say: Say) -> None:
        self.run, self.shared = run, shared
        self._lease, self._say = lease, say
        self._sent: dict[str, tuple[int, int]] = {}
        self._actions: list[Callable[[], object]] = []
        self._signed = time.monotonic()
        self._sending = threading.Lock()  # held by who sends or fetches
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep_level, daemon=True)
        self._away: tuple[float, OSError] | None = None  # since when, and why
        self._lost: StorageError | None = None
        self._cells_due = False  # whether a worker may have written one

    def start(self) -> None:
        """Bring the copy level with what is stored, then begin to send what changes."""
        stored.fetch(self.shared, self.run, self._say)
        there = patiently(
            lambda: stored.listing(self.shared), self.shared, self.shared.patience, self._say
        )
        self._sent = {name: (info.size, info.mtime_ns) for name, info in there.items()}
        self._thread.start()

    def once_recorded(self, action: Callable[[], object]) -> None:
        """See `Place`: done once the journal, as it is now, is stored."""
        self._actions.append(action)

    def bring_results(self) -> None:
        """See `Place`."""

        def bring() -> None:
            self._send(ended=False)  # the best weights may be about to be moved
            with self._sending:
                there = stored.listing(self.shared)
                files = {n: i for n, i in there.items() if n.split("/")[0] in stored.RESULTS}
                stored.bring(self.shared, self.run, files)

        patiently(bring, self.shared, self.shared.patience, self._say)

    def __call__(self, event: dict[str, Any]) -> None:
        """See `Place`."""
        self._cells_due |= event["event"] == "end"
        if self._lost:
            raise self._lost
        away = self._away  # once: the other thread may find the store back
        if away and time.monotonic() - away[0] > self.shared.patience:
            raise gone(self.shared, away[1], self.shared.patience)

    def finish(self, seconds: float) -> None:
        """Send the rest and give the run free; StorageError where that fails for so long."""
        self._stop.set()
        self._thread.join()
        if self._lost:
            raise self._lost

        def send() -> None:
            self._lease.renew()
            self._send(ended=True)

        patiently(send, self.shared, seconds, self._say)
        self._note_back()  # a short run may end before the thread finds the store back
        self.give_free()

    def give_free(self) -> None:
        """Let others write the run at once."""
        with contextlib.suppress(OSError):  # after a while they may in any case
            self._lease.release()

    def leave(self, error: BaseException) -> None:
        """`finish` for a run that ends by an error, which counts more than what comes of it."""
        try:
            self.finish(0.0 if isinstance(error, StorageError) else PATIENCE_INTERRUPTED)
        except StorageError:
            self._say(f"not everything was sent; the same command sends the rest of {self.run}")

    def _keep_level(self) -> None:
        due = time.monotonic()
        while not self._stop.wait(SEND_SECONDS):
            start = time.monotonic()
            try:
                self._renew()
                if start >= due:
                    self._send(ended=False)
                    self._bring_cells()
                    due = start + SHARE * (time.monotonic() - start)
            except StorageError as error:
                self._lost = error
                return
            except Exception as error:
                if self._note_away(error):
                    return
            else:
                self._note_back()

    def _bring_cells(self) -> None:
        """Fetch what workers wrote of cells that have ended: W&B's process waits for it."""
        if self._cells_due:
            self._cells_due = False
            with self._sending:  # `bring_results` may be about to fetch the same files
                cells = stored.listing(self.shared, records.CELLS)
                stored.bring(self.shared, self.run, cells)

    def _note_away(self, error: Exception) -> bool:
        """Begin to wait for the store; whether there is nothing to wait for."""
        fault = fault_of(error) or OSError(str(error))
        if refuses(fault):
            self._lost = gone(self.shared, fault, self.shared.patience)
        elif not self._away:
            self._away = time.monotonic(), fault
            self._say(
                f"{self.shared}: {reason(fault)}; trying again for {self.shared.patience:.0f} s, "
                f"all is kept in {self.run}"
            )
        return self._lost is not None

    def _note_back(self) -> None:
        """Say, where the store was away, that it is not any more."""
        if self._away:
            self._say(f"{self.shared} can be used again")
        self._away = None

    def _renew(self) -> None:
        if time.monotonic() - self._signed >= SEND_SECONDS:
            self._lease.renew()
            self._signed = time.monotonic()

    def _send(self, ended: bool) -> None:
        """Store what has changed, then do what had to wait for that."""
        with self._sending:
            ready = len(self._actions)
            for pattern in _SENT:
                if pattern == records.OPTUNA_DB and not ended:
                    continue  # it is made anew from the journal, see `stored.fetch`
                for path in sorted(self.run.glob(pattern)):
                    self._store(path)
            for _ in range(ready):
                self._renew()
                self._actions[0]()
                del self._actions[0]

    def _store(self, path: Path) -> None:
        name = path.relative_to(self.run).as_posix()
        try:
            state = (path.stat().st_size, path.stat().st_mtime_ns)
            if path.is_dir() or self._sent.get(name) == state:
                return
            content = _content(path)
        except FileNotFoundError:  # of a report that is about to be another
            return
        self._renew()
        self.shared.write(name, stored_bytes(content))
        self._sent[name] = state


def _content(path: Path) -> bytes:
    """A file's bytes as of one moment, also where this process is writing it."""
    if path.name == records.OPTUNA_DB:
        with contextlib.closing(sqlite3.connect(path)) as database:
            return database.serialize()
    data = path.read_bytes()
    return data[: data.rfind(b"\n") + 1] if path.name == records.JOURNAL else data
