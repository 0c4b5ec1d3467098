"""From a tidy table of cells to the arrays that the statistics take."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.divergence import replace_diverged
from analysis.stats import Array, check_seeds
from study.claims import Cell, Claim
from study.metrics import METRICS
from trainables.errors import FAILED, UserError

KEY = ["arm", "budget", "seed"]


class Arranged(NamedTuple):
    """One claim's cells, each array (budgets, arms, seeds) in the claim's own order."""

    tested: Array
    estimated: Array
    diverged: np.ndarray
    missing: tuple[Cell, ...]


def check_cells(cells: pd.DataFrame, claims: list[Claim]) -> None:
    """Refuse a table that lacks a column or holds a cell twice."""
    metrics = {claim.metric for claim in claims}
    lacking = [column for column in [*KEY, "diverged", *sorted(metrics)] if column not in cells]
    if lacking:
        raise UserError(f"the experiment's records have no {', '.join(lacking)}", FAILED)
    for (arm, budget), group in cells.groupby(["arm", "budget"]):
        try:
            check_seeds(group["seed"].tolist())
        except UserError as error:
            raise UserError(f"{arm} at {budget} epochs: {error}", FAILED) from None


def arrange(cells: pd.DataFrame, claim: Claim) -> Arranged:
    """The claim's own cells; seeds beyond those registered are left out.

    cells: KEY columns, "diverged" and one column a metric. A value that is absent without
    divergence is a missing cell; an infinite one has diverged whatever the flag says.
    """
    cells = cells.set_index(KEY)
    wanted = claim.cells()
    index = pd.MultiIndex.from_tuples([(c.arm.name, c.budget, c.seed) for c in wanted], names=KEY)
    found = cells.reindex(index)
    values = found[claim.metric].to_numpy(dtype=float)
    diverged = found["diverged"].eq(True).to_numpy() | np.isinf(values)
    missing = np.isnan(values) & ~diverged
    shape = (len(claim.decisive_budgets), len(claim.arms), claim.seeds)
    values = np.where(diverged, np.nan, values).reshape(shape)
    parts = [replace_diverged(v, METRICS[claim.metric], claim.smallest_effect) for v in values]
    return Arranged(
        np.stack([part.tested for part in parts]),
        np.stack([part.estimated for part in parts]),
        np.stack([part.diverged for part in parts]),
        tuple(cell for cell, gone in zip(wanted, missing, strict=True) if gone),
    )
