"""What every data set that can be loaded here promises, whichever it is."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.trainables.made_up import write_devkit, write_svhn
from trainables.data import DATASETS, images_to_train_on, load_dataset
from trainables.data.base import SEGMENTATION, Dataset, Split, content_hash
from trainables.data.devkit import layout
from trainables.data.masks import VOID

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
REAL = "svhn, real slice"
KNOWN = ("uci_digits", "voc", *(f"voc{year}" for year in range(2007, 2012)))  # by a list, say
SIZES = {"street_digits": 400, "street_scenes": 60}  # of those that are rendered


def write_voc(folder: Path, name: str) -> None:
    """A devkit of the year that the data set reads."""
    lists = {"train": [f"a{i}" for i in range(8)], "val": ["b8", "b9"]}
    made = write_devkit(folder, lists, (60, 40), [0, 5, 15, 20])
    place = folder / layout(str(DATASETS[name].options["year"]))
    place.parent.mkdir(parents=True, exist_ok=True)
    made.rename(place)


# A small folder in the format of each data set that reads one.
WRITERS: dict[str, Callable[[Path, str], object]] = {
    "svhn": lambda folder, name: write_svhn(folder),
    **dict.fromkeys(KNOWN[1:], write_voc),
}


def folder_of(name: str, folder: Path, given: str | None) -> str:
    """Where the files of a data set lie: made up in `folder`, or of a plugin's those given."""
    if name in WRITERS:
        WRITERS[name](folder, name)
        return str(folder)
    if given is None:
        pytest.fail(
            f"{name} reads a folder: add what writes a small one to WRITERS in {__file__}, or "
            "name a plugin's with --data-dir"
        )
    return given


def test_a_data_set_that_nothing_writes_is_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="new_one reads a folder: add what writes"):
        folder_of("new_one", tmp_path, None)


@pytest.fixture(scope="module", params=(*DATASETS, REAL))
def options(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """How the data set is loaded: of a small size, or from files made up in its format."""
    name = request.param
    if name == REAL:
        if not (SHARED / "svhn").is_dir():
            pytest.skip("no real SVHN slice at ../shared/data/svhn")
        return {"name": "svhn", "data_dir": str(SHARED / "svhn")}
    if not DATASETS[name].takes_directory:
        return {"name": name, "train_size": SIZES.get(name)}
    given = request.config.getoption("--data-dir")
    files = folder_of(name, tmp_path_factory.mktemp("files"), given)
    size = {"image_size": 32} if DATASETS[name].task == SEGMENTATION else {}
    return {"name": name, "data_dir": files, **size}


@pytest.fixture(scope="module")
def dataset(options: dict[str, Any]) -> Dataset:
    return load_dataset(**options)


def splits(dataset: Dataset) -> list[Split]:
    """Pool and test set; a plugin's may have none of the second."""
    assert dataset.test is not None or callable(DATASETS[dataset.name].loader)
    return [dataset.pool] if dataset.test is None else [dataset.pool, dataset.test]


def pictures(split: Split) -> set[bytes]:
    return {image.tobytes() for image in split.images}


def test_images_and_labels_have_the_documented_form(
    dataset: Dataset, options: dict[str, Any]
) -> None:
    entry = DATASETS[dataset.name]
    assert dataset.task == entry.task
    assert len(dataset.classes) == len(set(dataset.classes))
    size = (options["image_size"],) * 2 if "image_size" in options else entry.image_size
    for split in splits(dataset):
        assert split.images.dtype == np.uint8
        assert split.images.shape == (len(split), *size, 3)
        assert split.images.std() > 20  # pictures, not blanks
        scenes = dataset.task == SEGMENTATION
        assert split.labels.dtype == (np.uint8 if scenes else np.int64)
        assert split.labels.shape == split.images.shape[: 3 if scenes else 1]
        every = set(range(len(dataset.classes)))
        found = set(np.unique(split.labels).tolist())
        if scenes:  # scenes need not show all
            assert found <= {*every, VOID}
            assert len(found - {VOID}) > 1
        else:
            assert found == every


def halves(dataset: Dataset, seed: int, train_size: int | None = None) -> list[Split]:
    """(train, validation) images, as a training takes them."""
    return [dataset.pool.take(part) for part in dataset.split_indices(seed, train_size)]


def test_train_validation_and_test_share_no_picture(dataset: Dataset) -> None:
    train, val = halves(dataset, 0)
    assert len(train) + len(val) == len(dataset.pool)
    assert not pictures(train) & pictures(val)
    for test in splits(dataset)[1:]:
        assert not pictures(dataset.pool) & pictures(test)


def test_what_is_known_before_reading_is_true(dataset: Dataset, options: dict[str, Any]) -> None:
    known = images_to_train_on(options["name"], options.get("data_dir"), download=False)
    train, _ = halves(dataset, 0)
    assert known in (None, len(train))
    assert (known is None) == (options["name"] not in KNOWN)


def test_validation_has_its_share_and_of_a_classification_every_class(dataset: Dataset) -> None:
    train, val = halves(dataset, 3)
    assert len(val) == round(dataset.val_fraction * len(dataset.pool))
    if dataset.task != SEGMENTATION:
        for split in (train, val):
            assert set(split.labels.tolist()) == set(range(len(dataset.classes)))


def test_a_split_is_a_function_of_its_seed(dataset: Dataset) -> None:
    size = min(50, len(dataset.split_indices(0, None)[0]) - 1)
    first, again, other = (halves(dataset, seed, size)[0] for seed in (0, 0, 1))
    assert len(first) == size
    assert np.array_equal(first.images, again.images)
    assert not np.array_equal(first.images, other.images)


def test_the_hash_is_of_the_content(dataset: Dataset) -> None:
    pool, *test = splits(dataset)
    assert dataset.content_hash == content_hash(pool, *test)
    images = dataset.pool.images.copy()
    images[0, 0, 0, 0] ^= 1
    changed = Split(images, dataset.pool.labels, dataset.pool.full)
    assert dataset.content_hash != content_hash(changed, *test)


ELSEWHERE = """
import hashlib, sys
from study.plugins import load
from trainables.data import load_dataset
load(eval(sys.argv[2]))
dataset = load_dataset(**eval(sys.argv[1]))
train, val = dataset.split_indices(5, None)
print(dataset.content_hash, hashlib.sha256(train.tobytes() + val.tobytes()).hexdigest())
"""


def test_another_process_has_the_same_images_and_split(
    dataset: Dataset,
    options: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    plugins: list[str],
) -> None:
    """Made anew, since its cache is empty, and with another order of Python's own hashes."""
    monkeypatch.setenv("CROSSOVER_CACHE", str(tmp_path))
    monkeypatch.setenv("PYTHONHASHSEED", "1")
    command = [sys.executable, "-c", ELSEWHERE, repr(options), repr(plugins)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    train, val = dataset.split_indices(5, None)
    split = hashlib.sha256(train.tobytes() + val.tobytes()).hexdigest()
    assert done.stdout.split() == [dataset.content_hash, split]


def test_a_search_can_not_see_the_test_images(dataset: Dataset) -> None:
    assert dataset.without_test().test is None
