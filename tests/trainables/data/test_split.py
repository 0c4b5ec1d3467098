"""Properties of the stratified split, over many pools."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainables.data.split import stratified_split
from trainables.errors import UserError

pools = st.lists(st.integers(6, 60), min_size=2, max_size=10).flatmap(
    lambda counts: st.permutations(np.repeat(np.arange(len(counts)), counts).tolist())
)
seeds = st.integers(0, 2**32 - 1)
fractions = st.floats(0.2, 0.5)
quick = settings(max_examples=60, deadline=None)


@quick
@given(pools, fractions, seeds)
def test_every_image_is_on_exactly_one_side(pool: list[int], fraction: float, seed: int):
    train, val = stratified_split(np.array(pool), fraction, None, seed)
    assert sorted([*train, *val]) == list(range(len(pool)))
    assert len(val) == round(fraction * len(pool))


@quick
@given(pools, fractions, seeds, st.data())
def test_classes_keep_their_share(pool: list[int], fraction: float, seed: int, data):
    labels = np.array(pool)
    counts = np.bincount(labels)
    most = len(labels) - round(fraction * len(labels))
    size = data.draw(st.integers(len(counts), most))
    train, val = stratified_split(labels, fraction, size, seed)
    for part in (train, val):
        wanted = counts * len(part) / len(labels)
        # Rounding moves a class by one; the part's exact size costs at most half an
        # image a class more, shared out in proportion, once a draw.
        slack = 1.5 + len(counts) * counts / len(labels)
        assert (np.abs(np.bincount(labels[part], minlength=len(counts)) - wanted) <= slack).all()


@quick
@given(pools, seeds, st.data())
def test_sizes_are_nested_and_share_validation(pool: list[int], seed: int, data):
    labels = np.array(pool)
    classes = len(set(pool))
    full, val = stratified_split(labels, 0.25, None, seed)
    small, large = sorted(data.draw(st.tuples(*[st.integers(classes, len(full))] * 2)))
    train_small, val_small = stratified_split(labels, 0.25, small, seed)
    train_large, val_large = stratified_split(labels, 0.25, large, seed)
    assert (len(train_small), len(train_large)) == (small, large)
    assert set(train_small) <= set(train_large) <= set(full)
    assert np.array_equal(val, val_small)
    assert np.array_equal(val, val_large)


def test_seeds_give_different_splits_and_zero_is_a_seed():
    labels = np.arange(300) % 10
    parts = [tuple(stratified_split(labels, 1 / 3, None, seed)[1]) for seed in range(20)]
    assert len(set(parts)) == 20
    assert parts[0] == tuple(stratified_split(labels, 1 / 3, None, 0)[1])


def test_every_image_is_drawn_as_often_as_any_other():
    labels = np.repeat([0, 1, 2], [60, 30, 10])
    drawn = np.zeros(100)
    for seed in range(600):
        drawn[stratified_split(labels, 0.3, None, seed)[1]] += 1
    # Each is drawn with probability 0.3: 180 times, standard deviation 11.
    assert drawn.min() > 180 - 5 * 11.3
    assert drawn.max() < 180 + 5 * 11.3


@pytest.mark.parametrize(
    ("labels", "train_size", "said"),
    [
        ([], None, "0 images"),
        ([0, 0, 0, 1], None, "class 1 has one image"),
        ([0, 0, 1, 1], None, "cannot split 4 images"),
        ([0, 1] * 20, 31, "only 30 images are left"),
        ([0, 1] * 20, 1, "need at least 2"),
    ],
)
def test_what_can_not_be_split_is_said(labels: list[int], train_size: int | None, said: str):
    with pytest.raises(UserError, match=said):
        stratified_split(np.array(labels, np.int64), 0.25, train_size, 0)


def test_a_tiny_pool_of_one_stratum_leaves_an_image_for_either_side():
    for count in (2, 3, 4):
        train, val = stratified_split(np.zeros(count, np.int64), 0.1, None, 0)
        assert (len(train), len(val)) == (count - 1, 1)
