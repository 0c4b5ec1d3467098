"""Dimensions: what they accept, what they refuse, and the way to JSON and back."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.domains import ROLES, Choice, Domain, Float, Int, from_json, to_json

positive = st.floats(1e-9, 1e9)


@given(positive, positive, st.booleans())
def test_a_float_contains_its_bounds_and_nothing_beyond(a: float, b: float, log: bool) -> None:
    low, high = min(a, b), max(a, b)
    domain = Float(low, high, default=low, role="nuisance", log=log)
    assert domain.contains(low)
    assert domain.contains(high)
    assert not domain.contains(math.nextafter(high, math.inf))
    assert not domain.contains(math.nan)
    assert not domain.contains(True)


@given(st.integers(1, 1000), st.integers(0, 1000))
def test_an_int_takes_whole_numbers_only(low: int, width: int) -> None:
    domain = Int(low, low + width, default=low, role="scientific", log=True)
    assert domain.contains(low + width)
    assert not domain.contains(low + width + 1)
    assert not domain.contains(float(low))


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda: Float(1, 0, default=1, role="nuisance"), "default must lie in"),
        (lambda: Float(0, 1, default=2, role="nuisance"), "default must lie in"),
        (lambda: Float(0, math.nan, default=0, role="nuisance"), "must be finite"),
        (lambda: Float(0, 1, default=1, role="nuisance", log=True), "start above 0"),
        (lambda: Int(1, 3, default=2, role="main"), "role must be one of"),
        (lambda: Choice((1,), default=1, role="nuisance"), "two or more different"),
        (lambda: Choice((1, 2), default=3, role="nuisance"), "not among"),
    ],
)
def test_a_wrong_dimension_says_which_rule_it_breaks(make, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        make()


roles = st.sampled_from(ROLES)
spans = st.tuples(positive, positive, positive).map(sorted)
floats = st.builds(
    lambda span, role, log, unit: Float(span[0], span[2], span[1], role, log, unit),
    spans, roles, st.booleans(), st.text(max_size=5),
)  # fmt: skip
ints = st.builds(
    lambda span, role, log: Int(span[0], span[2], span[1], role, log),
    st.tuples(*[st.integers(1, 10**6)] * 3).map(sorted), roles, st.booleans(),
)  # fmt: skip
options = st.lists(st.integers() | st.text(max_size=3), min_size=2, max_size=4, unique=True)
choices = st.builds(lambda o, role: Choice(tuple(o), o[-1], role), options, roles)
any_domain = floats | ints | choices


@given(any_domain, st.one_of(st.integers(), st.floats(), st.text(max_size=3), st.booleans()))
def test_any_domain_survives_json_and_accepts_the_same(domain: Domain, value: object) -> None:
    again = from_json(json.loads(json.dumps(to_json(domain))))
    assert again == domain
    assert again.contains(value) == domain.contains(value)
    assert again.contains(domain.default)


def test_a_choice_takes_its_own_types_only() -> None:
    batch = Choice((32, 64), default=32, role="nuisance")
    assert batch.contains(64)
    assert not batch.contains(64.0)
    assert not batch.contains(65)


def test_a_manifest_with_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind of dimension 'matrix'"):
        from_json({"kind": "matrix"})
