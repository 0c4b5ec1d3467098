"""Scores from counts of pixels against scikit-learn on the pixels themselves."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    confusion_matrix,
    jaccard_score,
    precision_recall_fscore_support,
)

from analysis.experiment.pixels import (
    SCORES,
    class_scores,
    macro_mean,
    support,
    weighted_mean,
)
from trainables.pixel_scores import average_precision, mean_iou

CLASSES, PIXELS, BINS = 6, 400, 1_000
ABSENT, NEVER_PREDICTED = 4, 3
THERE = [0, 1, 2, 3, 5]


class Flat:
    """Pixels in a row: truth, scores and what they come to; one class is absent."""

    def __init__(self, seed: int) -> None:
        generator = np.random.default_rng(seed)
        self.truth = generator.choice(THERE, PIXELS, p=[0.6, 0.2, 0.1, 0.05, 0.05])
        logits = generator.normal(0, 1, (PIXELS, CLASSES))
        logits[np.arange(PIXELS), self.truth] += 1.5
        logits[:, NEVER_PREDICTED] -= 20
        odds = np.exp(logits)
        self.scores = odds / odds.sum(axis=1, keepdims=True)
        self.predicted = self.scores.argmax(axis=1)
        self.confusion = confusion_matrix(self.truth, self.predicted, labels=range(CLASSES))
        self.places = np.minimum((self.scores * BINS).astype(int), BINS - 1)
        self.bins = np.zeros((CLASSES, 2, BINS), dtype=np.int64)
        for c in range(CLASSES):
            np.add.at(self.bins[c], ((self.truth == c).astype(int), self.places[:, c]), 1)


@pytest.fixture(params=range(3))
def flat(request: pytest.FixtureRequest) -> Flat:
    return Flat(request.param)


def test_scores_by_class_are_scikit_learns(flat: Flat) -> None:
    found = dict(zip(SCORES, class_scores(flat.confusion, flat.bins), strict=True))
    precision, recall, f1, _ = precision_recall_fscore_support(
        flat.truth, flat.predicted, labels=THERE, zero_division=0
    )
    jaccard = jaccard_score(flat.truth, flat.predicted, labels=THERE, average=None, zero_division=0)
    one_vs_rest = [accuracy_score(flat.truth == c, flat.predicted == c) for c in THERE]
    expected = {"precision": precision, "recall": recall, "F1": f1, "IoU": jaccard}
    for name, values in (expected | {"accuracy": one_vs_rest}).items():
        assert found[name][THERE] == pytest.approx(values), name
        assert np.isnan(found[name][ABSENT])
    assert found["precision"][NEVER_PREDICTED] == found["recall"][NEVER_PREDICTED] == 0
    assert flat.confusion[:, ABSENT].sum() > 0  # predicted without occurring


def test_average_precision_is_that_of_scores_rounded_down(flat: Flat) -> None:
    found = average_precision(flat.bins)
    expected = [average_precision_score(flat.truth == c, flat.places[:, c] / BINS) for c in THERE]
    assert found[THERE] == pytest.approx(expected)
    assert np.isnan(found[ABSENT])
    for c in (0, 1, 2, 5):
        exact = average_precision_score(flat.truth == c, flat.scores[:, c])
        assert found[c] == pytest.approx(exact, abs=0.02)
    # All its scores lie in the lowest bin: no better than a constant guess.
    assert found[NEVER_PREDICTED] == pytest.approx((flat.truth == NEVER_PREDICTED).mean())


def test_means_leave_absent_classes_out(flat: Flat) -> None:
    scores = class_scores(flat.confusion, flat.bins)
    for average, found in (
        ("macro", macro_mean(scores)),
        ("weighted", weighted_mean(scores, support(flat.confusion))),
    ):
        expected = precision_recall_fscore_support(
            flat.truth, flat.predicted, labels=THERE, average=average, zero_division=0
        )[:3]
        assert found[1:4] == pytest.approx(expected), average
    # Recall weighted by truth pixels is pixel accuracy.
    accuracy = accuracy_score(flat.truth, flat.predicted)
    assert weighted_mean(scores, support(flat.confusion))[2] == pytest.approx(accuracy)
    assert np.isnan(macro_mean(np.full((2, 3), np.nan))).all()


def test_the_iou_of_an_image_is_over_the_classes_seen_or_predicted_there() -> None:
    images = [Flat(seed) for seed in range(4)]
    confusions = np.stack([image.confusion for image in images])
    expected = [jaccard_score(i.truth, i.predicted, average="macro") for i in images]
    assert mean_iou(confusions) == pytest.approx(expected)
    assert np.isnan(mean_iou(np.zeros((1, 3, 3), dtype=int))[0])  # all void


def test_axes_before_the_classes_are_independent() -> None:
    flats = [Flat(seed) for seed in range(2)]
    together = class_scores(
        np.stack([f.confusion for f in flats]), np.stack([f.bins for f in flats])
    )
    assert together.shape == (len(SCORES), 2, CLASSES)
    for place, one in enumerate(flats):
        alone = class_scores(one.confusion, one.bins)
        np.testing.assert_array_equal(together[:, place], alone)
