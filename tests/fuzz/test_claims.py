"""TOML claims: what is loaded is what was written, and anything else is said."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.claims import Claim, cells, load_claims
from study.claims_toml import claim_to_dict, claims_from_spec
from study.decidability import decidability
from study.experiment_plan import ExperimentSpec, experiment_id
from study.metrics import METRICS
from study.spaces import SPACES
from tests.fuzz import answer, damaged, examples, texts, values

MANY = 100  # lines: a file of many claims may have many problems

spaces = st.sampled_from([*SPACES, "tinny"])
strengths = st.sampled_from([0, 0.0, 0.25, 0.5, 1, 1.0])
arms = spaces | st.fixed_dictionaries({"space": spaces, "augment_strength": strengths})
sensible: dict[str, st.SearchStrategy[Any]] = {
    "id": st.sampled_from(["a", "b_2", "gap_smaller"]),
    "sentence": st.sampled_from(["Augmentation helps.", "x"]),
    "decided_by": st.sampled_from(["paired_difference", "crossover", "ordered_trend"]),
    "arms": st.sampled_from([["tiny_aug", "tiny"], ["cnn", "resnet18"]]) | st.lists(arms),
    "metric": st.sampled_from(list(METRICS)),
    "direction": st.sampled_from(["higher", "lower"]),
    "budgets": st.sampled_from([[4], [2, 4], [1, 5, 9], [0, 3], [10**12]]),
    "smallest_effect": st.sampled_from([0.05, 1, 0, -0.1]),
}
optional: dict[str, st.SearchStrategy[Any]] = {
    "at": st.sampled_from(["short", "long"]),
    "alpha": st.sampled_from([0.05, 0.01, 0.5]),
    "seeds": st.sampled_from([2, 8, 1, 10**9]),
}


@st.composite
def claim_tables(draw: st.DrawFn) -> dict[str, Any]:
    """A claim as its keys, mostly right: a value is wrong, a key is missing or unknown."""
    table = draw(st.fixed_dictionaries(sensible, optional=optional))
    for key in draw(st.lists(st.sampled_from([*table, "sentense"]), max_size=2)):
        if draw(st.booleans()):
            table.pop(key, None)
        else:
            table[key] = draw(values)
    return table


def toml(value: Any) -> str:
    """A value as TOML writes it inline."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, float):
        return str(value)
    return json.dumps(value)


def document(tables: list[dict[str, Any]]) -> str:
    rows = ("\n".join(f"{json.dumps(k)} = {toml(v)}" for k, v in t.items()) for t in tables)
    return "".join(f"[[claim]]\n{row}\n" for row in rows)


def load(tmp_path_factory: pytest.TempPathFactory, text: bytes) -> dict[str, Claim] | None:
    path = Path(tmp_path_factory.getbasetemp()) / "claims.toml"
    path.write_bytes(text)
    return answer(lambda: load_claims(path), MANY)


def check_usable(claims: dict[str, Claim]) -> None:
    """Whatever follows in `study.confirm --dry-run` can be done with it."""
    for claim in claims.values():
        spec = json.loads(json.dumps({"claims": [claim_to_dict(claim)]}))
        assert claims_from_spec(spec) == (claim,)
    assert len(cells(claims.values())) == len(set(cells(claims.values())))
    answer(lambda: decidability(list(claims.values())))
    spec = answer(lambda: ExperimentSpec(tuple(claims.values())))
    if spec is not None:
        assert experiment_id(spec)


@examples(250)
@given(st.lists(claim_tables(), min_size=1, max_size=3))
def test_claims_of_any_values(tmp_path_factory, tables: list[dict[str, Any]]) -> None:
    loaded = load(tmp_path_factory, document(tables).encode("utf-8", "surrogatepass"))
    if loaded is None:
        return
    assert list(loaded) == [table["id"] for table in tables]
    for table, claim in zip(tables, loaded.values(), strict=True):
        for key in ("sentence", "metric", "direction", "alpha", "seeds", "smallest_effect"):
            assert getattr(claim, key) == table.get(key, Claim.__dataclass_fields__[key].default)
        assert claim.budgets == tuple(table["budgets"])
        assert math.isfinite(claim.smallest_effect)
        assert len(claim.arms) == len(table["arms"])
    check_usable(loaded)


GOOD = {
    "id": "tiny_gap",
    "sentence": "Augmentation makes the tiny model overfit less.",
    "decided_by": "paired_difference",
    "arms": ["tiny_aug", {"space": "tiny", "batch_size": 32}],
    "metric": "gap",
    "direction": "lower",
    "budgets": [2, 4],
    "smallest_effect": 0.05,
    "seeds": 8,
}


@examples(250)
@given(damaged(document([GOOD]).encode()))
def test_a_damaged_file(tmp_path_factory, content: bytes) -> None:
    loaded = load(tmp_path_factory, content)
    if loaded is not None:
        check_usable(loaded)


@examples(50)
@given(st.one_of(texts.map(str.encode), st.binary(max_size=200)))
def test_a_file_of_something_else(tmp_path_factory, content: bytes) -> None:
    assert load(tmp_path_factory, content) is None


@pytest.mark.parametrize(
    "content",
    [
        document([GOOD | {"seeds": 10**9}]),
        document([GOOD | {"smallest_effect": 10**400}]),
        document([GOOD | {"budgets": [10**400]}]),
        document([GOOD | {"arms": ["tiny", {"space": "tiny_aug", "augment_strength": 10**400}]}]),
        "claim = " + "9" * 5000,
        "claim = " + "[" * 10_000,
    ],
    ids=["seeds", "effect", "budget", "strength", "digits", "nesting"],
)
def test_numbers_and_nesting_that_nothing_can_hold(tmp_path_factory, content: str) -> None:
    assert load(tmp_path_factory, content.encode()) is None
