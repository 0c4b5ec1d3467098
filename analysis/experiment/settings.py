"""What each system was trained with, and whether claims compare systems that were tuned alike."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import pandas as pd

from analysis import text
from analysis.experiment import names
from analysis.experiment.cells import Condition, Experiment
from analysis.table import Table
from study.arms import STRENGTH, Arm
from study.records import BY_ARM, DEFAULTS, FROM_RUNS

_WORDED = {DEFAULTS: "defaults, not tuned", BY_ARM: "fixed by the claim"}


def settings_table(experiment: Experiment) -> list[Table]:
    """A row a system and budget: its nuisance parameters and where they come from.

    None before they are chosen.
    """
    chosen = _chosen(experiment)
    parameters = dict.fromkeys(name for row in chosen.values() for name in row["parameters"])
    rows = [
        {"system": names.system(condition.arm), "epochs": condition.budget}
        | {text.dimension(name): row["parameters"].get(name) for name in parameters}
        | {"chosen by": _source(row)}
        for condition, row in chosen.items()
    ]
    if not parameters:
        return []
    caption = (
        "What the systems were trained with beside epochs and augmentation strength, the same for "
        "every seed."
    )
    formats: dict[str, Callable[[Any], str]] = dict.fromkeys(
        map(text.dimension, parameters), text.number
    )
    return [Table("settings", pd.DataFrame(rows), caption, experiment.run.data, formats)]


def unequal(experiment: Experiment, conditions: Collection[Condition]) -> list[str]:
    """What of a claim's arms differs beside what the claim is about; and whether all were tuned.

    What an arm fixes, the claim is about.
    """
    chosen = {at: row for at, row in _chosen(experiment).items() if at in conditions}
    about = {name for condition in chosen for name, _ in condition.arm.fixed}
    untuned = [names.trained(at) for at, row in chosen.items() if row.get("source") == DEFAULTS]
    differing: dict[str, None] = {}
    for budget in sorted({condition.budget for condition in chosen}):
        here = [row["parameters"] for at, row in chosen.items() if at.budget == budget]
        every = dict.fromkeys(name for parameters in here for name in parameters)
        told = [n for n in every if n not in about and len({repr(x.get(n)) for x in here}) > 1]
        differing |= dict.fromkeys(map(text.dimension, told))
    lines = []
    if differing:
        compared = "with their spaces' defaults" if len(untuned) == len(chosen) else "as tuned"
        lines.append(
            f"The arms also differ in {text.listed(list(differing))}, see “The systems compared”: "
            f"they are compared {compared}, not at equal settings."
        )
    if untuned and len(untuned) < len(chosen):
        lines.append(
            f"Not all were tuned: {text.listed(untuned)} had the defaults, so a difference may be "
            "one of tuning."
        )
    return lines


def _chosen(experiment: Experiment) -> dict[Condition, dict[str, Any]]:
    """What the manifest has on each condition, in the order of the report."""
    rows = experiment.run.manifest.experiment.get("nuisance") or []
    by_key = {(row.get("arm"), row.get("budget")): row for row in rows}
    found = {
        condition: by_key[condition.arm.name, condition.budget]
        for condition in experiment.conditions
        if (condition.arm.name, condition.budget) in by_key
    }
    return {
        at: row | {"parameters": (row.get("parameters") or {}) | _fixed(at.arm)}
        for at, row in found.items()
    }


def _fixed(arm: Arm) -> dict[str, Any]:
    """What an arm fixes of such parameters."""
    return {name: value for name, value in arm.fixed if name != STRENGTH}


def _source(row: dict[str, Any]) -> str:
    if row.get("source") == FROM_RUNS:
        return f"{row.get('run')}, trial {row.get('trial')}"
    source = str(row.get("source"))
    return _WORDED.get(source, source)
