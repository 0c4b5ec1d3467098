"""Numbers and names as people read them."""

from __future__ import annotations

import pytest

from analysis.style import class_names
from analysis.text import capital, compact, searched
from study.domains import Choice, Float, Int


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1.0k"),
        (9_960, "10k"),
        (12_345, "12k"),
        (999_600, "1.0M"),
        (1_234_567, "1.2M"),
        (2_300_000_000, "2.3G"),
    ],
)
def test_counts_in_four_characters(count: int, shown: str) -> None:
    assert compact(count) == shown


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
