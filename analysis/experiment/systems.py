"""The tables of the systems: all of them beside each other, and one by one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pandas as pd

from analysis import text
from analysis.experiment import names
from analysis.experiment.cells import Condition, Experiment
from analysis.experiment.estimates import Estimate, estimate
from analysis.page import Part
from analysis.table import Table


def comparisons(experiment: Experiment) -> list[Table]:
    """Every arm at every budget: mean and interval of each metric over the seeds.

    Two tables: the test set's metrics, and those of validation and training.
    """
    groups = experiment.run.task.systems
    return [_comparison(experiment, name, metrics) for name, metrics in groups.items()]


def _comparison(experiment: Experiment, name: str, metrics: tuple[str, ...]) -> Table:
    header = experiment.run.task.header
    shown, raw = [], []
    for condition in experiment.conditions:
        cells = experiment.of(condition)
        first = {"system": names.system(condition.arm), "epochs": condition.budget}
        found = {metric: estimate(cells[metric], metric) for metric in metrics}
        diverged = int(cells["diverged"].sum())
        done = len(cells) - diverged
        seeds = {"seeds": f"{done}\n{diverged} diverged" if diverged else str(done)}
        shown.append(first | seeds | {header(name): _cell(value) for name, value in found.items()})
        numbers: dict[str, Any] = {"seeds": done, "diverged": diverged}
        for metric, value in found.items():
            numbers |= {f"{metric}_{part}": number for part, number in value._asdict().items()}
        raw.append({"arm": condition.arm.name} | first | numbers)
    caption = (
        "The systems at the end of each budget: mean and 95% interval over the seeds that did "
        "not diverge."
    )
    if any(metric.startswith("train") for metric in metrics):
        caption += " Training images are measured clean."
    if any(metric.startswith("test") for metric in metrics):
        caption += " Each training read the test set once, after its last epoch."
    frame, data = pd.DataFrame(shown), experiment.run.data
    return Table(name, frame, caption, data, csv=pd.DataFrame(raw), right=list(frame)[1:])


def run_summary(experiment: Experiment, condition: Condition) -> Table:
    """One system at one budget: a row a metric, over the seeds.

    Of a segmentation the reference report's figures come first, under its names.
    """
    task, cells = experiment.run.task, experiment.of(condition)
    named = any(reported for reported, _ in task.summary)
    rows = []
    for reported, name in task.summary:
        found = estimate(cells[name], name)
        rows.append(
            ({"name in the reference report": reported or text.MISSING} if named else {})
            | {
                "metric": task.header(name),
                "mean": found.mean,
                "95% low": found.low,
                "95% high": found.high,
                "lowest seed": cells[name].min(),
                "highest seed": cells[name].max(),
                "n (seeds)": found.n,
            }
        )
    formats: dict[str, Callable[[Any], str]] = dict.fromkeys(
        ("mean", "95% low", "95% high", "lowest seed", "highest seed"), text.metric
    )
    caption = f"{names.trained(condition)}: run summary over the seeds that did not diverge."
    name = f"summary-{names.slug(condition)}"
    return Table(name, pd.DataFrame(rows), caption, experiment.run.data, formats)


def unreadable(experiment: Experiment, condition: Condition) -> Part:
    """The part of a condition whose cells left nothing that can be read: its summary."""
    note = "No cell of it left readable predictions, so there is nothing more to show."
    tables = [run_summary(experiment, condition)]
    return Part(names.trained(condition), lines=[note], tables=tables, folded=True)


def _cell(found: Estimate) -> str:
    if not found.n:
        return text.MISSING
    mean, low, high = (text.fixed(value, 3) for value in (found.mean, found.low, found.high))
    return mean if math.isnan(found.low) else f"{mean}\n[{low}, {high}]"
