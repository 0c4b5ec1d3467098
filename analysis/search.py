"""The section of a search: summary, best configuration, trials, figures, limits, origin."""

from __future__ import annotations

import pandas as pd

from analysis import style, tables, text
from analysis.caveats import caveats, unfinished
from analysis.importance import importance
from analysis.load import Run
from analysis.page import Part, Section, anchor
from analysis.plots import all_curves, curves, importances, progress, samples, slices
from analysis.plots.picture import Picture
from analysis.provenance import provenance
from study.metrics import guess
from study.records import CONFIG
from study.words import counted
from trainables.errors import UserError


def section(run: Run) -> Section:
    """Everything the report says about one search."""
    trials = tables.ordered_trials(run)
    best = tables.best_trial(trials)
    with style.styled():
        pictures, notes = _pictures(run, trials, best)
    parts = [Part(lines=[summary(run, trials, best), *unfinished(run)])]
    if best is not None:
        parts.append(Part("Best configuration", tables=[tables.best_table(run, best)]))
    parts += [
        Part("Figures", pictures=pictures, lines=notes),
        Part("Trials", tables=[tables.states_table(run, trials), tables.trials_table(run, trials)]),
        Part("Limits and caveats", bullets=caveats(run, best)),
        Part("Where this comes from", facts=provenance(run)),
    ]
    title = f"{run.manifest.space.get('name', run.manifest.run_id)} on {run.data}"
    return Section(anchor(run.manifest.run_id), title, _subtitle(run), parts, run.data)


def summary(run: Run, trials: pd.DataFrame, best: pd.Series | None) -> str:
    """What was found, in sentences for a reader outside the field."""
    begun = tables.with_an_epoch(trials)
    tried = f"{counted(len(begun), 'configuration was', 'configurations were')} tried"
    lines = [f"{tried}: {text.listed(_counts(begun))}."]
    if best is None:
        lines.append("No trial came to its end with a finite result, so there is no best one.")
        return " ".join(lines)
    label, value = run.objective.label, float(best[run.objective.name])
    lines.append(
        f"The best reached a {label} of {text.metric(value)} on {run.data} "
        f"(trial {best['trial']}, {counted(int(best['epoch']), 'epoch')})"
        + _against_baseline(run, trials, best, value)
        + _against_guess(run, value)
    )
    settings = [
        f"{text.dimension(name)} {text.number(best[CONFIG + name])}"
        for name in run.dimensions
        if CONFIG + name in best
    ]
    lines.append(f"Its settings: {', '.join(settings)}.")
    return " ".join(lines)


def _counts(trials: pd.DataFrame) -> list[str]:
    stopped = f"{text.STATES['pruned']} (pruned)"  # the word of the terminal and the CSV, once
    words = text.STATES | {"completed": "ran to the end", "pruned": stopped}
    counts = trials["state"].value_counts()
    return [f"{counts[state]:,} {word}" for state, word in words.items() if state in counts]


def _against_baseline(run: Run, trials: pd.DataFrame, best: pd.Series, value: float) -> str:
    """ ", 0.031 above the all-defaults baseline" where that trial completed."""
    same = trials["rank"].notna()
    for name, domain in run.dimensions.items():
        if CONFIG + name in trials:
            same &= trials[CONFIG + name].eq(domain.default)
    if not same.any():
        return "."
    baseline = trials[same].iloc[0]
    if trials["rank"].notna().sum() == 1:
        return "."
    if baseline["trial"] == best["trial"]:
        return ", which is the configuration of all defaults: no other did better."
    other = float(baseline[run.objective.name])
    side = "above" if value > other else "below"
    return (
        f", {abs(value - other):.4f} {side} the all-defaults baseline "
        f"(trial {baseline['trial']}, {text.metric(other)})."
    )


def _against_guess(run: Run, value: float) -> str:
    counts = run.manifest.data.get("class_counts", {}).get("val") or []
    guessed = guess(run.objective.name, counts)
    if guessed is None:
        return ""
    if value <= guessed:
        return (
            " Even the best is no better than always answering the most frequent class "
            f"({guessed:.4f})."
        )
    return f" Always answering the most frequent class would give {guessed:.4f}."


def _pictures(
    run: Run, trials: pd.DataFrame, best: pd.Series | None
) -> tuple[list[Picture], list[str]]:
    """The figures that can be drawn, and a sentence for each that cannot."""
    shown = trials[trials["epoch"] > 0].iloc[0]
    number = None if best is None else int(best["trial"])
    pictures: list[Picture | None] = [
        curves.best_curves(run, int(shown["trial"]), str(shown["state"])),
        all_curves.all_curves(run, number),
        progress.best_so_far(run),
        slices.slices(run, trials, best),
    ]
    notes = []
    try:
        pictures.append(importances.importances(importance(run, trials), run.objective.label))
    except UserError as reason:
        notes.append(str(reason))
    try:
        pictures.append(samples.samples(run))
    except UserError as reason:
        notes.append(f"{reason}.")
    return [picture for picture in pictures if picture is not None], notes


def _subtitle(run: Run) -> str:
    space = run.manifest.space
    facts = [
        f"Search of space {space.get('name', '?')} ({space.get('summary', '')})",
        f"model {space.get('model', '?')}",
        f"data set {run.data}",
        f"run {run.manifest.run_id}",
    ]
    return " · ".join(facts)
