"""Folders that all machines of a study reach, on a file system or in an object store.

Both are used alike: files are read and replaced as a whole. What fails for a while is tried
again, see `trainables.patience`.
"""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit

from trainables.object_store import client
from trainables.patience import PATIENCE

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

OBJECT_STORES = ("s3", "gs")


def is_uri(place: str | Path) -> bool:
    """Whether a place is named by a URI, and not a path."""
    return "://" in str(place)


@dataclass(frozen=True)
class Folder:
    """A folder by its absolute path, or by its URI (`s3://bucket/prefix?region=...`).

    A small value that travels to the workers. patience: seconds that it may be away, see
    `trainables.patience`; the methods themselves try once. They raise OSError.
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

    def sweep(self) -> None:
        """Delete what killed writers left half written; an object store has no such files."""
        if not self.remote:
            for path in Path(self.place).glob("*.part"):
                path.unlink(missing_ok=True)

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


def stored_bytes(data: bytes) -> Callable[[BinaryIO], Any]:
    """What fills a file with these bytes."""
    return lambda file: file.write(data)
