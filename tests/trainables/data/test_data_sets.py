"""What every data set promises, whichever it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trainables.data import DATASETS, load_dataset
from trainables.data.base import DataError, Dataset, Split, check, content_hash
from trainables.errors import UserError

REAL_SVHN = Path(__file__).parents[4] / "shared" / "data" / "svhn"
CASES = ("street_digits", "uci_digits", "svhn", "svhn, real slice")


@pytest.fixture(scope="module", params=CASES)
def dataset(request: pytest.FixtureRequest) -> Dataset:
    if request.param == "svhn, real slice":
        if not REAL_SVHN.is_dir():
            pytest.skip("no real SVHN slice at ../shared/data/svhn")
        return load_dataset("svhn", data_dir=REAL_SVHN)
    if request.param == "svhn":
        return load_dataset("svhn", data_dir=request.getfixturevalue("made_up_svhn"))
    return load_dataset(request.param, train_size=400 if "street" in request.param else None)


def pictures(split: Split) -> set[bytes]:
    return {image.tobytes() for image in split.images}


def test_images_and_labels_have_the_documented_form(dataset: Dataset):
    entry = DATASETS[dataset.name]
    assert len(dataset.classes) == entry.classes
    for split in (dataset.pool, dataset.test):
        assert split is not None
        assert split.images.dtype == np.uint8
        assert split.images.shape == (len(split), *entry.image_size, 3)
        assert split.labels.dtype == np.int64
        assert set(split.labels.tolist()) == set(range(entry.classes))
        assert split.images.std() > 20  # pictures, not blanks


def test_train_validation_and_test_share_no_picture(dataset: Dataset):
    train, val = dataset.split(seed=0)
    assert dataset.test is not None
    assert len(train) + len(val) == len(dataset.pool)
    assert not pictures(train) & pictures(val)
    assert not pictures(dataset.pool) & pictures(dataset.test)


def test_validation_has_its_share_and_every_class(dataset: Dataset):
    train, val = dataset.split(seed=3)
    assert len(val) == round(dataset.val_fraction * len(dataset.pool))
    for split in (train, val):
        assert set(split.labels.tolist()) == set(range(10))


def test_a_split_is_a_function_of_its_seed(dataset: Dataset):
    first, again, other = (dataset.split(seed, train_size=50)[0] for seed in (0, 0, 1))
    assert len(first) == 50
    assert np.array_equal(first.images, again.images)
    assert not np.array_equal(first.images, other.images)


def test_the_hash_is_of_the_content(dataset: Dataset):
    assert dataset.test is not None
    assert dataset.content_hash == content_hash(dataset.pool, dataset.test)
    changed = Split(dataset.pool.images.copy(), dataset.pool.labels)
    changed.images[0, 0, 0, 0] ^= 1
    assert dataset.content_hash != content_hash(changed, dataset.test)


def test_a_search_can_not_see_the_test_images(dataset: Dataset):
    assert dataset.without_test().test is None


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(UserError, match="did you mean street_digits"):
        load_dataset("street_digit")


@pytest.mark.parametrize("name", ["street_digits", "uci_digits"])
def test_options_that_make_no_sense_are_refused(name: str, tmp_path: Path):
    with pytest.raises(UserError, match="--data-dir"):
        load_dataset(name, data_dir=tmp_path)
    with pytest.raises(UserError, match="--download"):
        load_dataset(name, download=True)


@pytest.mark.parametrize(
    ("images", "labels", "said"),
    [
        (np.zeros((2, 32, 32, 3)), np.zeros(2, np.int64), "uint8"),
        (np.zeros((2, 32, 32), np.uint8), np.zeros(2, np.int64), r"\(2, 32, 32\)"),
        (np.zeros((2, 32, 32, 3), np.uint8), np.zeros(3, np.int64), "2 images"),
        (np.zeros((0, 32, 32, 3), np.uint8), np.zeros(0, np.int64), "no images"),
        (np.zeros((2, 32, 32, 3), np.uint8), np.array([0, 10]), r"0\.\.10"),
    ],
)
def test_check_refuses(images: np.ndarray, labels: np.ndarray, said: str):
    with pytest.raises(DataError, match=said):
        check("some data", Split(images, labels), 10)
