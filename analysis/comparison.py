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
from study.claims_toml import recorded_claims
from study.records import MANIFEST
from trainables.data import CLASSIFICATION, SEGMENTATION


def section(runs: list[Run]) -> Section | None:
    """The best trials of several searches in one table, and how all the runs differ.

    None where there is nothing to compare: an experiment and a search of the same data.
    """
    searches = [run for run in runs if run.manifest.kind == "search"]
    experiments = len(runs) - len(searches)
    hashes = {run.manifest.data.get("content_hash") for run in runs}
    if max(len(searches), experiments) < 2 and len(hashes) < 2:
        return None
    line = (
        "The runs are shown side by side and not pooled; a difference between two of them is "
        "not a test of anything. `python -m study.confirm` makes one."
    )
    found = []
    if len(searches) > 1:
        line += " Each row is the best trial of a search, chosen on its own objective."
        found.append(comparison_table(searches))
    corrected = (
        "Holm's correction is over the claims of one experiment: claims split over several are "
        "not corrected for each other."
    )
    lines = [line, corrected] if experiments > 1 else [line]
    part = Part(lines=lines, tables=found, bullets=differences(runs))
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
            "best trial": pd.NA if best is None else best["trial"],
            "epochs": pd.NA if best is None else best["epoch"],
        }
        for name in metrics:
            value = None if best is None else best.get(name)
            row[header(name)] = float("nan") if value is None else float(value)
        rows.append(row)
    formats: dict[str, Callable[[Any], str]] = {header(name): text.metric for name in metrics}
    names = text.listed(list(dict.fromkeys(run.data for run in runs)))
    caption = "The best trial of every search, metrics of its last epoch."
    frame = pd.DataFrame(rows).astype({"best trial": "Int64", "epochs": "Int64"})
    return Table("comparison", frame, caption, names, formats)


def differences(runs: list[Run]) -> list[str]:
    """What differs between the runs so that their figures do not compare."""
    alike = {
        "tasks": [run.task.name for run in runs],
        "data sets": [run.data for run in runs],
        "data (content hash)": [str(run.manifest.data.get("content_hash"))[:12] for run in runs],
        "training images": [str(run.manifest.data.get("train_size")) for run in runs],
        "validation images": [str(run.manifest.data.get("val_size")) for run in runs],
        "objectives": [f"{run.objective.label}, {run.objective.direction}" for run in runs],
        "seeds": [", ".join(map(str, run.manifest.seeds)) for run in runs],
    }
    others = {
        "models": [text.listed(_models(run)) for run in runs],
        "schema versions": [str(run.manifest.schema_version) for run in runs],
        "status": [run.manifest.status for run in runs],
    }
    lines = _differing(runs, alike) or [
        "Data, objective and seeds are the same in all of these runs."
    ]
    if len({str(run.manifest.data.get("content_hash")) for run in runs}) > 1:
        lines.insert(0, "These runs used different data sets: their rows must not be compared.")
    elif len({run.objective for run in runs}) > 1:
        lines.insert(0, "These runs had different objectives: their best trials are not alike.")
    return lines + _differing(runs, others)


def _differing(runs: list[Run], aspects: dict[str, list[str]]) -> list[str]:
    """A line for each aspect that is not the same in all runs, with every run's."""
    lines = []
    for aspect, values in aspects.items():
        if len(set(values)) > 1:
            pairs = zip(runs, values, strict=True)
            named = [f"{run.manifest.run_id}: {value}" for run, value in pairs]
            lines.append(f"Different {aspect}: {'; '.join(named)}.")
    return lines


def _models(run: Run) -> list[str]:
    """The models that it trains, by name."""
    if run.manifest.kind == "search":
        return [str(run.manifest.space.get("model", "unknown"))]
    claims = recorded_claims(run.path / MANIFEST, run.manifest.spec)
    return sorted({arm.model for claim in claims for arm in claim.arms})
