"""What the cells left beside the records: predictions, mistakes and features."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field

import numpy as np

from analysis.experiment.cells import Condition, Experiment
from study.records import CELLS


@dataclass(frozen=True)
class Predictions:
    """A condition's predictions on the test set.

    probabilities: float32 (seeds, N, classes). labels: (N,), the test set's, the same in
    every cell. drawn: all arrays of the cell that is drawn (`trainables.cell`), empty where
    there is none. notes: what is lacking.
    """

    probabilities: np.ndarray
    labels: np.ndarray
    drawn: dict[str, np.ndarray] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def predicted(self) -> np.ndarray:
        """The most probable class, (seeds, N)."""
        return np.asarray(self.probabilities.argmax(axis=-1))


def read_predictions(experiment: Experiment, condition: Condition) -> Predictions | None:
    """Predictions of every cell that left a readable file; None where none did."""
    cells = experiment.of(condition)
    cells = cells[~cells["diverged"]]
    found: list[np.ndarray] = []
    labels: np.ndarray | None = None
    drawn: dict[str, np.ndarray] = {}
    notes: list[str] = []
    for trial, seed in cells[["trial", "seed"]].itertuples(index=False):
        path = experiment.run.path / CELLS / f"{trial:05d}.npz"
        try:
            arrays = _read(path)
            if labels is None:
                labels = arrays["test_labels"]
            elif not np.array_equal(labels, arrays["test_labels"]):
                raise ValueError("its test set is another one")
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            notes.append(f"Seed {seed} has no readable predictions ({path.name}: {error}).")
            continue
        if "test_images" in arrays and not drawn:
            drawn = arrays
        found.append(arrays["test_probabilities"])
    if labels is None:
        return None
    return Predictions(np.stack(found), labels, drawn, notes)


def _read(path: object) -> dict[str, np.ndarray]:
    with np.load(str(path), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    probabilities, labels = arrays["test_probabilities"], arrays["test_labels"]
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1]:
        raise ValueError(f"{labels.shape} labels do not fit {probabilities.shape} probabilities")
    arrays["test_probabilities"] = probabilities.astype(np.float32)
    return arrays
