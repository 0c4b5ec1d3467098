"""Numbers and names as people read them."""

from __future__ import annotations

import pytest

from analysis.style import class_names
from analysis.text import (
    MISSING,
    capital,
    fixed,
    interval,
    metric,
    number,
    searched,
    signed,
)
from study.domains import Choice, Float, Int
from study.words import sized


def test_a_capital_leaves_the_other_letters() -> None:
    assert capital("validation mean IoU") == "Validation mean IoU"
    assert capital("") == ""


def test_ranges_in_words() -> None:
    assert searched(Float(1e-4, 1e-2, default=1e-3, role="nuisance")) == "0.0001 .. 0.01"
    assert searched(Int(4, 4, default=4, role="scientific")) == "4"
    assert searched(Choice((32, 64), 32, "nuisance")) == "32, 64"


def test_long_names_are_cut_and_never_mathematics() -> None:
    long, money = class_names(["a very long name of a class", "$5$"])
    assert long == "a very long nam…"
    assert money == r"\$5\$"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.031249, "+0.0312"),
        (0.00139, "+0.0014"),
        (-1.0, "−1.00"),
        (-0.86, "−0.860"),
        (1234.5, "+1234"),
        (9.996, "+10.0"),
        (99.96, "+100"),
        (-1e20, "−1e+20"),
        (0.00001234, "+1e-05"),
        (0.0, "0"),
        (float("nan"), MISSING),
    ],
)
def test_a_difference_has_its_sign_and_no_idle_digits(value: float, shown: str) -> None:
    assert signed(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.05, "0.05 nats"),
        (0.00125, "0.00125 nats"),
        (99.96, "100 nats"),
        (999.6, "1000 nats"),
        (1234.5, "1234 nats"),
        (123456.0, "123456 nats"),
        (0.0, "0 nats"),
    ],
)
def test_a_size_has_no_exponent_where_its_difference_has_none(value: float, shown: str) -> None:
    assert sized(value, "nats") == shown
    assert "e" not in signed(value)


def test_a_share_is_sized_in_percentage_points() -> None:
    assert sized(0.025, "fraction") == "2.5 percentage points"


def test_the_ends_of_an_interval_have_the_same_decimals() -> None:
    assert interval(-0.0706, 0.297) == "−0.071 to +0.297"
    assert interval(-15.5, -0.0978) == "−15.5 to −0.1"
    assert interval(-15.5, -0.0212) == "−15.5 to −0.02"  # still below 0
    assert interval(0.0, 2.0) == "0 to +2.00"
    assert interval(float("-inf"), 2.0) == MISSING


def test_negative_numbers_have_a_minus_sign() -> None:
    assert number(-3) == "−3"
    assert number(-3e-5) == "−3e-05"
    assert metric(-0.18051) == "−0.1805"
    assert metric(-0.00001) == "0.0000"
    assert metric(None) == MISSING
    assert fixed(-0.0003, 3) == "0.000"
