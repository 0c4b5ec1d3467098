"""Reading a .mat file in SVHN's format 2 that nobody has vouched for."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from trainables.data.base import DataError, Split
from trainables.errors import in_a_line

EXPECTED = "SVHN's format 2 has X, uint8 (32, 32, 3, N), and y, (N, 1) in 1..10"


_REFUSED = 3  # exit code of the reading process after a DataError
_AGAIN = "copy or download it again"


def read_mat(path: Path) -> Split:
    """Images and labels, the label 10 turned into 0 (a 0 stays one).

    Raises DataError where the file is damaged or its arrays are not SVHN's. The file is read
    in a process of its own: scipy's reader takes type codes for indices as they stand there,
    and a wrong one ends the process (segmentation fault; `tests/fuzz` found it).
    """
    command = [sys.executable, "-c", f"from {__name__} import _pass_on; _pass_on()", str(path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, capture_output=True, env=environment)
    if done.returncode == _REFUSED:
        raise DataError(done.stdout.decode("utf-8", "surrogateescape"))
    if done.returncode:
        raise DataError(
            f"{path}: not a readable .mat file (reading it ended with code {done.returncode}); "
            f"{_AGAIN}"
        )
    stream = io.BytesIO(done.stdout)
    images, labels = (np.load(stream, allow_pickle=False) for _ in range(2))
    return Split(images, labels)


def _pass_on() -> None:
    """The reading process: the arrays to stdout, or what is wrong with the file."""
    out = sys.stdout.buffer
    try:
        split = read_here(Path(sys.argv[1]))
    except DataError as error:
        out.write(str(error).encode("utf-8", "surrogateescape"))
        out.flush()
        sys.exit(_REFUSED)
    np.save(out, split.images, allow_pickle=False)
    np.save(out, split.labels, allow_pickle=False)


def read_here(path: Path) -> Split:
    """`read_mat` in this process, which a damaged file may end."""
    arrays = _read_arrays(path)
    missing = [name for name in ("X", "y") if name not in arrays]
    if missing:
        raise DataError(f"{path}: holds no {' and no '.join(missing)}; {EXPECTED}")
    images, labels = np.asarray(arrays["X"]), np.asarray(arrays["y"])
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[:3] != (32, 32, 3):
        raise DataError(f"{path}: X is {images.dtype} {images.shape}; {EXPECTED}")
    if labels.dtype.kind not in "uif" or labels.size != labels.shape[0]:
        raise DataError(f"{path}: y is {labels.dtype} {labels.shape}; {EXPECTED}")
    labels = labels.reshape(-1)
    if len(labels) != images.shape[3]:
        raise DataError(f"{path}: {images.shape[3]} images but {len(labels)} labels; {EXPECTED}")
    if not len(labels):
        raise DataError(f"{path}: holds no images; {EXPECTED}")
    wrong = np.flatnonzero(~((labels >= 0) & (labels <= 10) & (labels == np.floor(labels))))
    if len(wrong):
        raise DataError(
            f"{path}: {len(wrong)} labels are out of range, the first {labels[wrong[0]]} "
            f"(image {wrong[0]}); {EXPECTED}"
        )
    return Split(np.ascontiguousarray(images.transpose(3, 0, 1, 2)), labels.astype(np.int64) % 10)


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    from scipy.io import loadmat

    try:
        return dict(loadmat(path, variable_names=("X", "y")))
    except Exception as error:  # damage raises anything, zlib's own errors included
        raise DataError(
            f"{path}: not a readable .mat file ({in_a_line(error)}); {_AGAIN}"
        ) from None
