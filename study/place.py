"""Where a run lies: a folder that all share, or a local one kept level with an object store."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from study import session
from trainables.patience import Say, patience, patiently
from trainables.storage import Folder, is_uri


class Place(Protocol):
    """What a run needs to know of where it lies.

    run: the driver's own directory. shared: the folder that workers read and write, too.
    """

    @property
    def run(self) -> Path:
        """The directory that this process writes."""

    @property
    def shared(self) -> Folder:
        """The folder of states, weights and cells: `run` itself where all machines reach it."""

    def once_recorded(self, action: Callable[[], object]) -> None:
        """Do something in `shared` once the events so far cannot be lost any more."""

    def bring_results(self) -> None:
        """Make what the workers wrote readable in `run`."""

    def __call__(self, event: dict[str, Any]) -> None:
        """Take in a journal event; StorageError where storage has been away too long."""


@dataclass(frozen=True)
class Local:
    """A run in a folder of this machine, or one that all nodes mount."""

    run: Path
    shared: Folder

    def once_recorded(self, action: Callable[[], object]) -> None:
        """At once, and again while the folder is away: it has the journal already."""
        patiently(action, self.run, self.shared.patience)

    def bring_results(self) -> None:
        """Nothing: the workers wrote them there."""

    def __call__(self, event: dict[str, Any]) -> None:
        """Nothing: there is no copy to keep level."""


@contextlib.contextmanager
def opened(storage: str | Path, run_id: str, say: Say) -> Iterator[Place]:
    """The place of a run, locked against other writers; what is stored there is at hand.

    UserError where it cannot be reached or written, or is being written by somebody else.
    """
    if is_uri(storage):
        from study.mirror import mirrored

        with mirrored(str(storage), run_id, say) as mirror:
            yield mirror
        return
    run = session.open_directory(Path(storage), run_id)
    with session.locked(run):
        yield local(run)


def run_directory(storage: str | Path, run_id: str) -> Path:
    """The directory that a run has on this machine; UserError for a URI that names nothing."""
    if is_uri(storage):
        from study.stored import copy_of, folder_of

        return copy_of(folder_of(str(storage)) / run_id)
    return Path(storage) / run_id


def local(run: Path) -> Local:
    """A run directory of this machine as a place."""
    return Local(run, Folder(str(run.resolve()), patience()))
