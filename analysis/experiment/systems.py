"""The tables of the systems: all of them beside each other, one by one, and the context."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from analysis import text
from analysis.experiment import names
from analysis.experiment.cells import Condition, Experiment
from analysis.experiment.estimates import Estimate, estimate
from analysis.table import Table
from analysis.tables import metric_header

COMPARED = (
    "test_accuracy",
    "test_loss",
    "test_f1",
    "val_accuracy",
    "val_loss",
    "val_f1",
    "train_accuracy",
    "train_loss",
    "gap",
)
REPORTED = {"cnn", "resnet18"}  # models that the reference report is about
_SVHN = "svhn, reported by others"


def comparison(experiment: Experiment) -> Table:
    """Every arm at every budget: mean and interval of each metric over the seeds."""
    shown, raw = [], []
    for condition in experiment.conditions:
        cells = experiment.of(condition)
        first = {
            "system": names.system(condition.arm),
            "epochs": condition.budget,
            "seeds": int((~cells["diverged"]).sum()),
            "diverged": int(cells["diverged"].sum()),
        }
        found = {name: estimate(cells[name], name) for name in COMPARED}
        shown.append(first | {metric_header(name): _cell(found[name]) for name in COMPARED})
        numbers: dict[str, Any] = {}
        for name, value in found.items():
            numbers |= {
                f"{name}_mean": value.mean,
                f"{name}_low": value.low,
                f"{name}_high": value.high,
                f"{name}_n": value.n,
            }
        raw.append({"arm": condition.arm.name} | first | numbers)
    caption = (
        "The systems at the end of each budget: mean and 95% interval over the seeds that did "
        "not diverge. Training images are measured clean. The test set was read once a training."
    )
    return Table(
        "systems", pd.DataFrame(shown), caption, experiment.run.data, csv=pd.DataFrame(raw)
    )


def run_summary(experiment: Experiment, condition: Condition) -> Table:
    """One system at one budget: a row a metric, over the seeds."""
    cells = experiment.of(condition)
    rows = []
    for name in COMPARED:
        found = estimate(cells[name], name)
        rows.append(
            {
                "metric": metric_header(name),
                "mean": found.mean,
                "95% low": found.low,
                "95% high": found.high,
                "lowest seed": cells[name].min(),
                "highest seed": cells[name].max(),
                "n (seeds)": found.n,
            }
        )
    formats: dict[str, Callable[[Any], str]] = dict.fromkeys(
        ("mean", "95% low", "95% high", "lowest seed", "highest seed"), _number
    )
    caption = f"{names.trained(condition)}: run summary over the seeds that did not diverge."
    name = f"summary-{names.slug(condition)}"
    return Table(name, pd.DataFrame(rows), caption, experiment.run.data, formats)


def context() -> Table:
    """What the reference report and the field report on SVHN; nothing of it measured here."""
    report, randaugment = "the reference report, one run", "arXiv 1909.13719, table 2"
    rows: list[tuple[str, str, float | None, str]] = [
        ("CNN", "not stated", 0.88508, report),
        ("ResNet18", "above the CNN's, no figure", None, report),
        ("Augmented ResNet18", "between the two, no figure", None, report),
        ("ResNet18, plain", "300 epochs", 0.9595, "a published model card"),
        ("WRN-28-2, baseline", "core set, 73k images", 0.967, randaugment),
        ("WRN-28-2, AutoAugment", "core set, 73k images", 0.98, randaugment),
        ("WRN-28-2, RandAugment", "core set, 73k images", 0.983, randaugment),
    ]
    frame = pd.DataFrame(rows, columns=["system", "training", "test accuracy (fraction)", "source"])
    frame["test accuracy (fraction)"] = frame["test accuracy (fraction)"].astype(float)
    formats: dict[str, Callable[[Any], str]] = {"test accuracy (fraction)": text.metric}
    caption = "Context only: figures that others report, on SVHN. None of them was measured here."
    return Table("context", frame, caption, _SVHN, formats)


def _cell(found: Estimate) -> str:
    if not found.n:
        return text.MISSING
    if found.low != found.low:
        return f"{found.mean:.3f}"
    return f"{found.mean:.3f}\n[{found.low:.3f}, {found.high:.3f}]".replace("-", "−")


def _number(value: float) -> str:
    return text.metric(value).replace("-", "−")
