"""The hint that a misspelt name gets: the name that was meant, or else all there are."""

from __future__ import annotations

import pytest

from study.claims import CLAIMS
from study.spaces import OR_A_PLUGINS, SPACES
from trainables.data import DATASETS
from trainables.errors import unknown_name

NAMES = [*SPACES, *CLAIMS, *DATASETS]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("resnet18aug", "resnet18_aug"),
        ("renset18", "resnet18"),
        ("renset18_aug", "resnet18_aug"),
        ("cnn_agu", "cnn_aug"),
        ("ccn", "cnn"),
        ("ccn_aug", "cnn_aug"),
        ("tinny_aug", "tiny_aug"),
        ("aug_gap_smaler", "aug_gap_smaller"),
        ("cnn_beats_agu_short", "cnn_beats_aug_short"),
        ("street_digit", "street_digits"),
        ("cnn_gap_smaller", "cnn_aug_gap_smaller"),
        ("cnn_aug_cross", "cnn_aug_crossover"),
        ("strength_cnn", "cnn_strength_dose_response"),
        ("uci", "uci_digits"),
    ],
)
def test_a_misspelt_name_gets_the_one_that_was_meant(typed: str, meant: str) -> None:
    assert str(unknown_name("name", typed, NAMES)) == (
        f"unknown name {typed!r}: did you mean {meant}?"
    )


def test_several_names_may_have_been_meant() -> None:
    for typed, meant in (
        ("cnn_aug", "cnn_aug_crossover or cnn_aug_gap_smaller"),
        ("aug", "aug_crossover, aug_gap_smaller or aug_resnet18_beats_cnn"),
        ("short", "cnn_beats_aug_short, resnet18_beats_aug_short or resnet50_beats_aug_short"),
    ):
        assert f"did you mean {meant}?" in str(unknown_name("claim", typed, CLAIMS))


@pytest.mark.parametrize("typed", ["mlp", "mlp_aug", "vit_aug", "alexnet_aug", "aug", "_", ""])
def test_another_name_gets_all_that_are_known(typed: str) -> None:
    """A common "_aug" is no likeness: the space is a plugin's that was not named, say."""
    said = str(unknown_name("space", typed, SPACES, OR_A_PLUGINS))
    known = ", ".join(sorted(SPACES))
    assert said == (
        f"unknown space {typed!r}: known: {known} (a space of your own needs its --plugin)"
    )


def test_an_empty_table_has_no_neighbours() -> None:
    assert str(unknown_name("name", "x", [])) == "unknown name 'x': known: "
