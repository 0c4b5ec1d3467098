"""The nuisance parameters of each arm at each budget: the best explored ones for *that* budget."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from study import records
from study.arms import STRENGTH, Arm
from study.best import finished_values
from study.experiment_plan import (
    ExperimentSpec,
    candidates,
    conditions,
    tunable,
    tuning_trials,
)
from study.journal import Journal
from study.metrics import METRICS, Metric, is_better, recorded
from study.records import BY_ARM, DEFAULTS, FROM_RUNS, MATCHED
from study.words import epochs_of
from trainables.errors import FAILED, UserError, in_a_line

# A search's trial speaks for a budget when its own is within this factor of it.
NEARBY = 1.5

Chosen = dict[tuple[str, int], dict[str, Any]]


def choose(spec: ExperimentSpec, journal: Journal, metric: Metric) -> tuple[Chosen, Chosen]:
    """(parameters, where they come from), both by (arm's name, budget)."""
    if spec.tuned_by == FROM_RUNS:
        return _from_runs(spec)
    parameters, origins = {}, {}
    tuned = _from_matched_search(spec, journal, metric)
    for arm, budget in conditions(spec.claims):
        default = candidates(arm, 1)[0]
        key = arm.name, budget
        parameters[key] = tuned.get(key, default)
        origins[key] = {"source": MATCHED} if key in tuned else _untuned(arm)
    return parameters, origins


def _from_matched_search(spec: ExperimentSpec, journal: Journal, metric: Metric) -> Chosen:
    """The best candidate of each arm and budget; none where every one diverged or failed."""
    values = finished_values(journal, metric)
    best: dict[tuple[str, int], tuple[float, dict[str, Any]]] = {}
    names = {arm.name: tuple(candidates(arm, 1)[0]) for arm, _ in conditions(spec.claims)}
    for number, trial in tuning_trials(spec).items():
        key = trial["arm"], trial["budget"]
        value = values.get(number, math.nan)
        if is_better(metric, value, best[key][0] if key in best else math.nan):
            best[key] = value, {name: trial[name] for name in names[trial["arm"]]}
    return {key: parameters for key, (_, parameters) in best.items()}


def _from_runs(spec: ExperimentSpec) -> tuple[Chosen, Chosen]:
    explored = [explored_run(path) for path in spec.sources]
    parameters: Chosen = {}
    origins: Chosen = {}
    for arm, budget in conditions(spec.claims):
        key = arm.name, budget
        default = candidates(arm, 1)[0]
        found = _best_for(arm, budget, tuple(default), explored) if tunable(arm) else None
        parameters[key], origins[key] = found or (default, _untuned(arm))
    return parameters, origins


def _untuned(arm: Arm) -> dict[str, Any]:
    """Where parameters come from that nothing was found for."""
    return {"source": DEFAULTS if tunable(arm) else BY_ARM}


def left_at_defaults(spec: ExperimentSpec) -> str:
    """The arms and budgets that no trial of the searches speaks for: "cnn at 4 and 20 epochs".

    "" where each has one, or where parameters are from elsewhere. An arm that fixes all of
    its parameters needs none.
    """
    if spec.tuned_by != FROM_RUNS:
        return ""
    _, origins = _from_runs(spec)
    left: dict[str, list[int]] = {}
    for arm, budget in sorted(conditions(spec.claims), key=lambda c: (c[0].name, c[1])):
        if origins[arm.name, budget]["source"] == DEFAULTS:
            left.setdefault(arm.name, []).append(budget)
    return ", ".join(f"{name} at {epochs_of(budgets)}" for name, budgets in left.items())


def explored_run(path: str) -> tuple[records.Manifest, Journal]:
    """A finished or interrupted search, by its directory or URI; UserError for anything else."""
    from study.stored import readable

    run = readable(path)
    manifest = records.read_manifest(run)
    if manifest.kind != "search":
        raise UserError(f"--from {path}: is an {in_a_line(manifest.kind)}, not a search")
    recorded(run / records.MANIFEST, manifest.objective)
    named = {"data.name": manifest.data.get("name"), "space.model": manifest.space.get("model")}
    lacking = [name for name, value in named.items() if value is None]
    if lacking or not manifest.seeds:
        raise UserError(
            f"--from {path}: its {records.MANIFEST} has no {(lacking or ['seeds'])[0]}, so nobody "
            "can say what it searched; leave it out",
            FAILED,
        )
    return manifest, Journal(run)


def check_sources(spec: ExperimentSpec) -> None:
    """UserError for runs that are no searches, on other data, or ranked by different metrics."""
    metrics = {}
    for path in spec.sources:
        manifest, _ = explored_run(path)
        if manifest.data["name"] != spec.data:
            raise UserError(
                f"--from {path}: it searched on {in_a_line(manifest.data['name'])}, the experiment "
                f"is on {spec.data}; leave it out, or name its data set with --data"
            )
        metrics[manifest.objective["name"]] = path
    if len(metrics) > 1:
        raise UserError(
            f"--from: the searches are ranked by different metrics ({', '.join(sorted(metrics))}), "
            "so their trials do not compare; take those of one"
        )


def _best_for(
    arm: Arm,
    budget: int,
    names: Sequence[str],
    explored: Sequence[tuple[records.Manifest, Journal]],
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The best finished trial of a search of this arm's model near this budget, if any.

    Searches of another model do not count; among augmentation strengths the nearest
    third of the range does.
    """
    best: tuple[float, dict[str, Any], dict[str, Any]] | None = None
    for manifest, journal in explored:
        if manifest.space["model"] != arm.model:
            continue
        metric = METRICS[manifest.objective["name"]]
        configs = journal.configs()
        for number, value in finished_values(journal, metric).items():
            config = configs[number]
            if not {"epochs", *names} <= set(config):
                continue  # of a version whose space had other dimensions
            near = max(config["epochs"] / budget, budget / config["epochs"]) <= NEARBY
            apart = abs(config.get(STRENGTH, 0.0) - arm.strength)
            if not near or apart > 1 / 3 or (arm.strength == 0) != (config.get(STRENGTH, 0.0) == 0):
                continue
            if is_better(metric, value, best[0] if best else math.nan):
                origin = {
                    "source": FROM_RUNS,
                    "run": manifest.run_id,
                    "trial": number,
                    "seed": manifest.seeds[0],
                }
                best = value, {name: config[name] for name in names}, origin
    return (best[1], best[2]) if best else None
