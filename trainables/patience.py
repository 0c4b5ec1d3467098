"""What fails for a while is tried again: for how long, and what waiting mends."""

from __future__ import annotations

import errno
import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from trainables.errors import FAILED, UserError

T = TypeVar("T")
Say = Callable[[str], None]

_log = logging.getLogger(__name__)

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
