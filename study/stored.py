"""Runs in an object store: where their copy lies on this machine, and how it is fetched.

    <cache>/storage/s3/bucket/prefix/<run id>      is the copy of
    s3://bucket/prefix/<run id>

There, a run has what `study.records` lists, without what only the machine of its driver
needs (tune/, wandb/), and beside it `checkpoints/` and `lease/`, which are not fetched.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from study import records, session
from trainables.data.cache import cache_dir
from trainables.errors import FAILED, UserError, in_a_line
from trainables.patience import Say, fault_of, patience, patiently, reason
from trainables.storage import OBJECT_STORES, Folder, is_uri

if TYPE_CHECKING:
    from pyarrow.fs import FileInfo

LEASE = "lease"
RESULTS = (records.BEST_WEIGHTS, records.CELLS)  # what workers write there
_LAST = (records.MANIFEST, records.JOURNAL)  # in this order: a fetch that was cut is seen

Files = dict[str, "FileInfo"]


def check_uri(uri: str) -> None:
    """UserError for what is no place in an object store, known without asking it."""
    parts = urlsplit(uri)
    if parts.scheme not in OBJECT_STORES or not parts.netloc:
        raise UserError(f"{uri}: name a folder, s3://bucket/prefix or gs://bucket/prefix")
    if "@" in parts.netloc and not parts.netloc.startswith("anonymous@"):
        place = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        raise UserError(
            f"{place}: leave keys out of the URI, everybody on a machine can read them; the "
            "environment, ~/.aws or the machine's role have them"
        )


def folder_of(uri: str) -> Folder:
    """The folder of a URI that is well formed."""
    check_uri(uri)
    base, mark, query = uri.partition("?")
    return Folder(base.rstrip("/") + mark + query, patience())


def copy_of(stored: Folder) -> Path:
    """Where the copy of a stored folder lies on this machine."""
    parts = urlsplit(stored.place)
    return cache_dir() / "storage" / parts.scheme / (parts.netloc + parts.path)


def require_reachable(stored: Folder) -> None:
    """UserError where the bucket of a folder cannot be reached or is not there."""
    bucket = urlsplit(stored.place).netloc
    try:
        system, path = stored.connect()
        there = system.get_file_info(path.partition("/")[0])
    except UserError:
        raise
    except Exception as error:
        fault = fault_of(error)
        why = reason(fault) if fault else " ".join(str(error).split())
        raise UserError(
            f"{stored} cannot be reached ({why}); check its name, the network and the credentials",
            FAILED,
        ) from None
    if there.type.name == "NotFound":
        raise UserError(
            f"{stored}: there is no bucket {bucket}, or none that these credentials show", FAILED
        )


def listing(stored: Folder, *folders: str) -> Files:
    """Files of a stored run by their names in it; of these sub-folders, or of all a run has."""
    from pyarrow import fs

    system, path = stored.connect()
    found: Files = {}
    for folder in folders or ("",):
        selector = fs.FileSelector(
            f"{path}/{folder}".rstrip("/"), allow_not_found=True, recursive=True
        )
        for info in system.get_file_info(selector):
            if info.is_file:
                found[info.path.removeprefix(f"{path}/")] = info
    return found


def fetch(stored: Folder, run: Path, say: Say) -> None:
    """Bring the copy of a run level with what is stored, except where it is ahead of it.

    It is ahead where its journal has all that the stored one has: what it could not send
    yet is not replaced. The Optuna study of a run that is not complete is not fetched but
    made anew from the journal, since the two are not stored in the same moment.
    """

    def level() -> None:
        there = listing(stored)
        names = [name for name in there if _part(name) not in (LEASE, records.CHECKPOINTS)]
        complete = _is_complete(stored)
        if _is_ahead(stored, run, complete):
            names = [name for name in names if _part(name) in RESULTS]
        elif not complete:
            names = [name for name in names if name != records.OPTUNA_DB]
            (run / records.OPTUNA_DB).unlink(missing_ok=True)
        bring(stored, run, {name: there[name] for name in sorted(names, key=_order)})

    patiently(level, stored, stored.patience, say)


def bring(stored: Folder, run: Path, files: Files) -> None:
    """Fetch these files, in order, without those whose size and time are those stored."""
    for name, info in files.items():
        path = run / name
        if path.exists():
            have = path.stat()
            if (have.st_size, have.st_mtime_ns) == (info.size, info.mtime_ns):
                continue
        data = stored.read(name)
        if data is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            records.replace_file(path, data)
            os.utime(path, ns=(info.mtime_ns, info.mtime_ns))


def readable(run: Path | str) -> Path:
    """The directory of a run that is only read: of one in an object store, its copy, `fetched`."""
    return fetched(str(run)) if is_uri(run) else Path(run)


def fetched(uri: str) -> Path:
    """The copy of a stored run, brought level, for whoever only reads.

    UserError where there is none. A copy that a run on this machine is writing is newer than
    what is stored, and left as it is.
    """
    stored = folder_of(uri)
    run = copy_of(stored)
    require_reachable(stored)
    if not listing(stored):
        raise UserError(f"{uri} is not a run directory: nothing is stored there")
    run.mkdir(parents=True, exist_ok=True)
    with session.unless_locked(run) as free:
        if free:
            fetch(stored, run, lambda line: None)
    return run


def _part(name: str) -> str:
    return name.split("/")[0]


def _order(name: str) -> int:
    return _LAST.index(name) if name in _LAST else -1


def _is_complete(stored: Folder) -> bool:
    manifest = stored.read(records.MANIFEST)
    try:
        values = {} if manifest is None else json.loads(manifest)
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"{stored / records.MANIFEST} is damaged ({in_a_line(error)}); move the run away and "
            "run again",
            FAILED,
        ) from None
    # What is no table is refused where its copy is read.
    return isinstance(values, dict) and values.get("status") == "complete"


def _is_ahead(stored: Folder, run: Path, complete: bool) -> bool:
    journal = run / records.JOURNAL
    here = journal.read_bytes() if journal.exists() else b""
    there = stored.read(records.JOURNAL) or b""
    return here.startswith(there) and not (complete and here == there)
