"""A small search and a small experiment on disk, and what is read of them when damaged."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from analysis import arrange, search, tables
from analysis.experiment.cells import read_experiment
from analysis.experiment.section import section, verdicts_of
from analysis.load import Run, load_run
from study import records, stored
from study.claims import overridden, select
from study.experiment_plan import ExperimentSpec
from study.journal import Journal
from study.metrics import METRICS
from study.nuisance import check_sources, choose
from study.place import local
from study.records import STATES
from study.results import load_experiment, load_search
from tests.analysis.synthetic import write_run
from tests.analysis.synthetic_experiment import CLAIMS, write_experiment

SEARCH = ["completed", "pruned", "diverged", "failed", "completed", "running"]


def small_search(folder: Path) -> Path:
    """A search of six trials, one in every state."""
    return write_run(folder, SEARCH)


def small_experiment(folder: Path) -> Path:
    """An experiment of two claims and eight seeds."""
    claims = [dataclasses.replace(claim, seeds=8) for claim in CLAIMS[:2]]
    return write_experiment(folder, claims, pictures=False)


@contextmanager
def copy_of(run: Path, without_tables: bool = False) -> Iterator[Path]:
    """A copy of a run directory to be damaged, gone afterwards."""
    copy = run.with_name(f"{run.name}-copy")
    shutil.copytree(run, copy)
    try:
        if without_tables:
            (copy / records.EPOCHS).unlink()
            (copy / records.TRIALS).unlink()
        yield copy
    finally:
        shutil.rmtree(copy)


def check_tables(run: Run) -> None:
    """What every report begins with, whatever the run holds."""
    assert not run.epochs.duplicated(["trial", "epoch"]).any()
    assert set(run.trials["state"]) <= set(STATES)
    ordered = tables.ordered_trials(run)
    best = tables.best_trial(ordered)
    if best is not None:
        values = run.trials.loc[run.trials["state"] == "completed", run.objective.name]
        sought = values.max() if run.objective.direction == "max" else values.min()
        assert best[run.objective.name] == sought


def read(path: Path) -> None:
    """Read a run as a report does, without deciding or drawing anything."""
    run = load_run(path)
    if run.manifest.kind == "search":
        check_tables(run)
        return
    experiment = read_experiment(run)
    arrange.check_cells(experiment.cells, list(experiment.claims))
    for claim in experiment.claims:
        arrange.arrange(experiment.cells, claim)


def read_as_result(path: Path) -> None:
    """What a command that finds the run complete reads of it."""
    if records.read_manifest(path).kind == "experiment":
        load_experiment(local(path))
        return
    result = load_search(local(path))
    assert result.counts == {state: SEARCH.count(state) for state in SEARCH}
    assert result.best is not None


def read_as_source(path: Path) -> None:
    """What `study.confirm --from` reads of a run."""
    claims = overridden(select(["aug_crossover"]), budgets=(4, 12))
    spec = ExperimentSpec(claims, tuning_trials=0, sources=(str(path),))
    check_sources(spec)
    parameters, origins = choose(spec, Journal(path), METRICS["val_loss"])
    assert set(parameters) == set(origins)


def read_as_stored(path: Path) -> None:
    """What is read of a stored run before any of it is fetched."""
    stored._is_complete(local(path).shared)


def verdicts(path: Path) -> dict[str, str]:
    """The verdicts on an experiment by claim."""
    return {v.claim.id: v.verdict for v in verdicts_of(read_experiment(load_run(path)))}


def write_sections(path: Path) -> None:
    """All that a report says of a run, figures included, but for the files it writes."""
    run = load_run(path)
    if run.manifest.kind == "search":
        search.section(run)
    else:
        experiment = read_experiment(run)
        section(experiment, verdicts_of(experiment))
