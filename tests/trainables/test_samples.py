import numpy as np
import pytest

from trainables.data.masks import VOID
from trainables.samples import STRENGTHS, sample_sheet


def digits(n: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8), np.arange(n) % classes


def test_a_row_for_each_strength_and_the_originals_first():
    images, labels = digits(50, 10)
    sheet = sample_sheet(images, labels, seed=0)
    assert sheet["images"].shape == (5, 8, 32, 32, 3)
    assert sheet["images"].dtype == np.uint8
    assert sheet["labels"].dtype == np.int64
    assert len(set(sheet["labels"])) == 8
    assert tuple(sheet["strengths"]) == STRENGTHS
    for image, label in zip(sheet["images"][0], sheet["labels"], strict=True):
        source = np.flatnonzero((images == image).all((1, 2, 3)))
        assert labels[source] == [label]
    difference = np.abs(sheet["images"].astype(int) - sheet["images"][0]).mean((1, 2, 3, 4))
    assert (np.diff(difference) > 0).all()


def test_the_sheet_is_a_function_of_its_seed():
    images, labels = digits(50, 10)
    first, again = (sample_sheet(images, labels, seed=3)["images"] for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, sample_sheet(images, labels, seed=4)["images"])


def test_few_classes_and_few_images_are_shown_as_they_are():
    images, labels = digits(20, 3)
    assert sorted(set(sample_sheet(images, labels, seed=0)["labels"])) == [0, 1, 2]
    assert len(sample_sheet(images, labels, seed=0)["labels"]) == 8
    images, labels = digits(2, 10)
    assert sample_sheet(images, labels, (0.5,), seed=0)["images"].shape == (1, 2, 32, 32, 3)


def scenes(shown: list[set[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Noise, and masks of background with a square of each class that is to be shown."""
    rng = np.random.default_rng(0)
    masks = np.zeros((len(shown), 32, 32), dtype=np.uint8)
    for mask, labels in zip(masks, shown, strict=True):
        for at, label in enumerate(sorted(labels)):
            mask[4 : 4 + 8, 8 * at : 8 * at + 6] = label
    return rng.integers(0, 256, (len(shown), 32, 32, 3), dtype=np.uint8), masks


def test_scenes_come_with_their_masks_at_every_strength():
    images, masks = scenes([{1, 2}, {3}, {4, VOID}])
    sheet = sample_sheet(images, masks, seed=0)
    assert set(sheet) == {"images", "masks", "strengths"}
    assert sheet["images"].shape == (5, 3, 32, 32, 3)
    assert sheet["masks"].shape == (5, 3, 32, 32)
    assert sheet["images"].dtype == sheet["masks"].dtype == np.uint8
    for image, mask in zip(sheet["images"][0], sheet["masks"][0], strict=True):
        source = np.flatnonzero((images == image).all((1, 2, 3)))
        assert np.array_equal(masks[source], mask[None])
    assert set(np.unique(sheet["masks"])) == {0, 1, 2, 3, 4, VOID}
    difference = (sheet["masks"] != sheet["masks"][0]).mean((1, 2, 3))
    assert (np.diff(difference) > 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_scenes_are_chosen_to_show_many_classes_and_repeat_few(seed):
    images, masks = scenes([{1}] * 40 + [{2}, {1, 2, 3}, {2, 5}, {4, 5}, {1, 5}] + [set()] * 10)
    chosen = sample_sheet(images, masks, (0.0,), seed, count=4)["masks"][0]
    shown = [set(np.unique(mask)) - {0} for mask in chosen]
    assert shown[:2] == [{1, 2, 3}, {4, 5}]
    assert shown[2] == {1, 5} or shown[2] == {2, 5}  # all were shown: it begins again
    assert len(shown[2] | shown[3]) >= 3


def test_a_class_too_small_to_be_seen_does_not_count():
    images, masks = scenes([{1}, {1}, {2}])
    masks[0, 0, :2] = 9
    for seed in range(5):
        chosen = sample_sheet(images, masks, (0.0,), seed, count=2)["masks"][0]
        assert {1, 2} <= set(np.unique(chosen))


def test_scenes_that_are_few_or_void_are_shown_as_they_are():
    images, masks = scenes([{1}])
    assert sample_sheet(images, masks, (0.5,))["masks"].shape == (1, 1, 32, 32)
    sheet = sample_sheet(images.repeat(9, 0), np.full((9, 32, 32), VOID, dtype=np.uint8))
    assert (sheet["masks"] == VOID).all()
    assert sheet["images"].shape[:2] == (5, 8)
