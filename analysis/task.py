"""What a report says differently of classification and of segmentation: one table of two rows."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from study.metrics import METRICS, Metric
from trainables.data import CLASSIFICATION, SEGMENTATION
from trainables.errors import FAILED, UserError


@dataclass(frozen=True)
class Task:
    """One kind of labels.

    name: as `manifest.data["task"]` has it. counted: what accuracy, F1 and confusions count.
    predicted: how a prediction is told. accuracy: what accuracy is called.
    trials: metrics in the tables of searches, after the objective. systems: metrics in the
    tables of an experiment's systems, by the tables' names. summary: metrics of a run
    summary, by the reference report's names, and further ones under "".
    curves: axis labels by what stands after "train_" and "val_" in the metrics drawn.
    judged: the test metric that must be better than a guess, by more than the share `slack`.
    """

    name: str
    counted: str
    predicted: str
    accuracy: str
    trials: tuple[str, ...]
    systems: dict[str, tuple[str, ...]]
    summary: tuple[tuple[str, str], ...]
    curves: dict[str, str]
    judged: str
    slack: float = 0.0

    @property
    def counts_pixels(self) -> bool:
        """Whether it is a segmentation."""
        return self.counted == "pixels"

    def metric(self, name: str) -> Metric:
        """A metric under the label it has here."""
        known = METRICS[name]
        return dataclasses.replace(known, label=known.label.replace("accuracy", self.accuracy))

    def header(self, name: str) -> str:
        """Column header of a metric: "validation loss (nats)"."""
        if name == "gap":
            return "validation − train loss (nats)"
        metric = self.metric(name)
        return f"{metric.label} ({metric.unit})"


_TRAINING = ("val_accuracy", "val_loss", "val_f1", "train_accuracy", "train_loss", "gap")
_IMAGES = ("test_accuracy", "test_loss", "test_f1")
_PIXELS = ("test_miou", "test_accuracy", "test_f1", "test_precision", "test_recall", "test_ap")

_OF_IMAGES = Task(
    name=CLASSIFICATION,
    counted="images",
    predicted="read as",
    accuracy="accuracy",
    trials=("val_accuracy", "val_loss", "val_f1", "train_loss"),
    systems={"systems": _IMAGES, "systems_training": _TRAINING},
    summary=tuple(("", name) for name in (*_IMAGES, *_TRAINING)),
    curves={"loss": "loss (nats)", "accuracy": "accuracy (fraction)"},
    judged="test_accuracy",
)
_OF_PIXELS = Task(
    name=SEGMENTATION,
    counted="pixels",
    predicted="predicted as",
    accuracy="pixel accuracy",
    trials=("val_miou", "val_accuracy", "val_loss", "val_f1", "train_loss"),
    systems={
        "systems": (*_PIXELS, "test_loss"),
        "systems_training": ("val_miou", *_TRAINING),
    },
    summary=(
        ("accuracy", "test_accuracy"),
        ("average precision", "test_ap"),
        ("F1", "test_f1"),
        ("IoU", "test_miou"),
        ("precision", "test_precision"),
        ("recall", "test_recall"),
        ("training accuracy", "train_accuracy"),
        ("training loss", "train_loss"),
        ("validation accuracy", "val_accuracy"),
        ("validation loss", "val_loss"),
        *(("", name) for name in ("test_loss", "val_miou", "val_f1", "gap")),
    ),
    curves={
        "loss": "loss (nats)",
        "accuracy": "pixel accuracy (fraction)",
        "miou": "mean IoU (fraction)",
    },
    judged="test_miou",
    # Class counts are of the network's size, test figures of the labels' own.
    slack=0.05,
)
TASKS = {task.name: task for task in (_OF_IMAGES, _OF_PIXELS)}


def task_of(data: dict[str, Any]) -> Task:
    """The task of a manifest's data; UserError for an unknown one. Older runs name none."""
    name = data.get("task", CLASSIFICATION)
    if name not in TASKS:
        raise UserError(f"task {name!r} is not known; known: {', '.join(TASKS)}", FAILED)
    return TASKS[name]
