"""The rendered data set: the same everywhere, whatever is asked for, and like SVHN."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from trainables.data import load_dataset, street_digits
from trainables.data.drawing import SVHN_COUNTS
from trainables.errors import UserError

ROOT = Path(__file__).parents[3]
PRINT_HASH = (
    "from trainables.data import load_dataset;"
    "print(load_dataset('street_digits', train_size=40).content_hash)"
)


def start_process(cache: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "CROSSOVER_CACHE": str(cache), "PYTHONHASHSEED": "7"}
    return subprocess.Popen(
        [sys.executable, "-c", PRINT_HASH],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_processes_sharing_a_new_cache_render_the_same(tmp_path: Path):
    both = [start_process(tmp_path), start_process(tmp_path)]
    printed = {process.communicate(timeout=120)[0].strip() for process in both}
    assert printed == {load_dataset("street_digits", train_size=40).content_hash}
    stored = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert stored == ["pool-0000.npz", "test-0000.npz", "test-0001.npz"]


@pytest.mark.parametrize(("few", "many"), [(32, 333), (300, 400)])
def test_more_images_begin_with_the_fewer(few: int, many: int):
    small, large = (load_dataset("street_digits", train_size=n) for n in (few, many))
    count = len(small.pool)
    assert count < len(large.pool)
    assert np.array_equal(small.pool.images, large.pool.images[:count])
    assert np.array_equal(small.pool.labels, large.pool.labels[:count])
    assert small.test is not None
    assert large.test is not None
    assert np.array_equal(small.test.images, large.test.images)


def test_a_larger_request_renders_only_what_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CROSSOVER_CACHE", str(tmp_path))
    rendered = []

    def blank(split: str, number: int) -> dict[str, np.ndarray]:
        rendered.append((split, number))
        labels = np.arange(street_digits.CHUNK) % 10
        return {"images": np.zeros((len(labels), 32, 32, 3), np.uint8), "labels": labels}

    monkeypatch.setattr(street_digits, "render_chunk", blank)
    load_dataset("street_digits", train_size=300)
    assert rendered == [("pool", 0), ("test", 0), ("test", 1)]
    load_dataset("street_digits", train_size=600)
    assert rendered[3:] == [("pool", 1)]


@pytest.mark.parametrize("train_size", [32, 33, 50, 51, 100, 333])
def test_the_pool_is_exactly_large_enough(train_size: int):
    dataset = load_dataset("street_digits", train_size=train_size)
    assert len(dataset.pool) == (train_size * 3 + 1) // 2
    for seed in range(5):
        train, val = dataset.split_indices(seed, train_size)
        assert len(train) == train_size
        assert len(val) == len(dataset.pool) - train_size


def test_too_few_images_are_refused():
    with pytest.raises(UserError, match="at least 32"):
        load_dataset("street_digits", train_size=31)
    with pytest.raises(UserError, match="--train-size 0"):
        load_dataset("street_digits", train_size=0)


def test_classes_come_as_often_as_in_svhn():
    test = load_dataset("street_digits", train_size=32).test
    assert test is not None
    share = np.bincount(test.labels) / len(test)
    assert np.abs(share - np.array(SVHN_COUNTS) / sum(SVHN_COUNTS)).max() < 0.006
    for start in range(0, len(test), street_digits.STRATUM):
        window = test.labels[start : start + street_digits.STRATUM]
        assert np.bincount(window, minlength=10).min() >= 3


def test_seeds_and_splits_have_pictures_of_their_own():
    chunks = [
        street_digits.render_chunk(split, number, seed)["images"][0].tobytes()
        for split, number, seed in [("pool", 0, 0), ("pool", 1, 0), ("test", 0, 0), ("pool", 0, 1)]
    ]
    assert len(set(chunks)) == 4


def test_pixels_change_only_with_the_version():
    """Raise VERSION with these figures: caches elsewhere hold the old pictures.

    The tolerance leaves room for another FreeType's rounding of the glyphs, nothing more.
    """
    chunk = street_digits.render_chunk("pool", 0)
    assert street_digits.VERSION == 1
    means = chunk["images"][:6].mean(axis=(1, 2, 3))
    assert chunk["labels"][:12].tolist() == GOLDEN_LABELS
    assert np.abs(means - GOLDEN_MEANS).max() < 0.3


GOLDEN_LABELS = [4, 4, 8, 3, 1, 6, 2, 8, 7, 1, 5, 1]
GOLDEN_MEANS = np.array([109.05, 84.65, 77.13, 79.86, 124.51, 138.27])


def test_without_a_cache_folder_the_pictures_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    kept = load_dataset("street_digits", train_size=40)
    blocked = tmp_path / "a file, not a folder"
    blocked.write_text("")
    monkeypatch.setenv("CROSSOVER_CACHE", str(blocked))
    made = load_dataset("street_digits", train_size=40)
    assert kept.notices == ()
    assert made.content_hash == kept.content_hash
    assert len(made.notices) == 1
    assert str(blocked) in made.notices[0]


def test_digits_can_be_told_apart_but_not_easily():
    """Nearest class mean: far above chance, far below what a network reaches."""
    dataset = load_dataset("street_digits", train_size=333)
    assert dataset.test is not None

    def features(images: np.ndarray) -> np.ndarray:
        """Luma between the neighbours, in either polarity the same, normalised."""
        grey = images.mean(axis=3)[:, 3:29, 9:23].reshape(len(images), -1)
        grey = grey - grey.mean(axis=1, keepdims=True)
        return grey / (grey.std(axis=1, keepdims=True) + 1)

    known, asked = features(dataset.pool.images), features(dataset.test.images)
    nearest = np.abs(asked @ known.T).argmax(axis=1)
    accuracy = (dataset.pool.labels[nearest] == dataset.test.labels).mean()
    assert 0.25 < accuracy < 0.75
