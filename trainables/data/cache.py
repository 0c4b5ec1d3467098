"""The user's cache folder, and arrays kept in it that can always be made again.

NumPy is imported where it is used: a plan of a run in an object store asks for the folder only.
"""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

Arrays = dict[str, "np.ndarray"]


def cache_dir() -> Path:
    """$CROSSOVER_CACHE, else $XDG_CACHE_HOME/crossover, else ~/.cache/crossover.

    Not created here. An empty variable counts as unset.
    """
    own = os.environ.get("CROSSOVER_CACHE")
    if own:
        return Path(own).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "crossover"


def cached(
    path: Path, make: Callable[[], Arrays], valid: Callable[[Arrays], bool]
) -> tuple[Arrays, OSError | None]:
    """The arrays stored at `path` (.npz), or `make()`, which is then stored there.

    A file that is damaged, or holds what `valid` refuses, is made anew and replaced. Two
    processes may do this at once: each writes a file of its own and moves it into place
    whole. The second value is the error that kept the arrays from being stored; they are
    returned all the same.
    """
    found = _read(path)
    if found is not None and valid(found):
        return found, None
    made = make()
    try:
        _write(path, made)
    except OSError as error:
        return made, error
    return made, None


def cached_chunks(
    folder: Path,
    split: str,
    count: int,
    make: Callable[[str, int], Arrays],
    like: Mapping[str, tuple[tuple[int, ...], type]],
) -> tuple[Arrays, OSError | None]:
    """The first `count` items of a split that is made in chunks, each stored on its own.

    make: split and number of a chunk -> its arrays, which all have shape and type of `like`
    (the first axis counts the chunk's items). The error is what kept one from being stored.
    """
    import numpy as np

    size = next(iter(like.values()))[0][0]

    def valid(arrays: Arrays) -> bool:
        return {name: (array.shape, array.dtype.type) for name, array in arrays.items()} == like

    found, failure = [], None
    for number in range(-(-count // size)):
        path = folder / f"{split}-{number:04d}.npz"
        arrays, error = cached(path, functools.partial(make, split, number), valid)
        found.append(arrays)
        failure = failure or error
    return {name: np.concatenate([one[name] for one in found])[:count] for name in like}, failure


def _read(path: Path) -> Arrays | None:
    """All arrays of an .npz, each checked against its CRC; None where that fails."""
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except Exception:  # missing; or damaged, on which numpy's parsers raise nearly anything
        return None


def _write(path: Path, arrays: Arrays) -> None:
    import numpy as np

    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
