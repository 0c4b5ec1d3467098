"""Arrays larger than memory: they stay in their .npy file, also when sent to other processes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from trainables.data.base import DataError


class Mapped(np.ndarray):
    """A read-only array in a file. Pickled, it is the file's name, and is mapped again.

    So neither Ray's object store nor a worker holds a copy. Parts of it and results of
    computing with it are ordinary arrays and are pickled with their values.
    """

    path: str | None

    def __array_finalize__(self, origin: object) -> None:
        self.path = None

    def __reduce_ex__(self, protocol: Any) -> Any:
        if self.path is None:
            return np.asarray(self).__reduce_ex__(protocol)
        return _unpickle, (self.path, self.shape, self.dtype.str)


def open_mapped(path: Path) -> Mapped:
    """The array stored at `path` (.npy). Raises OSError, EOFError or ValueError as numpy does."""
    array = np.load(path, mmap_mode="r", allow_pickle=False).view(Mapped)
    array.path = str(path.resolve())
    return array


def _unpickle(path: str, shape: tuple[int, ...], dtype: str) -> Mapped:
    try:
        array = open_mapped(Path(path))
    except FileNotFoundError:
        raise DataError(
            f"{path}: no such file on this machine; decoded images stay in the cache folder, so "
            "put it (CROSSOVER_CACHE) on storage that every machine reaches"
        ) from None
    except (OSError, EOFError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"{path}: cannot be read ({reason}); delete its folder and run again"
        ) from None
    if array.shape != shape or array.dtype.str != dtype:
        raise DataError(
            f"{path}: holds {array.dtype} {array.shape} where {np.dtype(dtype)} {shape} was "
            "stored; delete its folder and run again"
        )
    return array


def write_header(file: BinaryIO, shape: tuple[int, ...]) -> None:
    """Begin a .npy file of uint8, whose values then follow piece by piece.

    Written, not mapped: a full disk is then an OSError and not the process's end.
    """
    np.lib.format.write_array_header_1_0(
        file, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
