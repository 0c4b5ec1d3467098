"""Folders that all machines of a study reach, on a file system or in an object store.

Both are used alike: files are read and replaced as a whole. What fails for a while is tried
again, see `patiently`.
"""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar
from urllib.parse import urlsplit

from trainables.errors import FAILED, UserError
from trainables.object_store import client

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

T = TypeVar("T")
Say = Callable[[str], None]

_log = logging.getLogger(__name__)

OBJECT_STORES = ("s3", "gs")
PATIENCE = 120.0  # seconds that storage may be away before a run ends
PATIENCE_VARIABLE = "CROSSOVER_STORAGE_PATIENCE"
PAUSES = (0.5, 15.0)  # seconds between attempts: doubled from the first to the second

# Waiting mends none of these.
_LASTING = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR}
_REFUSED = {
    "ACCESS_DENIED",
    "INVALID_ACCESS_KEY_ID",
    "SIGNATURE_DOES_NOT_MATCH",
    "NO_SUCH_BUCKET",
}
_AMAZON = re.compile(r"AWS Error (\w+) during \w+ operation: ([^;(]*)")
_FULL = {errno.ENOSPC, errno.EDQUOT}


class StorageError(UserError):
    """Storage that stayed away, or refuses: the run cannot go on, what it wrote is kept."""

    def __init__(self, message: str):
        super().__init__(message, FAILED)


def is_uri(place: str | Path) -> bool:
    """Whether a place is named by a URI, and not a path."""
    return "://" in str(place)


def patience() -> float:
    """Seconds that storage may be away: $CROSSOVER_STORAGE_PATIENCE, else PATIENCE."""
    said = os.environ.get(PATIENCE_VARIABLE) or str(PATIENCE)
    try:
        seconds = float(said)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise UserError(f"{PATIENCE_VARIABLE} must be a number of seconds, got {said!r}")
    return seconds


@dataclass(frozen=True)
class Folder:
    """A folder by its absolute path, or by its URI (`s3://bucket/prefix?region=...`).

    A small value that travels to the workers. patience: seconds that it may be away, see
    `patiently`; the methods themselves try once. They raise OSError.
    """

    place: str
    patience: float = PATIENCE

    def __truediv__(self, name: str) -> Folder:
        base, mark, query = self.place.partition("?") if self.remote else (self.place, "", "")
        return Folder(f"{base.rstrip('/')}/{name}{mark}{query}", self.patience)

    def __str__(self) -> str:
        return self.place

    @property
    def remote(self) -> bool:
        """Whether it is in an object store."""
        return is_uri(self.place)

    def read(self, name: str) -> bytes | None:
        """A file's bytes, or None where there is no such file."""
        try:
            if not self.remote:
                return (Path(self.place) / name).read_bytes()
            system, path = self.connect()
            with system.open_input_stream(f"{path}/{name}") as stream:
                data: bytes = stream.read()
            return data
        except FileNotFoundError:
            return None

    def write(self, name: str, fill: Callable[[BinaryIO], object]) -> None:
        """Replace a file by what `fill` writes; a reader sees the old one or the new one."""
        if not self.remote:
            Path(self.place).mkdir(parents=True, exist_ok=True)
            # A name of its own: a node that was given up may still write its trial's state.
            temporary = Path(self.place) / f"{name}.{secrets.token_hex(8)}.part"
            try:
                with open(temporary, "wb") as file:
                    fill(file)
                os.replace(temporary, Path(self.place) / name)
            except BaseException:
                temporary.unlink(missing_ok=True)  # where the disk is full, its space is needed
                raise
            return
        content = io.BytesIO()  # first, since closing a stream would store what there is of it
        fill(content)
        system, path = self.connect()
        with system.open_output_stream(f"{path}/{name}") as stream:
            stream.write(content.getbuffer())

    def move(self, name: str, folder: Folder, new: str) -> None:
        """Move a file to another folder of the same kind; nothing where it is not there."""
        if not self.remote:
            with contextlib.suppress(FileNotFoundError):
                os.replace(Path(self.place) / name, Path(folder.place) / new)
            return
        system, path = self.connect()
        if system.get_file_info(f"{path}/{name}").is_file:
            system.move(f"{path}/{name}", f"{folder.connect()[1]}/{new}")

    def delete(self) -> None:
        """Delete the folder with all that is in it, where there is one."""
        if not self.remote:
            shutil.rmtree(self.place, ignore_errors=True)
            return
        system, path = self.connect()
        with contextlib.suppress(FileNotFoundError):
            system.delete_dir(path)

    def folders(self) -> set[Folder]:
        """The folders in it; none where it is not there."""
        if not self.remote:
            return {self / path.name for path in Path(self.place).glob("*/")}
        from pyarrow import fs

        system, path = self.connect()
        found = system.get_file_info(fs.FileSelector(path, allow_not_found=True))
        return {self / one.base_name for one in found if not one.is_file}

    def connect(self) -> tuple[FileSystem, str]:
        """The object store's client, one a process, and the path that it knows this folder by."""
        parts = urlsplit(self.place)
        system = client(parts.scheme, parts.netloc, parts.query)
        return system, (parts.netloc.rpartition("@")[2] + parts.path).rstrip("/")


