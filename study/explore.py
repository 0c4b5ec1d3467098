"""The search as one Python call: `explore("resnet18_aug", trials=8)`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console

from study import cluster, records, session
from study.best import BestKeeper
from study.display import speaker
from study.journal import Journal
from study.metrics import METRICS, Metric
from study.place import Place, opened
from study.plan import SearchSpec, epochs_cut, run_id, searched_space
from study.plugins import load
from study.request import Request, recipe
from study.resources import Resources
from study.results import SearchResult, load_search
from study.stage import Stage, restore_outputs, staged
from study.tally import begun
from study.tracking import AUTO, Tracking, decide
from study.words import counted
from trainables.data import require_directory
from trainables.patience import Say


def explore(
    space: str,
    *,
    storage: str | Path = "runs",
    resources: Resources | None = None,
    download: bool = False,
    wandb: str = AUTO,
    quiet: bool = False,
    plugins: Iterable[str | Path] = (),
    **options: Any,
) -> SearchResult:
    """Search a space, write the run directory with its report, and return both.

    `options` are the fields of `study.plan.SearchSpec` (trials, seed, objective, ...).
    wandb: one of `study.tracking.MODES`. plugins: modules or .py files, see
    `study.plugins.load`. The same call again continues an incomplete run
    and returns a complete one. Raises UserError for what the caller can mend,
    KeyboardInterrupt when interrupted, with everything finished on record.
    """
    spec = SearchSpec(space=space, plugins=load(plugins), **options)
    return search(
        spec,
        storage,
        resources or Resources(),
        download=download,
        wandb=wandb,
        quiet=quiet,
    )


def search(
    spec: SearchSpec,
    storage: str | Path,
    resources: Resources,
    *,
    download: bool = False,
    wandb: str = AUTO,
    quiet: bool = False,
    console: Console | None = None,
) -> SearchResult:
    """`explore`, of a specification that is already made."""
    check(spec, resources, download)
    tracking = decide(wandb)
    console = console or Console()
    say = speaker(console, quiet)
    with opened(storage, run_id(spec), say) as place:
        run = place.run
        manifest = session.existing_manifest(run)
        if manifest is None or manifest.status != "complete":
            if cut := epochs_cut(spec):
                say(f"note: {cut}")
            _search(place, spec, resources, manifest, download, tracking, quiet, console)
        else:
            say(f"{run.name} is complete: nothing was trained")
            if not (run / records.OPTUNA_DB).exists():
                _restore_database(run, spec, say)
            restore_outputs(run, tracking, say)
        return load_search(place)


def check(spec: SearchSpec, resources: Resources, download: bool = False) -> None:
    """What can be known to be wrong before anything is written or started."""
    require_directory(str(spec.data), spec.data_dir, download)
    cluster.check(resources, spec.trials)


def _search(
    place: Place,
    spec: SearchSpec,
    resources: Resources,
    before: records.Manifest | None,
    download: bool,
    tracking: Tracking,
    quiet: bool,
    console: Console,
) -> None:
    metric = METRICS[str(spec.objective)]
    request = Request(
        place=place,
        opening=_opening(place.run, spec),
        trials=spec.trials,
        metric=metric,
        data=str(spec.data),
        data_dir=spec.data_dir,
        download=download,
        train_size=spec.train_size,
        image_size=spec.image_size,
        models=[searched_space(spec).model] if spec.plugins else [],
        split_seed=spec.seed,
        with_test=False,  # a search cannot see what it does not have
        identity=_identity(spec),
        resources=resources,
        tracking=tracking,
        quiet=quiet,
        console=console,
    )
    with staged(request, before, lambda journal: [BestKeeper(journal, metric, place)]) as stage:
        _run_on_ray(place, spec, metric, stage)


def _restore_database(run: Path, spec: SearchSpec, say: Say) -> None:
    """Make `optuna.db` anew, which somebody deleted or the search could not write."""
    from study.database import Database

    journal = Journal(run)
    journal.say = say
    dimensions = searched_space(spec).dimensions
    Database(run.name, dimensions, METRICS[str(spec.objective)], journal).write_anew()


def _run_on_ray(place: Place, spec: SearchSpec, metric: Metric, stage: Stage) -> None:
    from study import orchestrate
    from study.asha import asha, no_early_stopping
    from study.database import Database
    from study.search import StudySearch

    journal, run = stage.journal, place.run
    searcher = StudySearch(spec, metric, journal, stage.slots.count)
    dimensions = searched_space(spec).dimensions
    database = Database(run.name, dimensions, metric, journal)
    journal.listeners.append(database)
    samples = orchestrate.Samples(stage.dataset, spec.seed)
    journal.listeners.append(samples)
    if remaining := searcher.remaining():
        scheduler = asha(metric, journal) if spec.scheduler == "asha" else no_early_stopping()
        job = orchestrate.training_job(
            stage.dataset,
            _common_options(spec),
            place.shared / records.CHECKPOINTS,
            stage.slots,
            spec.plugins,
        )
        with samples:
            orchestrate.run_trials(job, searcher, remaining, scheduler, stage.slots, journal)
    else:
        database.write_anew()  # no event of a trial will have it made
    journal.patiently(lambda: samples.write(run / records.SAMPLES))


def _common_options(spec: SearchSpec) -> dict[str, Any]:
    """What `TrainConfig` needs beside a trial's own parameters."""
    return {
        "model": searched_space(spec).model,
        "seed": spec.seed,
        "split_seed": spec.seed,
        "train_size": spec.train_size,
        "pretrained": spec.pretrained,
        "precision": spec.precision,
    }


def _identity(spec: SearchSpec) -> dict[str, Any]:
    """The part of the manifest that only a search has."""
    chosen = searched_space(spec)
    return {
        "kind": "search",
        "spec": {**spec.to_dict(), "fixed": recipe(str(spec.data))},
        "objective": {"name": spec.objective, "direction": METRICS[str(spec.objective)].direction},
        "seeds": [spec.seed],
        "space": chosen.to_dict(),
    }


def _opening(run: Path, spec: SearchSpec) -> str:
    journal, trials = Journal(run), counted(spec.trials, "trial")
    if done := len(journal.ended()):
        return f"continuing {run.name}: {done} of {trials} are done"
    if kept := begun(journal.lines):
        return f"continuing {run.name}: {kept}"
    return f"{run.name}: {trials} of {spec.space} on {spec.data}"
