"""Metrics: the direction is stored, and NaN never wins."""

from __future__ import annotations

import math

import pytest

from study.metrics import METRICS, OBJECTIVES, is_better, objective
from trainables.errors import UserError

ASKED = [(task, name) for task, names in OBJECTIVES.items() for name in names]


@pytest.mark.parametrize(("task", "name"), ASKED)
def test_nan_beats_nothing(task: str, name: str) -> None:
    metric = objective(name, task)
    assert not is_better(metric, math.nan, 0.5)
    assert is_better(metric, 0.5, math.nan)
    assert not is_better(metric, math.nan, math.nan)
    assert not is_better(metric, 0.5, 0.5)


def test_better_follows_the_direction() -> None:
    assert is_better(METRICS["val_accuracy"], 0.9, 0.8)
    assert is_better(METRICS["val_loss"], 0.8, 0.9)


def test_a_search_cannot_optimise_on_the_test_set() -> None:
    for task in OBJECTIVES:
        with pytest.raises(UserError, match="unknown objective 'test_accuracy'"):
            objective("test_accuracy", task)


def test_a_classifier_has_no_mean_iou() -> None:
    with pytest.raises(UserError, match="unknown objective 'val_miou'"):
        objective("val_miou", "classification")
