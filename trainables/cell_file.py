"""The file that a cell leaves beside the records: its name, its arrays, its scenes. No torch.

`trainables.cell` and `trainables.cell_scenes` say which arrays; the report and W&B read them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

Arrays = dict[str, np.ndarray]


class Drawn(NamedTuple):
    """A drawn scene, cut to the picture in its square.

    number: its position in the test set. image: uint8 (h, w, 3). truth, prediction: uint8
    (h, w), VOID in truth where nothing counts.
    """

    number: int
    image: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray


def cell_name(number: int) -> str:
    """The name of the file of cell `number`."""
    return f"{number:05d}.npz"


def read_arrays(path: Path) -> Arrays:
    """All arrays of a cell's file. FileNotFoundError, or what NumPy raises of a damaged one.

    An array of objects is damage too: none is unpickled.
    """
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def drawn_scenes(arrays: Arrays) -> Iterator[Drawn]:
    """The scenes of a segmentation's cell, in the file's order; none where it is not drawn."""
    if "test_images" not in arrays:
        return
    inside = zip(arrays["test_images_at"].tolist(), arrays["test_inside"].tolist(), strict=True)
    for place, (number, (height, width)) in enumerate(inside):
        cut = (place, slice(height), slice(width))
        yield Drawn(
            number,
            *(arrays[f"test_{name}"][cut] for name in ("images", "truths", "predictions")),
        )
