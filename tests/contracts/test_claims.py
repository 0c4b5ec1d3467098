"""What every registered claim promises, whichever it is."""

import pytest

from study.claims import CLAIMS, by_task, cells
from study.decidability import corrected_minimum_p, minimum_p
from study.metrics import METRICS


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
