import numpy as np

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
