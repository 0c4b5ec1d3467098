"""Several runs side by side: verdicts, best trials, and what forbids reading them together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from analysis import tables, text
from analysis.load import Run
from analysis.page import Part, Section
from analysis.table import Table
from analysis.task import TASKS
from trainables.data import CLASSIFICATION, SEGMENTATION


def section(runs: list[Run]) -> Section:
    """The best trials of several searches in one table, and how all the runs differ."""
    searches = [run for run in runs if run.manifest.kind == "search"]
    line = (
        "The runs are shown side by side and not pooled; a difference between two of them is "
        "not a test of anything. `python -m study.confirm` makes one."
    )
    found = []
    if len(searches) > 1:
        line += " Each row is the best trial of a search, chosen on its own objective."
        found.append(comparison_table(searches))
    part = Part(lines=[line], tables=found, bullets=differences(runs))
    return Section("comparison", "The runs beside each other", "", [part])


def comparison_table(runs: list[Run]) -> Table:
    """One row a search: its data set, objective, and its best trial's last metrics."""
    rows = []
    tasks = {run.task.name: run.task for run in runs}
    task = TASKS[SEGMENTATION if SEGMENTATION in tasks else CLASSIFICATION]
    header = (task if len(tasks) == 1 else TASKS[CLASSIFICATION]).header
    metrics = (*task.trials, "gap")
    for run in runs:
        best = tables.best_trial(tables.ordered_trials(run))
        row = {
            "run": run.manifest.run_id,
            "data": run.data,
            "objective": run.objective.label,
            "trials": len(run.trials),
            "best trial": None if best is None else best["trial"],
            "epochs": None if best is None else best["epoch"],
        }
        for name in metrics:
            value = None if best is None else best.get(name)
            row[header(name)] = float("nan") if value is None else float(value)
        rows.append(row)
    formats: dict[str, Callable[[Any], str]] = {header(name): text.metric for name in metrics}
    names = text.listed(list(dict.fromkeys(run.data for run in runs)))
    caption = "The best trial of every search, metrics of its last epoch."
    return Table("comparison", pd.DataFrame(rows), caption, names, formats)


def differences(runs: list[Run]) -> list[str]:
    """What differs between the runs so that their figures do not compare."""
    aspects = {
        "tasks": [run.task.name for run in runs],
        "data sets": [run.data for run in runs],
        "data (content hash)": [str(run.manifest.data.get("content_hash"))[:12] for run in runs],
        "training images": [str(run.manifest.data.get("train_size")) for run in runs],
        "validation images": [str(run.manifest.data.get("val_size")) for run in runs],
        "objectives": [f"{run.objective.label}, {run.objective.direction}" for run in runs],
        "seeds": [", ".join(map(str, run.manifest.seeds)) for run in runs],
        "schema versions": [str(run.manifest.schema_version) for run in runs],
        "status": [run.manifest.status for run in runs],
    }
    lines = []
    for aspect, values in aspects.items():
        if len(set(values)) > 1:
            named = [
                f"{run.manifest.run_id}: {value}" for run, value in zip(runs, values, strict=True)
            ]
            lines.append(f"Different {aspect}: {'; '.join(named)}.")
    if len({str(run.manifest.data.get("content_hash")) for run in runs}) > 1:
        lines.insert(0, "These runs used different data sets: their rows must not be compared.")
    elif len({run.objective for run in runs}) > 1:
        lines.insert(0, "These runs had different objectives: their best trials are not alike.")
    return lines or ["Data, objective and seeds are the same in all of these runs."]
