"""What the cells left beside the records: predictions, mistakes and features."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from analysis.experiment.cells import Condition, Experiment
from study.records import CELLS
from trainables.cell_file import Arrays, cell_name, read_arrays

_DAMAGED = (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error)


class Misfit(Exception):
    """Why a cell's file is not used: what it is or has, after its name."""


@dataclass(frozen=True)
class Predictions:
    """A condition's predictions on the test set of a classification.

    probabilities: float32 (seeds, N, classes). labels: (N,), the test set's, the same in
    every cell. drawn: all arrays of the cell that is drawn (`trainables.cell`), empty where
    there is none. notes: what is lacking.
    """

    probabilities: np.ndarray
    labels: np.ndarray
    drawn: Arrays = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def predicted(self) -> np.ndarray:
        """The most probable class, (seeds, N)."""
        return np.asarray(self.probabilities.argmax(axis=-1))


def read_predictions(experiment: Experiment, condition: Condition) -> Predictions | None:
    """Predictions of every cell that left a readable file; None where none did."""
    found, notes = read_cells(experiment, condition, _labels)
    if not found:
        return None
    probabilities = np.stack([arrays["test_probabilities"] for arrays in found])
    drawn = next((arrays for arrays in found if "test_images" in arrays), {})
    return Predictions(probabilities.astype(np.float32), found[0]["test_labels"], drawn, notes)


def read_cells(
    experiment: Experiment, condition: Condition, check: Callable[[Arrays], np.ndarray]
) -> tuple[list[Arrays], list[str]]:
    """Arrays of every cell that left a readable file, and a sentence for each that did not.

    check: what all cells must have in common, the test set; raises KeyError for arrays that
    are lacking and Misfit for those that do not fit.
    """
    cells = experiment.of(condition)
    cells = cells[~cells["diverged"]]
    found: list[Arrays] = []
    notes: list[str] = []
    common: np.ndarray | None = None
    for trial, seed in cells[["trial", "seed"]].itertuples(index=False):
        path = experiment.run.path / CELLS / cell_name(trial)
        try:
            arrays, here = _read(path, check)
            if common is not None and not np.array_equal(common, here):
                raise Misfit("is of another test set")
        except Misfit as error:
            notes.append(f"Seed {seed} is left out of the predictions: {path.name} {error}.")
            continue
        common = here
        found.append(arrays)
    return found, notes


def _read(path: Path, check: Callable[[Arrays], np.ndarray]) -> tuple[Arrays, np.ndarray]:
    """The arrays and what `check` makes of them; Misfit where that cannot be had."""
    try:
        arrays = read_arrays(path)
        return arrays, check(arrays)
    except FileNotFoundError:
        raise Misfit("is missing") from None
    except KeyError as error:
        raise Misfit(f"has no {error}") from None
    except _DAMAGED:
        raise Misfit("is damaged") from None


def _labels(arrays: Arrays) -> np.ndarray:
    probabilities, labels = arrays["test_probabilities"], arrays["test_labels"]
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1]:
        raise Misfit(f"has {labels.shape} labels for {probabilities.shape} probabilities")
    return labels
