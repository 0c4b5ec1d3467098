"""The controlled experiment as one Python call: tune if asked, then train every cell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from study import cluster, domains, records, session
from study.best import CheckpointCleaner
from study.display import speaker
from study.experiment_plan import (
    ExperimentSpec,
    cell_trials,
    conditions,
    experiment_id,
    spaces_of,
    tuned_conditions,
    tuning_trials,
)
from study.journal import Journal
from study.metrics import METRICS
from study.nuisance import check_sources, choose, left_at_defaults
from study.place import Place, opened
from study.request import Request, recipe
from study.resources import Resources
from study.results import ExperimentResult, load_experiment
from study.stage import Stage, restore_outputs, staged
from study.tally import begun
from study.tracking import AUTO, Tracking, decide
from study.words import counted
from trainables.data import require_directory

# What a matched search and the search runs it replaces are judged by.
TUNING_METRIC = METRICS["val_loss"]


def experiment(
    spec: ExperimentSpec,
    storage: str | Path = "runs",
    resources: Resources | None = None,
    *,
    download: bool = False,
    wandb: str = AUTO,
    quiet: bool = False,
    console: Console | None = None,
) -> ExperimentResult:
    """Run the experiment, write its directory with the report, and return both.

    wandb: one of `study.tracking.MODES`. The same call again trains the missing cells
    only, and returns a complete experiment without training. Raises UserError for what the
    caller can mend, KeyboardInterrupt when interrupted, with everything finished on record.
    """
    resources, console = resources or Resources(), console or Console()
    check(spec, resources, download)
    tracking = decide(wandb)
    say = speaker(console, quiet)
    with opened(storage, experiment_id(spec), say) as place:
        run = place.run
        manifest = session.existing_manifest(run)
        if manifest is None or manifest.status != "complete":
            if manifest is None or not manifest.experiment:  # else the choice is on record
                _say_what_is_left(spec, say)
            request = _request(place, spec, resources, download, tracking, quiet, console)
            with staged(
                request, manifest, lambda journal: [CheckpointCleaner(journal, place)]
            ) as stage:
                _run_on_ray(place, spec, stage)
        else:
            say(f"{run.name} is complete: nothing was trained")
            restore_outputs(run, tracking, say)
        return load_experiment(place)


def _say_what_is_left(spec: ExperimentSpec, say: Callable[[str], None]) -> None:
    if left := left_at_defaults(spec):
        say(f"note: --from has no finished trial for {left}: the defaults are taken there")


def check(spec: ExperimentSpec, resources: Resources, download: bool = False) -> None:
    """What can be known to be wrong before anything is written or started."""
    check_sources(spec)
    require_directory(str(spec.data), spec.data_dir, download)
    cluster.check(resources, planned(spec))


def _request(
    place: Place,
    spec: ExperimentSpec,
    resources: Resources,
    download: bool,
    tracking: Tracking,
    quiet: bool,
    console: Console,
) -> Request:
    run, count = place.run, planned(spec)
    return Request(
        place=place,
        opening=_opening(run, spec),
        trials=count,
        metric=TUNING_METRIC,
        data=str(spec.data),
        data_dir=spec.data_dir,
        download=download,
        train_size=spec.train_size,
        image_size=spec.image_size,
        models=sorted({s.model for s in spaces_of(spec.claims)}) if spec.plugins else [],
        split_seed=0,
        with_test=True,
        identity={
            "kind": "experiment",
            "spec": {
                **spec.to_dict(),
                "fixed": recipe(str(spec.data)),
                "spaces": [space.to_dict() for space in spaces_of(spec.claims)],
            },
            "objective": {"name": TUNING_METRIC.name, "direction": TUNING_METRIC.direction},
            "seeds": list(range(max(claim.seeds for claim in spec.claims))),
        },
        resources=resources,
        tracking=tracking,
        quiet=quiet,
        console=console,
    )


def _opening(run: Path, spec: ExperimentSpec) -> str:
    journal, trainings = Journal(run), counted(planned(spec), "training")
    if done := len(_decided(journal)):  # failed cells are trained again
        return f"continuing {run.name}: {done} of {trainings} are done"
    if kept := begun(journal.lines):
        return f"continuing {run.name}: {kept}"
    return f"{run.name}: {trainings} for {counted(len(spec.claims), 'claim')}"


def planned(spec: ExperimentSpec) -> int:
    """Trainings in all: the matched search's and the cells'."""
    cells = {cell for claim in spec.claims for cell in claim.cells()}
    return len(tuned_conditions(spec)) * spec.tuning_trials + len(cells)


def _run_on_ray(place: Place, spec: ExperimentSpec, stage: Stage) -> None:
    from study import orchestrate

    options = {
        "train_size": spec.train_size,
        "pretrained": spec.pretrained,
        "precision": spec.precision,
    }
    run, shared, journal = place.run, place.shared, stage.journal
    job = orchestrate.cell_job(
        stage.dataset,
        options,
        shared / records.CHECKPOINTS,
        shared / records.CELLS,
        stage.slots,
        spec.plugins,
    )
    journal.patiently((shared / records.CELLS).sweep)
    samples = orchestrate.Samples(stage.dataset, 0)
    journal.listeners.append(samples)
    with samples:
        if not stage.manifest.experiment:
            if tuning := tuning_trials(spec):
                stage.display.note("matched search for the nuisance parameters")
                _run_missing(tuning, job, stage)
            stage.manifest.experiment = _chosen(spec, stage.journal)
            journal.patiently(lambda: records.write_manifest(run, stage.manifest))
        # From here on the choice is on record: no cell may train with another one.
        rows = stage.manifest.experiment["nuisance"]
        parameters = {(row["arm"], row["budget"]): row["parameters"] for row in rows}
        cells = cell_trials(spec, parameters)
        shown = TUNING_METRIC.name
        stage.display.note(f"the cells of the experiment ({shown} shown, whatever is claimed)")
        _run_missing(cells, job, stage)
    journal.patiently(lambda: samples.write(run / records.SAMPLES))
    if set(cells) - _decided(journal):
        stage.manifest.status = "interrupted"  # the same command trains the missing cells


def _chosen(spec: ExperimentSpec, journal: Journal) -> dict[str, Any]:
    """What the manifest keeps of the nuisance parameters and where they come from."""
    parameters, origins = choose(spec, journal, TUNING_METRIC)
    return {
        "tuned_by": spec.tuned_by,
        "dimensions": _ranges(spec),
        "nuisance": [
            {"arm": arm, "budget": budget, **origins[arm, budget], "parameters": chosen}
            for (arm, budget), chosen in parameters.items()
        ],
    }


def _ranges(spec: ExperimentSpec) -> dict[str, dict[str, Any]]:
    """Every arm's dimensions: the report warns of parameters at the end of their range."""
    return {
        arm.name: {k: domains.to_json(v) for k, v in arm.space.dimensions.items()}
        for arm, _ in conditions(spec.claims)
    }


def _run_missing(trials: dict[int, dict[str, Any]], job: Any, stage: Stage) -> None:
    from study import orchestrate
    from study.asha import no_early_stopping
    from study.cells import CellQueue

    queue = CellQueue(trials, stage.journal, TUNING_METRIC)
    if queue.remaining():
        orchestrate.run_trials(
            job,
            queue,
            queue.remaining(),
            no_early_stopping(),
            stage.slots,
            stage.journal,
        )


def _decided(journal: Journal) -> set[int]:
    """Trials with a result: diverged is one, failed is none."""
    return {number for number, state in journal.ended().items() if state != "failed"}
