"""What every registered claim promises, whichever it is, and every file of claims in examples/."""

from pathlib import Path

import pytest

from study.claims import CLAIMS, by_task, cells, load_claims
from study.decidability import corrected_minimum_p, decidability, minimum_p
from study.metrics import METRICS

FILES = sorted((Path(__file__).parents[2] / "examples").glob("*.toml"))


@pytest.mark.parametrize("id", CLAIMS)
def test_it_can_be_decided_at_its_default_seeds(id):
    """Decided with all claims of its task, as the command does, and alone."""
    claim = CLAIMS[id]
    assert corrected_minimum_p(by_task(claim.task))[id] < claim.alpha
    assert minimum_p(claim) < claim.alpha


@pytest.mark.parametrize("id", CLAIMS)
def test_it_names_what_is_measured_and_trained(id):
    claim = CLAIMS[id]
    assert claim.id == id
    assert METRICS[claim.metric].task in (claim.task, None)
    assert {arm.space.task for arm in claim.arms} == {claim.task}
    assert set(claim.decisive_budgets) <= set(claim.budgets)
    expected = len(claim.decisive_budgets) * len(claim.arms) * claim.seeds
    assert len(cells([claim])) == expected


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_of_examples_can_be_decided(path):
    claims = tuple(load_claims(path).values())
    assert claims
    assert not list(decidability(claims))
    for claim in claims:
        assert METRICS[claim.metric].task in (claim.task, None)


def test_there_are_examples():
    assert [path.name for path in FILES] == ["tiny_claims.toml"]
