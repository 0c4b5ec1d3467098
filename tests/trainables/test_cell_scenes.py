"""The end of a segmentation cell: numbers that agree with scikit-learn, bounded files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix,
    precision_recall_fscore_support,
)

from tests.trainables.scenes import dataset, larger, squares
from trainables import cell_scenes
from trainables.cell import CellJob
from trainables.cell_scenes import BINS, SHOWN, chosen, contrasts, score_bins
from trainables.data.base import Dataset, Split
from trainables.data.masks import VOID
from trainables.jobs import TrainingJob
from trainables.pixel_scores import average_precision
from trainables.storage import Folder

PARAMS = {"model": "tiny_scenes", "epochs": 3, "learning_rate": 0.02, "batch_size": 8}


def job_in(folder: Path, data: Dataset) -> CellJob:
    training = TrainingJob(data, {}, Folder(f"{folder}/checkpoints"), threads=1)
    return CellJob(training, Folder(f"{folder}/cells"))


def run(folder: Path, data=None, **params: object) -> tuple[dict, dict[str, np.ndarray]]:
    job = job_in(folder, data or dataset())
    told: list[dict] = []
    job(3, {**PARAMS, "phase": "confirm", "drawn": False, **params}, told.append)
    with np.load(folder / "cells" / "00003.npz", allow_pickle=False) as saved:
        return told[-1], {name: saved[name] for name in saved.files}


@pytest.mark.parametrize("full", [False, True])
def test_the_last_record_agrees_with_scikit_learn(tmp_path: Path, full: bool) -> None:
    data = dataset(test=larger(squares(9, seed=1))) if full else dataset()
    record, saved = run(tmp_path, data, drawn=True)
    assert saved["test_confusions"].shape == (9, 4, 4)
    counts = saved["test_confusions"].sum(0)
    masks = [data.test.full[i] for i in range(9)] if full else list(data.test.labels)
    assert counts.sum() == sum((mask != VOID).sum() for mask in masks)
    truth, predicted = (np.repeat(np.indices((4, 4))[k].ravel(), counts.ravel()) for k in (0, 1))
    present = np.unique(truth)
    precision, recall, _, _ = precision_recall_fscore_support(
        truth, predicted, labels=present, average="macro", zero_division=0
    )
    assert record["test_precision"] == pytest.approx(precision)
    assert record["test_recall"] == pytest.approx(recall)
    assert record["test_accuracy"] == pytest.approx((truth == predicted).mean())
    assert record["test_ap"] == pytest.approx(
        np.nanmean(average_precision(saved["test_score_bins"]))
    )
    assert saved["test_images"].shape[1:] == (32, 32, 3)
    if not full:
        for place, index in enumerate(saved["test_images_at"]):
            mask = saved["test_truths"][place]
            assert (mask == data.test.labels[index]).all()
            counted = mask != VOID
            again = confusion_matrix(
                mask[counted], saved["test_predictions"][place][counted], labels=range(4)
            )
            assert (again == saved["test_confusions"][index]).all()


def test_average_precision_agrees_with_scikit_learn_on_scores_rounded_down() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, (3, 20, 20)).astype(np.uint8)
    labels[labels == 3] = 2  # class 3 never occurs
    labels[0, :5] = VOID
    logits = torch.from_numpy(rng.normal(size=(3, 4, 20, 20))).float()
    logits += 2 * torch.nn.functional.one_hot(
        torch.from_numpy(np.where(labels == VOID, 0, labels)).long(), 4
    ).permute(0, 3, 1, 2)
    probabilities = logits.softmax(1)
    bins = score_bins(probabilities, torch.from_numpy(labels)).numpy()
    counted = labels != VOID
    assert bins.sum(axis=(1, 2)).tolist() == [counted.sum()] * 4
    got = average_precision(bins)
    for number in range(3):
        scores = np.floor(probabilities[:, number].numpy()[counted] * BINS) / BINS
        assert got[number] == pytest.approx(
            average_precision_score(labels[counted] == number, scores)
        )
    assert np.isnan(got[3])


def test_contrast_is_the_distance_of_mean_colours() -> None:
    images = np.zeros((3, 2, 2, 3), dtype=np.uint8)
    masks = np.zeros((3, 2, 2), dtype=np.uint8)
    images[0, 0], masks[0, 0] = (30, 40, 0), 1
    masks[1] = 2  # no background
    masks[2, 0] = VOID  # no object
    got = contrasts(Split(images, masks))
    assert got[0] == pytest.approx(50)
    assert np.isnan(got[1:]).all()


def test_the_images_drawn_are_best_median_worst_and_nothing_but_background() -> None:
    """Ten images of two classes, image i with 10 i wrong pixels; in two all is background."""
    confusions = np.array([[[100, 10 * i], [0, 50]] for i in range(10)])
    confusions[4] = [[100, 0], [60, 0]]
    confusions[5] = [[100, 0], [0, 0]]  # nothing but background is true there
    found = chosen(confusions).tolist()
    assert found[:SHOWN] == [0, 5, 1]
    assert 4 in found
    assert len(found) == len(set(found)) <= 4 * SHOWN
    assert chosen(confusions[:1]).tolist() == [0]
    confusions[1] = 0  # all void
    assert 1 not in chosen(confusions).tolist()


def test_a_tuning_trial_never_sees_the_test_set(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(cell_scenes, "evaluate_scenes", None)  # calling it would raise
    job = job_in(tmp_path, dataset())
    told: list[dict] = []
    job(0, {**PARAMS, "phase": "tune", "drawn": False}, told.append)
    assert "test_miou" not in told[-1]
    assert not (tmp_path / "cells").exists()
