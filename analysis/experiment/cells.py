"""A run of kind "experiment" as its claims and its cells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import pandas as pd

from analysis.load import Run
from study.claims import Arm, Cell, Claim, cells
from study.claims_toml import recorded_claims
from study.metrics import METRICS
from study.records import CONFIG, FINAL_COLUMNS, MANIFEST
from trainables.config import CONFIRM, TUNE
from trainables.errors import FAILED, UserError

_KEY = ("phase", "arm", "budget", "seed")
_RESULT = ("completed", "diverged")  # states of a cell that has a result


class Condition(NamedTuple):
    """An arm at a budget in epochs: the cells that differ in their seed only."""

    arm: Arm
    budget: int


@dataclass(frozen=True)
class Experiment:
    """An experiment as it lies on disk, finished or not.

    cells: one row a cell with a result: trial, arm (`Arm.name`), budget, seed, diverged and
    every metric of `METRICS` that has a record, NaN where the cell diverged.
    curves: the same cells' epochs, with arm, budget and seed. tuning: the matched search's
    trials, perhaps none. conditions: by model, budget and strength.
    """

    run: Run
    claims: tuple[Claim, ...]
    conditions: tuple[Condition, ...]
    cells: pd.DataFrame
    curves: pd.DataFrame
    tuning: pd.DataFrame

    @property
    def wanted(self) -> tuple[Cell, ...]:
        """Every cell that the claims need."""
        return cells(self.claims)

    @cached_property
    def missing(self) -> list[Cell]:
        """Those of them without a result."""
        key = self.cells[["arm", "budget", "seed"]].itertuples(index=False, name=None)
        found = set(key)
        return [c for c in self.wanted if (c.arm.name, c.budget, c.seed) not in found]

    def of(self, condition: Condition) -> pd.DataFrame:
        """The cells of a condition by seed, at most one a seed that the claims need."""
        return self._chosen(self.cells, condition).sort_values("seed")

    def curves_of(self, condition: Condition) -> pd.DataFrame:
        """The epochs of the same cells."""
        return self._chosen(self.curves, condition).sort_values(["seed", "epoch"])

    @staticmethod
    def _chosen(table: pd.DataFrame, condition: Condition) -> pd.DataFrame:
        at = table["arm"].eq(condition.arm.name) & table["budget"].eq(condition.budget)
        return table[at]


def read_experiment(run: Run) -> Experiment:
    """The experiment in a run; UserError in one line for what no claim can be decided on."""
    claims = recorded_claims(run.path / MANIFEST, run.manifest.spec)
    for table in (run.trials, run.epochs):
        _check_key(run, table)
    trials = _named(run.trials)
    confirming = trials[trials["phase"] == CONFIRM]
    done = confirming[confirming["state"].isin(_RESULT)]
    _check_metrics(run, done, claims)
    curves = _named(run.epochs)
    return Experiment(
        run,
        claims,
        _conditions(claims),
        _metrics(done),
        curves[curves["trial"].isin(done["trial"])],
        trials[trials["phase"] == TUNE],
    )


def _check_key(run: Run, table: pd.DataFrame) -> None:
    """UserError unless every row says which cell it is of."""
    lacking = [CONFIG + name for name in _KEY if CONFIG + name not in table]
    if lacking:
        raise UserError(f"{run.path} has no record of {', '.join(lacking)}", FAILED)
    for name in _KEY:
        column = table[CONFIG + name]
        text = name in ("phase", "arm")
        fits = column.map(lambda value: isinstance(value, str)).all() if text else _is_whole(column)
        if not fits:
            kind = "texts" if text else "whole numbers"
            raise UserError(f"{run.path} has {CONFIG}{name} that are not {kind}", FAILED)


def _is_whole(column: pd.Series) -> bool:
    values = pd.to_numeric(column, errors="coerce")
    return bool((values == values.round()).all() and values.abs().lt(2**53).all())


def _named(table: pd.DataFrame) -> pd.DataFrame:
    named = table.assign(**{name: table[CONFIG + name] for name in _KEY})
    return named.astype({"budget": int, "seed": int})


def _check_metrics(run: Run, done: pd.DataFrame, claims: tuple[Claim, ...]) -> None:
    """A metric of a claim that no completed cell has; none to check before the first."""
    completed = done[done["state"] == "completed"]
    needed = sorted({claim.metric for claim in claims} - {"gap"})
    lacking = [name for name in needed if name not in completed or completed[name].isna().all()]
    if len(completed) and lacking:
        raise UserError(
            f"{run.path}: a claim is about {', '.join(lacking)}, which no cell has a record of",
            FAILED,
        )


def _metrics(done: pd.DataFrame) -> pd.DataFrame:
    diverged = done["state"].eq("diverged")
    table = done[["trial", "arm", "budget", "seed"]].assign(diverged=diverged)
    for name in METRICS:
        if name in done or name in FINAL_COLUMNS:
            values = done[name] if name in done else pd.Series(float("nan"), index=done.index)
            table[name] = pd.to_numeric(values, errors="coerce").astype(float).mask(diverged)
    table["gap"] = table["val_loss"] - table["train_loss"]
    return table.reset_index(drop=True)


def _conditions(claims: tuple[Claim, ...]) -> tuple[Condition, ...]:
    found = dict.fromkeys(Condition(cell.arm, cell.budget) for cell in cells(claims))
    models = list(dict.fromkeys(condition.arm.model for condition in found))
    return tuple(sorted(found, key=lambda c: (models.index(c.arm.model), c.budget, c.arm.strength)))
