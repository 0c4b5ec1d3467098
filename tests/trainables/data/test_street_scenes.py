"""The rendered scenes: the same everywhere, as uneven as streets, labelled like VOC."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from trainables.data import DATASETS, load_dataset, street_scenes
from trainables.data.base import SEGMENTATION, Dataset, content_hash
from trainables.data.masks import VOID
from trainables.data.street.camera import photograph
from trainables.data.street.draws import Draws
from trainables.data.street.kinds import CLASSES, KINDS, Kind
from trainables.data.street.pen import Pen
from trainables.data.street.picture import Picture, Place
from trainables.errors import UserError

ROOT = Path(__file__).parents[3]
PRINT_HASH = (
    "from trainables.data import load_dataset;"
    "print(load_dataset('street_scenes', train_size=4, image_size=32).content_hash)"
)


def generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


@pytest.fixture(scope="module")
def scenes() -> Dataset:
    return load_dataset("street_scenes", train_size=100)


def test_images_and_masks_have_the_documented_form(scenes: Dataset):
    assert scenes.task == SEGMENTATION == DATASETS["street_scenes"].task
    assert len(scenes.classes) == len(set(scenes.classes)) == 21
    assert scenes.test is not None
    assert (len(scenes.pool), len(scenes.test)) == (150, 64)
    for split in (scenes.pool, scenes.test):
        assert split.images.shape == (len(split), 64, 64, 3)
        assert split.labels.shape == (len(split), 64, 64)
        assert split.images.dtype == split.labels.dtype == np.uint8
        assert split.full is None
        assert split.images.std() > 20  # pictures, not blanks
        assert set(np.unique(split.labels)) == {*range(len(scenes.classes)), VOID}
    assert scenes.content_hash == content_hash(scenes.pool, scenes.test)


def test_train_and_validation_are_disjoint_and_of_the_asked_size(scenes: Dataset):
    train, val = scenes.split_indices(0, 100)
    assert (len(train), len(val)) == (100, 50)
    assert not set(train) & set(val)
    assert scenes.test is not None
    pool, test = ({image.tobytes() for image in s.images} for s in (scenes.pool, scenes.test))
    assert not pool & test


def test_background_dominates_and_classes_are_uneven(scenes: Dataset):
    shares = np.bincount(scenes.pool.labels.ravel(), minlength=256) / scenes.pool.labels.size
    assert 0.6 < shares[0] < 0.8
    things = shares[1 : len(CLASSES)]
    assert things.max() > 15 * things.min()
    images = [(scenes.pool.labels == label).any((1, 2)).sum() for label in range(len(CLASSES))]
    assert images[0] == 150
    assert min(images) >= 5
    assert max(images[1:]) > 2.5 * min(images)


def test_void_follows_outlines_and_nothing_else(scenes: Dataset):
    labels = scenes.pool.labels
    assert 0.05 < (labels == VOID).mean() < 0.15
    # Where two neighbours differ, one of them is void: outlines have no gaps.
    for first, second in (
        (labels[:, 1:], labels[:, :-1]),
        (labels[:, :, 1:], labels[:, :, :-1]),
    ):
        differ = (first != second) & (first != VOID) & (second != VOID)
        assert differ.mean() < 0.003
    # A thing is never further from void than a few pixels are wide: no void without a thing.
    near = np.pad(labels, ((0, 0), (2, 2), (2, 2)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(near, (5, 5), axis=(1, 2))
    alone = np.isin(windows, (0, VOID)).all((3, 4)) & (labels == VOID)
    assert alone.mean() < 0.01


@pytest.mark.parametrize(("few", "many"), [(2, 30), (27, 80)])
def test_more_images_begin_with_the_fewer(few: int, many: int):
    small, large = (load_dataset("street_scenes", train_size=n) for n in (few, many))
    count = len(small.pool)
    assert np.array_equal(small.pool.images, large.pool.images[:count])
    assert np.array_equal(small.pool.labels, large.pool.labels[:count])
    assert small.test is not None
    assert large.test is not None
    assert np.array_equal(small.test.images, large.test.images)


def test_processes_sharing_a_new_cache_render_the_same(tmp_path: Path):
    environment = {**os.environ, "CROSSOVER_CACHE": str(tmp_path), "PYTHONHASHSEED": "7"}
    command = [sys.executable, "-c", PRINT_HASH]
    both = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    printed = {process.communicate(timeout=120)[0].strip() for process in both}
    assert printed == {load_dataset("street_scenes", train_size=4, image_size=32).content_hash}
    stored = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert stored == ["pool-0000.npz", "test-0000.npz", "test-0001.npz"]


def test_what_is_cached_is_what_is_rendered(scenes: Dataset):
    chunk = street_scenes.render_chunk("pool", 1, 64)
    kept = slice(street_scenes.CHUNK, 2 * street_scenes.CHUNK)
    assert np.array_equal(scenes.pool.images[kept], chunk["images"])
    assert np.array_equal(scenes.pool.labels[kept], chunk["labels"])


def test_seeds_splits_and_chunks_have_pictures_of_their_own():
    asked = [("pool", 0, 0), ("pool", 1, 0), ("test", 0, 0), ("pool", 0, 1)]
    chunks = [street_scenes.render_chunk(split, number, 32, seed) for split, number, seed in asked]
    assert len({image.tobytes() for chunk in chunks for image in chunk["images"]}) == 160


def test_pixels_change_only_with_the_version():
    """Raise VERSION with these figures: caches elsewhere hold the old pictures."""
    images, labels = zip(*(photograph(generator(i), 3 * i, 64) for i in range(6)), strict=True)
    assert street_scenes.VERSION == 2
    assert [int(image.sum(dtype=np.int64)) for image in images] == GOLDEN_SUMS
    assert [int((label == 0).sum()) for label in labels] == GOLDEN_BACKGROUND


GOLDEN_SUMS = [1187637, 1895208, 1727001, 1481539, 1604233, 1241964]
GOLDEN_BACKGROUND = [2225, 2879, 2822, 2736, 3472, 2503]


@pytest.mark.parametrize("side", [32, 128])
def test_other_sizes_show_the_same_scenes(side: int):
    coarse, fine = min(side, 64), max(side, 64)
    factor = fine // coarse
    agreed, counted, apart = 0, 0, []
    for seed in range(10):
        small_image, small_mask = photograph(generator(seed), seed, coarse)
        image, mask = photograph(generator(seed), seed, fine)
        means = image.reshape(coarse, factor, coarse, factor, 3).mean((1, 3))
        apart.append(np.abs(means - small_image).mean())
        centre = mask[factor // 2 :: factor, factor // 2 :: factor]
        known = (small_mask != VOID) & (centre != VOID)
        agreed += (small_mask == centre)[known].sum()
        counted += known.sum()
    assert agreed / counted > 0.98
    assert np.mean(apart) < 12  # of 255: noise and thin lines


@pytest.mark.parametrize("kind", [k for k in KINDS if k.stands != "across"], ids=lambda k: k.name)
def test_nothing_is_cut_off_at_its_windows_edge(kind: Kind):
    side = 96
    axis = (np.arange(side, dtype=np.float32) + np.float32(0.5)) / np.float32(side)
    for seed in range(15):
        rgb, mask = np.zeros((3, side, side), np.float32), np.zeros((side, side), np.uint8)
        picture = Picture(rgb, mask, axis, np.ones((side, side), np.float32), (0.0, 0.0))
        lean = 0.06 if seed % 2 else -0.06
        pen = Pen(picture, Place(0.5, 0.6, 0.2, kind.reach, lean, mirrored=seed % 3 == 0))
        kind.paint(pen, Draws(generator(seed)))
        edges = (pen.outline[0], pen.outline[-1], pen.outline[:, 0], pen.outline[:, -1])
        assert max(float(edge.max()) for edge in edges) < -pen.border
        pen.label(1)
        assert (mask == 1).sum() > 20


def test_without_a_cache_folder_the_pictures_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    kept = load_dataset("street_scenes", train_size=4, image_size=32)
    blocked = tmp_path / "a file, not a folder"
    blocked.write_text("")
    monkeypatch.setenv("CROSSOVER_CACHE", str(blocked))
    made = load_dataset("street_scenes", train_size=4, image_size=32)
    assert kept.notices == ()
    assert made.content_hash == kept.content_hash
    assert len(made.notices) == 1
    assert str(blocked) in made.notices[0]


def test_too_few_images_are_refused():
    with pytest.raises(UserError, match="--train-size 1: street_scenes needs at least 2"):
        load_dataset("street_scenes", train_size=1)


def test_colour_alone_does_not_tell_the_classes(scenes: Dataset):
    """Naming each thing's pixels by the nearest mean colour of its class: hardly above chance."""
    images, labels = scenes.pool.images[:100].astype(np.float64), scenes.pool.labels[:100]
    means = np.stack([images[labels == label].mean(0) for label in range(1, len(CLASSES))])
    asked = (scenes.pool.labels[100:] != 0) & (scenes.pool.labels[100:] != VOID)
    pixels, truth = scenes.pool.images[100:][asked], scenes.pool.labels[100:][asked]
    nearest = ((pixels[:, None] - means) ** 2).sum(2).argmin(1) + 1
    assert 0.05 < (nearest == truth).mean() < 0.3
