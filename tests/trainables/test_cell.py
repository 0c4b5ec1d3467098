"""The end of a cell: the test set once, predictions that agree, bounded files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, log_loss

from trainables import cell
from trainables.cell import CellJob
from trainables.data.base import Dataset, Split, content_hash
from trainables.jobs import TrainingJob
from trainables.storage import Folder

PARAMS = {"model": "tiny", "epochs": 2, "learning_rate": 0.01, "arm": "tiny", "budget": 2}


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    rng = np.random.default_rng(0)

    def split(count: int) -> Split:
        labels = np.arange(count) % 3
        images = rng.integers(0, 150, (count, 32, 32, 3)) + 50 * labels[:, None, None, None]
        return Split(images.astype(np.uint8), labels)

    pool, test = split(90), split(60)
    return Dataset("grey", ("a", "b", "c"), pool, test, 1 / 3, content_hash(pool, test))


def run(dataset: Dataset, folder: Path, **params: object) -> list[dict]:
    training = TrainingJob(dataset, {}, Folder(f"{folder}/checkpoints"), threads=1)
    job = CellJob(training, Folder(f"{folder}/cells"))
    told: list[dict] = []
    job(7, {**PARAMS, **params}, told.append)
    return told


def test_the_last_record_agrees_with_scikit_learn_on_the_saved_predictions(dataset, tmp_path):
    told = run(dataset, tmp_path, phase="confirm", drawn=False)
    assert "test_accuracy" not in told[0]
    with np.load(tmp_path / "cells" / "00007.npz", allow_pickle=False) as saved:
        assert set(saved) == {"test_probabilities", "test_labels"}
        probabilities = saved["test_probabilities"].astype(np.float64)
        labels = saved["test_labels"]
    probabilities /= probabilities.sum(1, keepdims=True)
    predicted = probabilities.argmax(1)
    assert told[-1]["test_accuracy"] == pytest.approx(accuracy_score(labels, predicted))
    assert told[-1]["test_f1"] == pytest.approx(f1_score(labels, predicted, average="macro"))
    assert told[-1]["test_loss"] == pytest.approx(log_loss(labels, probabilities), rel=0.01)
    assert (labels == dataset.test.labels).all()


def test_a_tuning_trial_never_sees_the_test_set(dataset, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(cell, "evaluate_cell", None)  # calling it would raise
    told = run(dataset, tmp_path, phase="tune", drawn=False)
    assert "test_accuracy" not in told[-1]
    assert not (tmp_path / "cells").exists()


def test_a_drawn_cell_keeps_its_most_confident_mistakes_and_features(dataset, tmp_path) -> None:
    run(dataset, tmp_path, phase="confirm", drawn=True, epochs=1, learning_rate=1e-5)
    with np.load(tmp_path / "cells" / "00007.npz", allow_pickle=False) as saved:
        at, images = saved["test_images_at"], saved["test_images"]
        probabilities = saved["test_probabilities"].astype(np.float32)
        labels = saved["test_labels"]
        assert saved["train_features"].shape == (30, 32)
        assert saved["val_features"].shape == (30, 32)
        assert len(saved["val_feature_labels"]) == 30
    predicted = probabilities.argmax(1)
    assert (predicted[at] != labels[at]).all()
    assert (images == dataset.test.images[at]).all()
    for label in np.unique(labels[at]):
        kept = at[labels[at] == label]
        wrong = np.flatnonzero((labels == label) & (predicted != label))
        assert len(kept) == min(cell.MISTAKES, len(wrong))
        least = probabilities[kept].max(1).min()
        others = np.setdiff1d(wrong, kept)
        assert not len(others) or probabilities[others].max() <= least + 1e-3


def test_a_diverged_cell_has_no_test_result(dataset: Dataset, tmp_path: Path) -> None:
    told = run(dataset, tmp_path, phase="confirm", drawn=True, learning_rate=1e30, epochs=5)
    assert told[-1]["diverged"]
    assert "test_accuracy" not in told[-1]
    assert not (tmp_path / "cells").exists()
