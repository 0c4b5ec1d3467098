"""A tiny search and confirmation give the numbers that are stored (see `origin.json`).

Measures within 0.005, an image read otherwise: another processor adds in another order. States,
counts and verdicts exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest

from tests.golden.runs import confirmed, searched, stored

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("run", [searched, confirmed])
def test_the_tables_are_those_stored(
    tmp_path: Path, run: Callable[[Path], dict[str, pd.DataFrame]]
) -> None:
    for name, table in run(tmp_path).items():
        again = pd.read_csv(StringIO(table.to_csv(index=False)))  # types as a CSV has them
        pd.testing.assert_frame_equal(again, pd.read_csv(stored(name)), rtol=5e-3, atol=5e-3)
