"""The measured quantities of an epoch: label, unit and which way is better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trainables.data import CLASSIFICATION, SEGMENTATION
from trainables.errors import FAILED, UserError, unknown_name


@dataclass(frozen=True)
class Metric:
    """direction: "max" or "min", stored with every run and never guessed from a name.

    task: the one that measures it; None where all do.
    """

    name: str
    direction: str
    label: str
    unit: str
    task: str | None = None


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("val_accuracy", "max", "validation accuracy", "fraction"),
        Metric("val_loss", "min", "validation loss", "nats"),
        Metric("val_f1", "max", "validation macro F1", "fraction"),
        Metric("val_miou", "max", "validation mean IoU", "fraction", SEGMENTATION),
        Metric("train_accuracy", "max", "clean training accuracy", "fraction"),
        Metric("train_loss", "min", "clean training loss", "nats"),
        Metric("gap", "min", "generalisation gap (validation - clean training loss)", "nats"),
        Metric("test_accuracy", "max", "test accuracy", "fraction"),
        Metric("test_loss", "min", "test loss", "nats"),
        Metric("test_f1", "max", "test macro F1", "fraction"),
        Metric("test_miou", "max", "test mean IoU", "fraction", SEGMENTATION),
        Metric("test_precision", "max", "test macro precision", "fraction", SEGMENTATION),
        Metric("test_recall", "max", "test macro recall", "fraction", SEGMENTATION),
        Metric("test_ap", "max", "test mean average precision", "fraction", SEGMENTATION),
    )
}

OBJECTIVES = {
    CLASSIFICATION: ("val_accuracy", "val_loss", "val_f1"),
    SEGMENTATION: ("val_miou", "val_accuracy", "val_loss", "val_f1"),
}  # by task; the first is what a search optimises unless told otherwise


def objective(name: str, task: str) -> Metric:
    """The metric a search optimises; UserError for one that a search of the task cannot."""
    if name not in OBJECTIVES[task]:
        raise unknown_name("objective", name, OBJECTIVES[task])
    return METRICS[name]


def recorded(where: object, objective: Mapping[str, str]) -> Metric:
    """The metric that a manifest names as its objective; UserError where it names none of ours."""
    name = objective.get("name")
    if name not in METRICS:
        raise UserError(f"{where} names objective {name!r}; known: {', '.join(METRICS)}", FAILED)
    return METRICS[name]


def is_better(metric: Metric, a: float, b: float) -> bool:
    """Whether value `a` beats `b`; NaN beats nothing and is beaten by every number."""
    if a != a or b != b:
        return a == a and b != b
    return a > b if metric.direction == "max" else a < b


def guess(metric: str, counts: list[int]) -> float | None:
    """The metric's value where the most frequent class is always answered, if it has one.

    counts: images or pixels by class. Classes that do not occur are in no mean.
    """
    if not sum(counts):
        return None
    share, there = max(counts) / sum(counts), sum(count > 0 for count in counts)
    kind = metric.split("_", 1)[-1]
    known = {"accuracy": share, "f1": 2 * share / (1 + share) / there, "miou": share / there}
    return known.get(kind)
