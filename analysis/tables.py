"""The tables of a search: its trials best first, the best configuration, the states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from analysis import text
from analysis.load import Run
from analysis.table import Table
from study.records import CONFIG, STATES
from study.words import counted

_STATE_ORDER = {"completed": 0, "running": 1, "pruned": 2, "diverged": 3, "failed": 4}


def ordered_trials(run: Run) -> pd.DataFrame:
    """The trials, best first by the stored direction; only completed ones have a `rank`.

    A completed trial precedes any other whatever its value, one without a finite value has
    no rank, and of two equal ones the earlier precedes.
    """
    trials = run.trials.copy()
    value = pd.to_numeric(trials[run.objective.name], errors="coerce")
    value = value.where(value.abs() != float("inf")).astype(float)
    trials["gap"] = trials["val_loss"].astype(float) - trials["train_loss"].astype(float)
    trials["_key"] = -value if run.objective.direction == "max" else value
    trials["_state"] = trials["state"].map(_STATE_ORDER)
    trials = trials.sort_values(["_state", "_key", "trial"], na_position="last", kind="stable")
    trials = trials.reset_index(drop=True)
    ranked = trials["_state"].eq(0) & trials["_key"].notna()
    trials.insert(0, "rank", (trials.index + 1).to_series(index=trials.index).where(ranked))
    return trials.drop(columns=["_key", "_state"])


def with_an_epoch(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials but for those that have neither ended nor an epoch.

    What a search asked for ahead and never began is on record like a trial in its first epoch.
    """
    return trials[trials["state"].ne("running") | trials["epoch"].gt(0)]


def best_trial(trials: pd.DataFrame) -> pd.Series | None:
    """First of `ordered_trials`, or None where none completed with a finite value."""
    if trials.empty or pd.isna(trials["rank"].iloc[0]):
        return None
    return trials.iloc[0]


def trials_table(run: Run, trials: pd.DataFrame) -> Table:
    """Every trial with its final metrics and configuration, best first."""
    columns: dict[str, pd.Series] = {
        "rank": trials["rank"].astype("Int64"),  # in a CSV 1, not 1.0 for the dashes beside it
        "trial": trials["trial"],
        "state": trials["state"],
    }
    formats = _formats()
    metrics = list(dict.fromkeys([run.objective.name, *run.task.trials, "gap"]))
    header = run.task.header
    for name in metrics:
        formats[header(name)] = text.metric
    columns[header(metrics[0])] = trials[metrics[0]].astype(float)
    columns["epochs trained"] = trials["epoch"]
    for name, domain in run.dimensions.items():
        if CONFIG + name in trials:
            columns[text.dimension_header(name, domain)] = trials[CONFIG + name]
    for name in metrics[1:]:
        columns[header(name)] = trials[name].astype(float)
    columns["time (s)"] = trials["seconds"].astype(float).round(1)
    if trials["error"].fillna("").ne("").any():
        columns["error"] = trials["error"].fillna("")
    caption = (
        f"All {counted(len(trials), 'trial')}, best {run.objective.label} first, "
        "metrics of the last epoch trained; only completed trials are ranked."
    )
    return Table("trials", pd.DataFrame(columns), caption, run.data, formats)


def best_table(run: Run, best: pd.Series) -> Table:
    """The best configuration beside the range searched, the default and the role."""
    rows = [
        {
            "hyperparameter": text.dimension_header(name, domain),
            "best": text.number(best.get(CONFIG + name)),
            "searched": text.searched(domain),
            "scale": text.scale(domain),
            "default": text.number(domain.default),
            "role": domain.role,
        }
        for name, domain in run.dimensions.items()
    ]
    caption = f"Configuration of trial {best['trial']}, the best by {run.objective.label}."
    frame = pd.DataFrame(rows)
    return Table("best_configuration", frame, caption, run.data, right=("best", "default"))


def states_table(run: Run, trials: pd.DataFrame) -> Table:
    """How the trials ended, and what that cost in epochs and time."""
    groups = trials.groupby("state")
    frame = pd.DataFrame(
        {
            "trials": groups.size(),
            "epochs": groups["epoch"].sum(),
            "time (s)": groups["seconds"].sum().round(1),
        }
    )
    frame = frame.reindex([state for state in STATES if state in frame.index])
    frame.loc["all"] = frame.sum()
    frame = frame.astype({"trials": int, "epochs": int}).rename_axis("state").reset_index()
    return Table("states", frame, "Trials by how they ended.", run.data, _formats(), foot=1)


def _formats() -> dict[str, Callable[[Any], str]]:
    """How the columns are printed that both tables of trials have; a sum's state is "all"."""
    return {
        "state": lambda name: text.STATES.get(name, name),
        "time (s)": text.seconds,
    }
