"""A plain Ray Tune experiment directory that this project did not make, for tables and curves.

Reads `params.json` and `result.json` (one JSON object a line) of every trial. Such a
directory says neither what its metrics mean nor which way they are better, so nothing is
ranked, nothing is called best and nothing is compared.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import pandas as pd

from analysis import text
from analysis.page import Part, Section, anchor
from analysis.table import Table
from study.words import counted
from trainables.errors import FAILED, UserError

PARAMS, RESULT = "params.json", "result.json"
STEP = "training_iteration"
UNKNOWN_DATA = "not recorded"
_NULL = (None, "null")  # the latter of a NumPy NaN, by Tune's own encoder
_OURS = ("trial", "folder", "results")  # the first columns of the table of trials
# What Ray Tune adds to every result, which is about the run and not about the model.
_BOOKKEEPING = {
    "config",
    "date",
    "done",
    "episodes_total",
    "experiment_id",
    "experiment_tag",
    "hostname",
    "iterations_since_restore",
    "node_ip",
    "pid",
    "should_checkpoint",
    "time_since_restore",
    "time_this_iter_s",
    "time_total_s",
    "timestamp",
    "timesteps_since_restore",
    "timesteps_total",
    "trial_id",
    "warmup_time",
    STEP,
}


@dataclass(frozen=True)
class TuneRun:
    """results: one row a result with columns trial, STEP and every numeric metric.

    last: one row a trial that has results, by its number: every metric as it was last recorded.
    params: one row a trial by its number, nested parameters under names joined by "/".
    folders: names of the trials' folders. notes: what could not be read.
    """

    path: Path
    results: pd.DataFrame
    last: pd.DataFrame
    params: pd.DataFrame
    folders: list[str]
    notes: list[str]

    @property
    def metrics(self) -> list[str]:
        """Names of the numeric metrics, in the order first recorded."""
        return list(self.last)


def is_tune_directory(path: Path) -> bool:
    """Whether some folder in it holds a trial's results."""
    return any(path.glob(f"*/{RESULT}"))


def read_tune(path: Path) -> TuneRun:
    """Read every trial; UserError in one line where none has a result."""
    rows: list[dict[str, Any]] = []
    last: dict[int, dict[str, float]] = {}
    params: list[dict[str, Any]] = []
    notes: list[str] = []
    files = sorted(path.glob(f"*/{RESULT}"))
    for trial, file in enumerate(files):
        found, damaged = _results(file)
        if damaged:
            lines = counted(damaged, "line is", "lines are")
            notes.append(f"{file.parent.name}: {lines} damaged and left out.")
        rows += [{"trial": trial, **row} for row, _ in found]
        for row, void in found:
            latest = last.setdefault(trial, {})  # a metric need not be in every result
            latest |= row | dict.fromkeys(void & latest.keys(), math.nan)
        params.append(_params(file.parent, notes))
    if not rows:
        raise UserError(f"{path} is a Ray Tune experiment without a result yet", FAILED)
    folders = [file.parent.name for file in files]
    results, latest = pd.DataFrame(rows), pd.DataFrame.from_dict(last, orient="index")
    metrics = [name for name in results if name not in ("trial", STEP)]
    return TuneRun(path, results, latest[metrics], pd.DataFrame(params), folders, notes)


def section(run: TuneRun) -> Section:
    """Its table of trials and its curves."""
    from analysis import style
    from analysis.plots.tune_curves import tune_curves

    with style.styled():
        pictures = tune_curves(run)
    line = (
        f"{counted(len(run.folders), 'trial')} of a Ray Tune experiment that this project "
        "did not run. It records neither its data set nor which way its metrics are better: "
        "trials stand in the order of their folders, none is called best, and nothing is tested."
    )
    parts = [
        Part(lines=[line], bullets=run.notes),
        Part("Curves", pictures=pictures),
        Part("Trials", tables=[trials_table(run)]),
        Part("Where this comes from", facts=[("Directory", run.path.name), ("Files", RESULT)]),
    ]
    return Section(anchor(run.path.name), f"Ray Tune: {run.path.name}", "", parts, UNKNOWN_DATA)


def trials_table(run: TuneRun) -> Table:
    """One row a trial: its parameters, its results and the metrics of the last one."""
    last = run.last.reindex(range(len(run.folders)))
    counts = run.results.groupby("trial").size().reindex(last.index, fill_value=0)
    frame = pd.DataFrame({"trial": last.index, "folder": run.folders, "results": counts})
    params = run.params.add_prefix("param ").reset_index(drop=True)
    frame = pd.concat([frame.reset_index(drop=True), params, last.reset_index(drop=True)], axis=1)
    caption = (
        "Every trial with its parameters and its last recorded metrics, a dash where that was no "
        "number; direction unknown."
    )
    formats = {name: lambda value: text.number(value, 4) for name in run.metrics}
    return Table("trials", frame, caption, UNKNOWN_DATA, formats)


def _results(file: Path) -> tuple[list[tuple[dict[str, Any], set[str]]], int]:
    """(numeric results with their step, each with what is null in it; damaged lines)."""
    rows, damaged = [], 0
    for number, line in enumerate(file.read_text("utf-8", "replace").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            values = _flat(json.loads(line))
            row = {STEP: _step(values.get(STEP, number)), **_numbers(values)}
            rows.append((row, {_named(key) for key, value in values.items() if value in _NULL}))
        except (ValueError, AttributeError, OverflowError, RecursionError):
            damaged += 1
    return rows, damaged


def _step(value: object) -> int | float:
    """The training iteration; ValueError for what curves cannot be drawn against."""
    if not _is_number(value) or not abs(value) < 2**53:  # NaN is not, either
        raise ValueError(f"{STEP} must be a number of iterations")
    return value


def _numbers(values: dict[str, Any]) -> dict[str, float]:
    """The metrics; OverflowError for a number that no float holds.

    One that is called like a column of ours says that it is a metric.
    """
    return {
        _named(key): float(value)
        for key, value in values.items()
        if key.split("/")[0] not in _BOOKKEEPING and _is_number(value)
    }


def _named(key: str) -> str:
    return f"{key} (metric)" if key in _OURS else key


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _params(folder: Path, notes: list[str]) -> dict[str, Any]:
    try:
        return _flat(json.loads((folder / PARAMS).read_text("utf-8")))
    except (OSError, ValueError, AttributeError, RecursionError):
        notes.append(f"{folder.name} has no readable {PARAMS}.")
        return {}


def _flat(values: dict[str, Any], before: str = "") -> dict[str, Any]:
    """{"a": {"b": 1}} -> {"a/b": 1}; lists as text."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{before}{key}/")
        else:
            flat[before + key] = str(value) if isinstance(value, list) else value
    return flat
