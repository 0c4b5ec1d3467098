"""What a reader must know before believing a verdict, made from the manifest and the cells."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

from analysis import text
from analysis.caveats import code_caveats, edge, resolution, the_same, with_sizes
from analysis.experiment import names
from analysis.experiment.cells import Condition, Experiment
from analysis.experiment.estimates import estimate
from study.domains import from_json
from study.metrics import guess
from study.records import BY_ARM, DEFAULTS, FROM_RUNS, MATCHED
from study.words import counted


def limits(experiment: Experiment) -> list[str]:
    """One sentence or two each, most consequential first."""
    run = experiment.run
    data = run.manifest.data
    scope = (
        f"Every verdict is about {run.data}{with_sizes(run)}, at the budgets run, and says nothing "
        "about another data set, size or budget."
    )
    seeds = len({cell.seed for cell in experiment.wanted})
    luck = (
        f"The intervals and p-values cover the luck of {seeds} seeds (initialisation, split and "
        "order, shared by all arms), not that of other data or of tuning again."
    )
    lines = [
        scope,
        luck,
        *caution(experiment, experiment.conditions),
        *_diverged(experiment),
        *_tuning(experiment),
        *_edges(experiment),
    ]
    lines += [*_fixed(experiment), *resolution(run), *map(str, data.get("notices", []))]
    return lines + code_caveats(run)


def caution(experiment: Experiment, conditions: Collection[Condition]) -> list[str]:
    """That some of these are not shown to be better than answering the most frequent class."""
    task = experiment.run.task
    counts = (experiment.run.manifest.data.get("class_counts") or {}).get("test") or []
    guessed = guess(task.judged, counts)
    if guessed is None:
        return []
    found = [
        names.trained(condition)
        for condition in experiment.conditions
        if condition in conditions
        and _lowest(experiment, condition, task.judged) <= guessed * (1 + task.slack)
    ]
    if not found:
        return []
    line = (
        f"Not shown to be better than always answering the most frequent class "
        f"({task.metric(task.judged).label} {guessed:.3f}): {'; '.join(found)}. A verdict on them "
        "says little about trained systems."
    )
    return [line]


def _lowest(experiment: Experiment, condition: Condition, metric: str) -> float:
    """The lower end of its 95% interval; the mean where there are too few seeds for one."""
    found = estimate(experiment.of(condition)[metric], metric)
    return found.mean if math.isnan(found.low) else found.low


def _diverged(experiment: Experiment) -> list[str]:
    cells = experiment.cells
    counts = [
        f"{names.trained(condition)} {found['diverged'].sum()} of {len(found)}"
        for condition in experiment.conditions
        if (found := experiment.of(condition))["diverged"].any()
    ]
    if not cells["diverged"].any():
        return ["No training diverged."] if len(cells) else []
    line = (
        f"Trainings that diverged: {'; '.join(counts)}. In the verdicts each counts as the worst "
        "outcome; the means and curves of the systems are those of the other seeds."
    )
    return [line]


def _tuning(experiment: Experiment) -> list[str]:
    """How the nuisance parameters were found, from the manifest."""
    found = experiment.run.manifest.experiment
    if not found:
        return ["The parameters of the cells have not been chosen yet."]
    chosen = found.get("nuisance") or []
    parameters = dict.fromkeys(name for row in chosen for name in row.get("parameters", {}))
    listed = text.listed([text.dimension(name) for name in parameters]) or "nothing"
    untuned = [_where(row) for row in chosen if row.get("source") == DEFAULTS]
    if found.get("tuned_by") == MATCHED:
        line = _matched(experiment, listed)
    elif found.get("tuned_by") == FROM_RUNS:
        runs = dict.fromkeys(str(row["run"]) for row in chosen if "run" in row)
        line = (
            f"{listed.capitalize()} of each arm at each budget come from explored runs "
            f"({', '.join(runs)}); these need not have tried equally hard for every arm."
            if runs
            else "Nothing was taken from the explored runs."
        )
        seeds = set(experiment.run.manifest.seeds)
        shared = [str(seed) for seed in seeds & {row.get("seed") for row in chosen}]
        if shared:
            line += f" They drew initialisation and split of seed {text.listed(shared)} too."
    else:
        line = (
            f"Not tuned: {listed} are the spaces' defaults for every arm and budget. A system "
            "that the defaults suit less may rank otherwise when tuned."
        )
        return [line]
    lines = [line]
    if by_arm := [_where(row) for row in chosen if row.get("source") == BY_ARM]:
        lines.append(f"Fixed by the claims, so not tuned: {'; '.join(by_arm)}.")
    if untuned:
        lines.append(f"Defaults, for want of a usable trial: {'; '.join(untuned)}.")
    return lines


def _matched(experiment: Experiment, listed: str) -> str:
    tuning = experiment.tuning
    counts = sorted(set(tuning.groupby(["arm", "budget"]).size()))
    each = " or ".join(map(str, counts)) or "no"
    ended = counted(int(tuning["state"].eq("diverged").sum()), "candidate")
    diverged = f" {ended} diverged." if tuning["state"].eq("diverged").any() else ""
    return (
        f"{listed.capitalize()} were chosen for each arm and budget by the "
        f"{experiment.run.objective.label} of one seed that is none of the experiment's, from "
        f"{each} candidates, the same number for every arm.{diverged} So few candidates do not "
        "find the best there is."
    )


def _edges(experiment: Experiment) -> list[str]:
    """Chosen values that lie at an end of the range which their space allows."""
    stored = experiment.run.manifest.experiment
    chosen = stored.get("nuisance") or []
    found: dict[tuple[str, str], list[str]] = {}
    for row in chosen:
        domains = stored.get("dimensions", {}).get(row["arm"], {})
        for name, value in row.get("parameters", {}).items():
            side = edge(from_json(domains[name]), value) if name in domains else ""
            if side:
                found.setdefault((name, side), []).append(_where(row))
    return [
        f"The chosen {text.dimension(name)} lies at the {side} end of its range for "
        f"{_all_or(where, len(chosen))}: a better value may lie outside."
        for (name, side), where in found.items()
    ]


def _all_or(where: list[str], count: int) -> str:
    return "every arm at every budget" if len(where) == count else "; ".join(where)


def _where(row: dict[str, object]) -> str:
    return f"{row['arm']} at {row['budget']} epochs"


def _fixed(experiment: Experiment) -> list[str]:
    spec = experiment.run.manifest.spec
    options: dict[str, Any] = {key: spec[key] for key in ("pretrained", "precision") if key in spec}
    same = the_same(experiment.run, options)
    if not same:
        return []
    line = (
        f"Fixed, the same in every training and never tuned: {same}. The augmentation strengths "
        "are those the claims name, not tuned ones."
    )
    return [line]
