"""The crossover: loss at the end of training against budget, plain beside augmented."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis import style, text
from analysis.experiment import names
from analysis.experiment.cells import Condition, Experiment
from analysis.experiment.estimates import estimate
from analysis.plots.picture import Picture
from study.arms import Arm
from study.words import counted

METRIC = "val_loss"
_APART = 0.06  # of the two arms beside their budget, which would hide each other


def by_budget(experiment: Experiment, model: str) -> Picture | None:
    """Validation loss of a model's arms at every budget; None without a pair to compare.

    A point a seed, lines between the two arms of one seed, means with intervals.
    """
    plain, augmented = _pair(experiment, model)
    if plain is None or augmented is None:
        return None
    budgets = sorted(_budgets(experiment, plain) & _budgets(experiment, augmented))
    figure = style.figure(3.9)
    axes = figure.subplots()
    tables = [
        [experiment.of(Condition(arm, b)).set_index("seed")[METRIC] for b in budgets]
        for arm in (plain, augmented)
    ]
    for at, (first, second) in enumerate(zip(*tables, strict=True)):
        for seed in first.index.intersection(second.index):
            axes.plot(
                [at - _APART, at + _APART], [first[seed], second[seed]], color=style.FAINT, lw=0.7
            )
    colours = names.colours((plain, augmented))
    for colour, values, shift in zip(colours.values(), tables, (-_APART, _APART), strict=True):
        _arm(axes, [v.to_numpy() for v in values], shift, colour)
    axes.set_xticks(range(len(budgets)), [str(budget) for budget in budgets])
    axes.set_xlim(-0.4, len(budgets) - 0.6)
    axes.set_xlabel("budget (epochs, each a training of its own)")
    axes.set_ylabel("validation loss at the end (nats)")
    style.loss_axis(axes, np.concatenate([v.to_numpy() for values in tables for v in values]))
    handles = [
        Line2D([], [], color=colour, marker="D", ms=5, label=names.system(arm))
        for arm, colour in colours.items()
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    title = f"{names.title(model)}: validation loss against budget"
    alt = (
        f"Points of {names.system(plain)} and {names.system(augmented)} at "
        f"{text.listed([str(b) for b in budgets])} epochs, one a seed, joined by seed."
    )
    caption = _caption(budgets, tables)
    return Picture(f"by_budget-{model}", title, figure, caption, alt)


def _pair(experiment: Experiment, model: str) -> tuple[Arm | None, Arm | None]:
    """The plain arm, and the augmented one like it that shares most budgets with it."""
    arms = dict.fromkeys(c.arm for c in experiment.conditions if c.arm.model == model)
    plain = next((arm for arm in arms if arm.strength == 0), None)
    if plain is None:
        return None, None
    at = _budgets(experiment, plain)
    shared = {
        arm: (names.rest(arm) == names.rest(plain), len(_budgets(experiment, arm) & at))
        for arm in arms
        if arm.strength
    }
    return plain, max(shared, key=lambda arm: shared[arm], default=None)


def _budgets(experiment: Experiment, arm: Arm) -> set[int]:
    return {c.budget for c in experiment.conditions if c.arm == arm}


def _arm(axes: Axes, values: list[np.ndarray], shift: float, colour: str) -> None:
    found = [estimate(each, METRIC) for each in values]
    x = np.arange(len(values)) + shift
    for at, each in zip(x, values, strict=True):
        axes.scatter(np.full(len(each), at), each, s=14, color=colour, alpha=0.55, linewidths=0)
    mean = np.array([f.mean for f in found])
    axes.plot(x, mean, color=colour, marker="D", ms=6, mec="white", mew=0.8, zorder=4)
    for at, one in zip(x, found, strict=True):
        if one.low == one.low:
            axes.plot([at, at], [one.low, one.high], color=colour, lw=2.6, zorder=3)


def _caption(budgets: list[int], tables: list[list[pd.Series]]) -> str:
    said, signs, left_out = [], [], 0
    for budget, plain, augmented in zip(budgets, *tables, strict=True):
        both = augmented - plain
        difference = both.dropna()
        left_out += len(both) - len(difference)
        if difference.empty:
            said.append(f"at {budget} epochs no seed has both")
            continue
        mean = float(difference.mean())
        signs.append(np.sign(mean))
        way = "higher" if mean > 0 else "lower"
        agreeing = int((np.sign(difference) == np.sign(mean)).sum())
        said.append(
            f"at {budget} epochs augmentation gives a loss {abs(mean):.3f} nats {way} on average, "
            f"{way} in {agreeing} of {len(difference)} seeds"
        )
    if len(signs) < 2:
        start = "A comparison at one budget"
    elif signs[0] > 0 > signs[-1]:
        start = "The means cross"
    else:
        start = "The means do not cross between these budgets"
    return (
        f"{start}: {'; '.join(said)}. Every point is a seed, grey lines join the two arms of one "
        f"seed, diamonds are means with 95% intervals.{_left_out(left_out)}"
    )


def _left_out(pairs: int) -> str:
    if not pairs:
        return ""
    kept = "pair of a seed is not here, since a training of it"
    several = "pairs of a seed are not here, since a training of each"
    return (
        f" {counted(pairs, kept, several)} diverged or is missing: verdicts count a divergence as "
        "the worst outcome, so theirs are other figures."
    )
