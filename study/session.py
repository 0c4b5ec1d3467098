"""One sitting at a run directory: opening it, locking it, and leaving it whole."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from study import records, run_tables
from study.journal import Journal
from trainables.errors import FAILED, UserError

LOCK = "lock"


def open_directory(storage: Path, run_id: str) -> Path:
    """Create `<storage>/<run id>`; UserError where it cannot be written."""
    run = storage / run_id
    try:
        run.mkdir(parents=True, exist_ok=True)
        probe = run / ".writable"
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
    except OSError as error:
        raise UserError(not_written(storage, str(error.strerror)), FAILED) from None
    return run


def not_written(storage: str | Path, why: str) -> str:
    """The line for a --storage that cannot be written."""
    return f"--storage {storage}: cannot write there ({why}); choose another folder"


@contextlib.contextmanager
def locked(run: Path, *unimportant: str) -> Iterator[None]:
    """Hold the run directory; UserError where another process does. Released by any death.

    A directory in which nothing was begun, because the data could not be read, say, is
    taken away again; nothing but `unimportant` files is nothing, too.
    """
    with unless_locked(run) as free:
        if not free:
            raise UserError(
                f"{run} is being written by another process; wait for it or stop it", FAILED
            )
        try:
            yield
        finally:
            if {path.name for path in run.iterdir()} <= {LOCK, *unimportant}:
                shutil.rmtree(run, ignore_errors=True)


@contextlib.contextmanager
def unless_locked(run: Path) -> Iterator[bool]:
    """Hold the run directory where no other process does; whether it is held now."""
    with open(run / LOCK, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def being_written(run: Path) -> bool:
    """Whether a process holds the run directory, as far as can be seen; nothing is written.

    It is asked by a lock of many readers, for a moment, in which a run that begins is refused.
    """
    try:
        with open(run / LOCK) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # there is none, or it is not for this user to read
        return False
    return False


def unwritable(run: Path) -> str:
    """Why a run directory cannot be made or written, as far as can be seen; "" where it can.

    Nothing is tried, so of a full disk, say, only the run itself tells.
    """
    there = next(folder for folder in (run, *run.absolute().parents) if os.path.lexists(folder))
    try:
        if not there.is_dir():
            return os.strerror(errno.ENOTDIR)
        if os.statvfs(there).f_flag & os.ST_RDONLY:
            return os.strerror(errno.EROFS)
        return "" if os.access(there, os.W_OK | os.X_OK) else os.strerror(errno.EACCES)
    except OSError as error:
        return str(error.strerror)


def existing_manifest(run: Path) -> records.Manifest | None:
    """The manifest of an earlier session, or None for a new run."""
    return records.read_manifest(run) if (run / records.MANIFEST).exists() else None


def check_same_data(run: Path, before: records.Manifest, content_hash: str) -> None:
    """UserError where the data changed since the run began: its trials would not compare."""
    begun_on = str(before.data.get("content_hash", "unknown"))
    if begun_on != content_hash:
        raise UserError(
            f"{run} was begun on other data (content hash {begun_on[:12]}, "
            f"now {content_hash[:12]}); give the new run another --name, or restore the data",
            FAILED,
        )


@contextlib.contextmanager
def recorded(run: Path, manifest: records.Manifest, journal: Journal) -> Iterator[None]:
    """Keep manifest and tables true to what happened, however the session ends."""
    start, before = time.monotonic(), manifest.seconds
    manifest.status = "running"
    journal.patiently(lambda: records.write_manifest(run, manifest))

    def leave_whole() -> None:
        manifest.seconds = before + time.monotonic() - start
        write_tables(run, journal)
        records.write_manifest(run, manifest)

    try:
        yield
        journal.check()  # Ray goes on after some errors
        if manifest.status == "running":  # whoever left something out has said so
            manifest.status = "complete"
        journal.patiently(leave_whole)
        with contextlib.suppress(OSError):  # not there, or not empty
            (run / records.CHECKPOINTS).rmdir()
    except BaseException:
        manifest.status = "interrupted"
        with contextlib.suppress(OSError):  # what ended it counts; the journal has it all
            leave_whole()
        journal.check()  # Ray says in its own words what storage did
        raise


def write_tables(run: Path, journal: Journal) -> None:
    """Make `epochs.parquet` and `trials.parquet` from the journal."""
    epochs, trials = run_tables.from_journal(journal.lines)
    run_tables.write(run / records.EPOCHS, epochs)
    run_tables.write(run / records.TRIALS, trials)
