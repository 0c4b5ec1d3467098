"""Tallies against scikit-learn, on random and on lopsided predictions."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from trainables.metrics import Tally

CPU = torch.device("cpu")


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(2, 12))
def test_a_tally_agrees_with_scikit_learn(seed: int, count: int, classes: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(count, classes, generator=generator)
    labels = torch.randint(0, classes, (count,), generator=generator)
    tally = Tally.empty(classes, CPU)
    for part, truth in zip(logits.split(7), labels.split(7), strict=True):
        tally.add(part, truth)
    found = tally.summary()
    predicted = logits.argmax(1)
    assert found["accuracy"] == pytest.approx(sklearn_metrics.accuracy_score(labels, predicted))
    assert found["f1"] == pytest.approx(
        sklearn_metrics.f1_score(labels, predicted, average="macro")
    )
    assert found["loss"] == pytest.approx(
        sklearn_metrics.log_loss(labels, logits.double().softmax(1), labels=range(classes)),
        rel=1e-4,
    )


def test_rows_are_true_labels() -> None:
    tally = Tally.empty(3, CPU)
    tally.add(torch.tensor([[0.0, 1.0, 0.0]]), torch.tensor([2]))
    assert tally.confusion[2, 1] == 1
