"""Where a value stands in files, inside of what is packed in them too."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow.parquet as pq


def sightings(folder: Path, values: Iterable[str]) -> list[str]:
    """`file: value` for every value in a file below a folder, which may be changing."""
    values = list(values)
    found = []
    # Unlike rglob, os.walk passes over a folder that was deleted meanwhile.
    paths = [Path(at) / name for at, _, names in os.walk(folder) for name in names]
    for path in sorted(paths):
        if path.is_file() and not path.is_symlink():
            found += [
                f"{path.relative_to(folder)}: {value}"
                for value in values
                if any(value.encode() in text for text in _texts(path))
            ]
    return found


def _texts(path: Path) -> Iterator[bytes]:
    """A file as it is, and, of what packs its content, that."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:  # a running program deleted it meanwhile
        return
    yield data
    yield path.name.encode()
    if data[:4] == b"PAR1":
        table = pq.read_table(io.BytesIO(data))
        yield json.dumps(table.to_pylist(), default=str).encode()
        yield str(table.schema.metadata).encode()
    elif data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    elif data[:15] == b"SQLite format 3":
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
            yield "\n".join(database.iterdump()).encode()
    elif data[:2] == b"\x1f\x8b":
        import gzip

        yield gzip.decompress(data)
        if tarfile.is_tarfile(path):
            with tarfile.open(path) as archive:
                yield from (archive.extractfile(m).read() for m in archive if m.isfile())
