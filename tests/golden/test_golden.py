"""A tiny search and confirmation give the numbers that are stored (see `origin.json`).

What was asked and drawn, states, counts and verdicts exactly. Measures within TOLERANCE: other
processors add in other orders, and training amplifies that. Between AVX512 and AVX2 (one machine,
the second with ATEN_CPU_CAPABILITY=avx2 and ONEDNN_MAX_CPU_ISA=AVX2) losses differed by 0.006 and
shares of images by 0.021 at most; schedules are short so that it is no more.
"""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest

from tests.golden.runs import confirmed, searched, stored

pytestmark = pytest.mark.slow

TOLERANCE = 0.03  # nats, and shares of images
MEASURES = ("loss", "accuracy", "f1", "effect", "low", "high")  # how such columns end


@pytest.mark.parametrize("run", [searched, confirmed])
def test_the_tables_are_those_stored(
    tmp_path: Path, run: Callable[[Path], dict[str, pd.DataFrame]]
) -> None:
    for name, table in run(tmp_path).items():
        found = pd.read_csv(StringIO(table.to_csv(index=False)))  # types as a CSV has them
        wanted = pd.read_csv(stored(name))
        measured = [column for column in wanted if column.endswith(MEASURES)]
        assert measured
        exact = {"rtol": 1e-9, "atol": 0.0}
        pd.testing.assert_frame_equal(
            found.drop(columns=measured), wanted.drop(columns=measured), **exact
        )
        within = {"rtol": 0.0, "atol": TOLERANCE}
        pd.testing.assert_frame_equal(found[measured], wanted[measured], **within)
