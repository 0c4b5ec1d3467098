"""Learning curves of an experiment: plain against augmented, with bands over the seeds."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis import style, text
from analysis.experiment import names
from analysis.experiment.cells import Condition, Experiment
from analysis.experiment.estimates import bounds, estimates
from analysis.plots.curves import finite
from analysis.plots.picture import Picture
from study.arms import Arm

_LOSSES = {"val_loss": "validation loss (nats)", "train_loss": "clean training loss (nats)"}
_ROW = 2.5  # height of a row, in


def arm_curves(experiment: Experiment, model: str) -> Picture:
    """One column a budget, validation loss above clean training loss, a line a seed.

    Of a segmentation the validation mean IoU, which can move otherwise than the loss, below.
    """
    rows = dict(_LOSSES)
    if "miou" in experiment.run.task.curves:
        rows["val_miou"] = "validation mean IoU (fraction)"
    conditions = [c for c in experiment.conditions if c.arm.model == model]
    budgets = sorted({c.budget for c in conditions})
    arms = names.colours(condition.arm for condition in conditions)
    figure = style.figure(_ROW * len(rows))
    grid = figure.subplots(len(rows), len(budgets), sharex="col", sharey="row", squeeze=False)
    for panels, (metric, label) in zip(grid, rows.items(), strict=True):
        _row(experiment, dict(zip(budgets, panels, strict=True)), conditions, metric, arms)
        panels[0].set_ylabel(label)
    for axes, budget in zip(grid[0], budgets, strict=True):
        axes.set_title(f"{budget} epochs")
    for axes in grid[-1]:
        axes.set_xlabel("epoch")
        style.whole_number_ticks(axes, 6)
    handles = [Line2D([], [], color=colour, label=names.system(a)) for a, colour in arms.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    drawn = text.listed([label.split(" (")[0] for label in rows.values()])
    alt = (
        f"{text.capital(drawn)} against epoch for {text.listed([names.system(a) for a in arms])}, "
        f"one column for each budget ({text.listed([str(b) for b in budgets])} epochs), a thin "
        "line a seed."
    )
    title = f"{names.title(model)}: learning curves"
    return Picture(f"curves-{model}", title, figure, _caption(experiment, conditions), alt)


def _curves(experiment: Experiment, condition: Condition, metric: str) -> pd.DataFrame:
    """The metric with a row an epoch and a column a seed."""
    return experiment.curves_of(condition).pivot(index="epoch", columns="seed", values=metric)


def _row(
    experiment: Experiment,
    panels: dict[int, Axes],
    conditions: list[Condition],
    metric: str,
    colours: dict[Arm, str],
) -> None:
    """One metric of every condition, in its budget's panel."""
    seen = [_curves(experiment, condition, metric) for condition in conditions]
    for condition, table in zip(conditions, seen, strict=True):
        _draw(panels[condition.budget], table, colours[condition.arm], metric)
    if metric in _LOSSES:
        losses = np.concatenate([table.to_numpy(float).ravel() for table in seen])
        style.loss_axis(next(iter(panels.values())), losses)


def _draw(axes: Axes, table: pd.DataFrame, colour: str, metric: str) -> None:
    if table.empty:
        return
    values, epochs = finite(table), table.index.to_numpy()
    axes.plot(epochs, values, color=colour, lw=0.6, alpha=0.45)
    whole = values[:, np.isfinite(values).all(axis=0)]
    if not whole.shape[1]:
        return
    marker = "o" if len(epochs) == 1 else ""
    axes.plot(epochs, whole.mean(axis=1), color=colour, lw=2, marker=marker)
    low, high = estimates(whole, *bounds(metric))
    axes.fill_between(epochs, low, high, color=colour, alpha=0.22, lw=0)


def _caption(experiment: Experiment, conditions: list[Condition]) -> str:
    """What overfitting shows: by how much the loss ends above its lowest point."""
    longest = max(condition.budget for condition in conditions)
    said = []
    for condition in conditions:
        table = _curves(experiment, condition, "val_loss").mean(axis=1)
        if condition.budget != longest or not table.notna().any():
            continue
        rise = float(table.iloc[-1] - table.min())
        lowest = int(table.idxmin())
        said.append(
            f"{names.system(condition.arm)} ends at its lowest"
            if rise < 0.0005  # 0.000 as it is printed
            else f"{names.system(condition.arm)} ends {rise:.3f} nats above its lowest "
            f"(epoch {lowest})"
        )
    what = f"Mean validation loss in the {longest}-epoch trainings: {'; '.join(said)}. "
    return (what if said else "") + (
        "Thin lines are seeds, thick lines their mean, bands its 95% interval. Each budget is a "
        "training of its own with its own learning-rate schedule."
    )
