"""An object store in a folder of this machine, with a clock that the test moves."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from pyarrow import fs

from trainables.storage import Folder


@dataclass
class Clock:
    """The store's own time, in seconds."""

    now: float = 1000.0


@dataclass(frozen=True)
class LocalStore(Folder):
    """A `Folder` that goes the ways of a URI, and ends in `root`."""

    root: Path = field(default=Path(), compare=False)
    clock: Clock = field(default_factory=Clock, compare=False)

    def __truediv__(self, name: str) -> LocalStore:
        return LocalStore(super().__truediv__(name).place, self.patience, self.root, self.clock)

    def write(self, name: str, fill: Callable[[BinaryIO], object]) -> None:
        path = Path(self.connect()[1]) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        super().write(name, fill)
        os.utime(path, (self.clock.now, self.clock.now))

    def connect(self) -> tuple[fs.FileSystem, str]:
        return fs.LocalFileSystem(), str(self.root / self.place.removeprefix("s3://"))


def local_store(root: Path) -> LocalStore:
    """An empty one, for a run."""
    return LocalStore("s3://bucket/run", 0.0, root, Clock())
