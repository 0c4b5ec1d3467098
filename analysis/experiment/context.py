"""What the reference report and the field report: beside our figures, never among them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pandas as pd

from analysis import text
from analysis.experiment.cells import Experiment
from analysis.page import Part
from analysis.table import Table

_DIGITS = {"cnn", "resnet18"}  # classifiers that the reference report is about
# The data that the figures are about, and what is embedded here in its stead.
_DIGIT_DATA = {"svhn", "street_digits"}
_SCENE_DATA = re.compile(r"voc(\d{4})?|street_scenes")
_REPORT = "the reference report, one run"
_NOT_STATED = "not stated"
_NONE = "None of them was measured here."
_RUN_SUMMARY = (
    ("accuracy", 0.98781),
    ("average precision", 0.75041),
    ("F1", 0.10532),
    ("IoU", 0.05559),
    ("precision", 0.47598),
    ("recall", 0.05921),
    ("training accuracy", 0.9456),
    ("training loss", 0.16434),
    ("validation accuracy", 0.87046),
    ("validation loss", 0.55713),
)
_IOU_BY_CLASS = (
    ("background", 0.926),
    ("train", 0.900),
    ("bus", 0.900),
    ("chair", 0.313),
    ("tv/monitor", 0.311),
    ("bicycle", 0.387),
)


def context(experiment: Experiment) -> list[Part]:
    """A folded part with the context, or nothing where none fits the data and the models."""
    data = experiment.run.data
    if experiment.run.task.counts_pixels:
        if not _SCENE_DATA.fullmatch(data):
            return []
        heading = "Context: what others report on Pascal VOC"
        return [Part(heading, tables=[segmentations()], folded=True)]
    models = {condition.arm.model for condition in experiment.conditions}
    if data in _DIGIT_DATA and models & _DIGITS:
        return [Part("Context: what others report on SVHN", tables=[digits()], folded=True)]
    return []


def digits() -> Table:
    """Test accuracies on SVHN."""
    randaugment = "arXiv 1909.13719, table 2"
    rows: list[tuple[str, str, float | None, str]] = [
        ("CNN", _NOT_STATED, 0.88508, _REPORT),
        ("ResNet18", "above the CNN's, no figure", None, _REPORT),
        ("Augmented ResNet18", "between the two, no figure", None, _REPORT),
        ("ResNet18, plain", "300 epochs", 0.9595, "a published model card"),
        ("WRN-28-2, baseline", "core set, 73k images", 0.967, randaugment),
        ("WRN-28-2, AutoAugment", "core set, 73k images", 0.98, randaugment),
        ("WRN-28-2, RandAugment", "core set, 73k images", 0.983, randaugment),
    ]
    frame = pd.DataFrame(rows, columns=["system", "training", "test accuracy (fraction)", "source"])
    frame["test accuracy (fraction)"] = frame["test accuracy (fraction)"].astype(float)
    formats: dict[str, Callable[[Any], str]] = {"test accuracy (fraction)": text.metric}
    caption = f"Context only: figures that others report, on SVHN. {_NONE}"
    return Table("context", frame, caption, "svhn, reported by others", formats)


def segmentations() -> Table:
    """Figures on Pascal VOC's 21 classes, a row a figure, for they are not the same ones."""
    torchvision = "torchvision's model documentation"
    published = "mmsegmentation's configuration tables"
    coco, voc = "VOC's classes, COCO val2017", "VOC 2012 + SBD, crops of 512, 20k iterations"
    fine_tuned, unknown = "ResNet50, fine-tuned", "not stated which"
    rows = [
        *((fine_tuned, figure, value, _NOT_STATED, _REPORT) for figure, value in _RUN_SUMMARY),
        *(
            (unknown, f"IoU of {name}", value, _NOT_STATED, _REPORT)
            for name, value in _IOU_BY_CLASS
        ),
        (unknown, "average precision score", 0.2642, _NOT_STATED, _REPORT),
        ("Augmented ResNet50", "below ResNet50, no figure", None, _NOT_STATED, _REPORT),
        ("FCN-ResNet50", "mean IoU", 0.605, coco, torchvision),
        ("FCN-ResNet50", "pixel accuracy", 0.914, coco, torchvision),
        ("DeepLabV3-ResNet50", "mean IoU", 0.664, coco, torchvision),
        ("DeepLabV3-ResNet50", "pixel accuracy", 0.924, coco, torchvision),
        ("FCN-ResNet50", "mean IoU", 0.671, voc, published),
        ("DeepLabV3-ResNet50", "mean IoU", 0.762, voc, published),
    ]
    frame = pd.DataFrame(rows, columns=["system", "figure", "value", "data and training", "source"])
    frame["value"] = frame["value"].astype(float)
    formats: dict[str, Callable[[Any], str]] = {"value": lambda value: text.number(value, 5)}
    caption = (
        f"Context only: figures that others report, shares of 1 and losses in nats. {_NONE} The "
        "report does not say how its figures are averaged, and they do not fit one another: an "
        "IoU of 0.056 in the run's summary, of 0.31 to 0.93 by class."
    )
    return Table("context", frame, caption, "Pascal VOC and COCO, reported by others", formats)
