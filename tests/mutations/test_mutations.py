"""The table of planted faults cannot rot; whether they are noticed, `tests.mutations` says."""

from __future__ import annotations

import ast
import dataclasses

import pytest

from tests.mutations.faults import FAULTS, ROOT, Fault, StaleFault


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_faults_text_is_still_in_the_tree_once(fault: Fault) -> None:
    source = (ROOT / fault.path).read_text()
    assert ast.dump(ast.parse(fault.planted(source))) != ast.dump(ast.parse(source))
    for test in fault.tests:
        assert (ROOT / test.partition("::")[0]).is_file()


def test_names_are_distinct() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("old", ["a text that nobody wrote", "import"])
def test_a_text_that_is_gone_or_repeated_is_said(old: str) -> None:
    fault = dataclasses.replace(FAULTS[0], old=old)
    with pytest.raises(StaleFault, match="not once"):
        fault.planted((ROOT / fault.path).read_text())
