"""One cell of an experiment: a training that ends with the test set, evaluated once.

What a report needs to show of a model lies beside the records, one `.npz` a cell, plain
arrays without pickle:

    test_probabilities   float16 (N_test, classes), softmax of the logits
    test_labels          int64 (N_test,)

and, for the cells that are drawn (one seed an arm and budget), bounded whatever the size
of the data set:

    test_images          uint8 (M, H, W, 3), the most confident mistakes of each class
    test_images_at       int64 (M,), their positions in the test set
    train_features       float16 (<= FEATURES, D), penultimate layer; train_feature_labels
    val_features         float16 (<= FEATURES, D); val_feature_labels

This is a classifier's; a segmentation's is in `trainables.cell_scenes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from trainables.cell_file import Arrays, cell_name
from trainables.config import CONFIRM, TrainConfig
from trainables.data import SEGMENTATION
from trainables.data.base import Dataset, Split
from trainables.jobs import TrainingJob
from trainables.patience import patiently
from trainables.reporting import Record, Report
from trainables.storage import Folder

if TYPE_CHECKING:
    from trainables.training import Training
    from trainables.workers import Workers

FEATURES = 500  # images a split whose features are kept
MISTAKES = 4  # pictures a class of what was read wrongly


@dataclass(frozen=True)
class CellJob:
    """Trains one cell; `params` are TrainConfig's options and "drawn", "arm", "phase".

    training: how, on a data set with its test images. cells: the folder of the `.npz` files.
    """

    training: TrainingJob
    cells: Folder

    @property
    def checkpoints(self) -> Folder:
        """The folder that holds one folder a trial."""
        return self.training.checkpoints

    def __call__(
        self, number: int, params: dict[str, Any], report: Report, workers: Workers | None = None
    ) -> None:
        """Train cell `number`; only a cell of the confirming phase sees the test set.

        Of a group of workers rank 0 evaluates it, once.
        """
        dataset = self.training.dataset

        def finish(training: Training) -> Record:
            evaluate = evaluate_cell
            if dataset.task == SEGMENTATION:
                from trainables.cell_scenes import evaluate_scenes as evaluate
            record, arrays = evaluate(training, dataset, drawn=params["drawn"])
            self._write(cell_name(number), arrays)
            return record

        names = TrainConfig.__dataclass_fields__
        options = {key: value for key, value in params.items() if key in names}
        confirming = params["phase"] == CONFIRM
        self.training.train(number, options, report, workers, finish=finish if confirming else None)

    def _write(self, name: str, arrays: Arrays) -> None:
        def fill(file: BinaryIO) -> None:
            np.savez_compressed(file, allow_pickle=False, **arrays)

        patiently(lambda: self.cells.write(name, fill), self.cells, self.cells.patience)


def evaluate_cell(training: Training, dataset: Dataset, drawn: bool) -> tuple[Record, Arrays]:
    """Evaluate the test set: FINAL_COLUMNS, and the arrays of the cell's `.npz`."""
    import torch

    from trainables.metrics import Tally
    from trainables.train_data import Resident

    test = dataset.test
    assert test is not None
    tally = Tally.empty(len(dataset.classes), training.device)
    parts = []
    with torch.inference_mode():
        everything = torch.arange(len(test), device=training.device)
        for _, logits, labels in training.scored(Resident.of(test, training.device), everything):
            tally.add(logits, labels)
            parts.append(logits.float().softmax(1).cpu().numpy())
    probabilities = np.concatenate(parts)
    arrays: Arrays = {
        "test_probabilities": probabilities.astype(np.float16),
        "test_labels": test.labels.astype(np.int64),
    }
    if drawn:
        arrays |= _mistakes(probabilities, test)
        for name in ("train", "val"):
            arrays |= _features(training, name)
    summary = tally.summary()
    return {f"test_{name}": summary[name] for name in ("loss", "accuracy", "f1")}, arrays


def _features(training: Training, name: str) -> Arrays:
    """Penultimate features of the first images of a split's fixed order."""
    import torch

    from trainables.models import penultimate

    data = training.data
    indices = {"train": data.probe, "val": data.val}[name][:FEATURES]
    with torch.inference_mode():
        training.model.eval()
        features = torch.cat(
            [
                penultimate(training.model, training.normalised(data.pool.images[part]))
                for part in indices.split(256)
            ]
        )
    return {
        f"{name}_features": features.float().cpu().numpy().astype(np.float16),
        f"{name}_feature_labels": data.pool.labels[indices].cpu().numpy(),
    }


def _mistakes(probabilities: np.ndarray, test: Split) -> Arrays:
    """Images of the MISTAKES most confident wrong readings of each true class."""
    predicted = probabilities.argmax(1)
    confidence = probabilities.max(1)
    kept: list[int] = []
    for label in np.unique(test.labels):
        wrong = np.flatnonzero((test.labels == label) & (predicted != label))
        kept += wrong[np.argsort(-confidence[wrong], kind="stable")][:MISTAKES].tolist()
    at = np.array(sorted(kept), dtype=np.int64)
    return {"test_images": test.images[at], "test_images_at": at}