def patiently(
    action: Callable[[], T],
    what: object,
    seconds: float,
    say: Say = _log.warning,
) -> T:
    """What `action` returns; where storage fails, it is tried again until `seconds` are over.

    what: the place, as the lines name it. The first failure and the return are said. Raises
    StorageError at the end, or at once where waiting mends nothing; what is no fault of
    storage passes through. The action must be such that it can be repeated.
    """
    deadline, pause, said = time.monotonic() + seconds, PAUSES[0], False
    while True:
        try:
            result = action()
        except Exception as error:
            fault = fault_of(error)
            if fault is None or isinstance(error, UserError):
                raise
            left = deadline - time.monotonic()
            if left <= 0 or _lasts(fault):
                raise gone(what, fault, seconds) from error
            if not said:
                say(f"{what}: {reason(fault)}; trying again for {seconds:.0f} s")
                said = True
        else:
            if said:
                say(f"{what} can be used again")
            return result
        time.sleep(min(pause, left))
        pause = min(2 * pause, PAUSES[1])


def gone(what: object, fault: OSError, seconds: float) -> StorageError:
    """The error for a place that stayed away for so long."""
    if fault.errno in _FULL:
        mend = f"the disk of {what} is full; what was finished is kept: free some space"
    else:
        tried = "" if _lasts(fault) else f" for {seconds:.0f} s"
        mend = f"{what} could not be used{tried} ({reason(fault)}); what was finished is kept"
    return StorageError(f"{mend} and run the same command again")


def refuses(fault: OSError) -> bool:
    """Whether it is an object store that answers, and will go on to refuse.

    These errors have no number that says so.
    """
    found = _AMAZON.search(" ".join(str(fault).split()))
    return found is not None and found[1] in _REFUSED


def _lasts(fault: OSError) -> bool:
    return fault.errno in _LASTING or refuses(fault)


def fault_of(error: BaseException) -> OSError | None:
    """The OSError that an exception is, or that it came of: torch and Ray wrap them."""
    return next((one for one in _chain(error) if isinstance(one, OSError)), None)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def reason(fault: OSError) -> str:
    """Why storage failed, in a few words: the clients of object stores say paragraphs."""
    if fault.strerror:
        return fault.strerror
    said = " ".join(str(fault).split())
    if found := _AMAZON.search(said):
        return f"{found[1]}: {found[2].strip()}"
    if found := re.search(r"underlying error message was: (.*?)(?: error_info|$)", said):
        return found[1]
    return said[:200]


def stored_bytes(data: bytes) -> Callable[[BinaryIO], Any]:
    """What fills a file with these bytes."""
    return lambda file: file.write(data)
