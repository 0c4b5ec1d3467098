"""What --dry-run prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from study import records, session
from study.claims import Claim, cells
from study.decidability import corrected_minimum_p, decidability, untrained
from study.estimate import (
    CORE_MACS_PER_SECOND,
    UNIT,
    Images,
    estimate,
    slots_here,
    wall_seconds,
)
from study.experiment_plan import ExperimentSpec, experiment_id, tuned_conditions
from study.listing import dimensions
from study.nuisance import left_at_defaults
from study.place import run_directory
from study.plan import SearchSpec, epochs_cut, run_id, searched_space
from study.resources import Resources, available_cpus, may_have_gpus
from study.words import amount, counted, duration
from trainables.data import images_to_train_on
from trainables.errors import UserError
from trainables.plugins import Plugin
from trainables.storage import is_uri

COMPLETE = "complete: nothing would be trained"


def print_plan(
    console: Console,
    spec: SearchSpec,
    resources: Resources,
    storage: str,
    download: bool = False,
) -> dict[str, Any]:
    """What the same command without --dry-run would do; nothing is written.

    download: whether missing data would be fetched. Returns the same for programs, as
    `_for_programs` has it.
    """
    cpus = available_cpus()
    images, problems = _images(spec, download)
    cost = estimate(spec, images, resources, cpus)
    run = run_directory(storage, run_id(spec))
    problems += _storage(run, storage)
    state = _state(run, storage)
    space = searched_space(spec)
    rows = [
        ("run", run.name),
        ("directory", f"{_shown(run, storage)} ({state})"),
        ("space", f"{space.name}: {space.summary}"),
        ("data", f"{spec.data}, {_size(images)}"),
        ("objective", str(spec.objective)),
        ("trials", f"{spec.trials}, proposed by {spec.sampler}, the first at the defaults"),
        ("epochs", f"about {cost.epochs:.0f}, at most {cost.at_most} (scheduler {spec.scheduler})"),
        ("seed", str(spec.seed)),
        ("resources", _resources(resources, cost.slots, cpus)),
        ("time", _time(cost.seconds, images, state)),
        *_plugins(spec.plugins),
    ]
    _grid(console, rows)
    console.print(dimensions(space))
    if cut := epochs_cut(spec):
        console.print(f"note: {cut}", highlight=False)
    _warn(console, problems)
    return _for_programs(run, state, spec.trials, cost.epochs, cost.seconds, images)


def print_experiment(
    console: Console,
    spec: ExperimentSpec,
    resources: Resources,
    storage: str,
    download: bool = False,
) -> dict[str, Any]:
    """As `print_plan`, of an experiment."""
    cpus = available_cpus()
    planned = cells(spec.claims)
    slots = slots_here(resources, len(planned), cpus)
    epochs: Counter[str] = Counter()
    for cell in planned:
        epochs[cell.arm.model] += cell.budget
    tuned = tuned_conditions(spec)
    for arm, budget in tuned:
        epochs[arm.model] += budget * spec.tuning_trials
    images, problems = _images(spec, download)
    seconds = wall_seconds(dict(epochs), images, resources, slots, cpus)
    run = run_directory(storage, experiment_id(spec))
    problems += _storage(run, storage)
    state = _state(run, storage)
    smallest = corrected_minimum_p(spec.claims)
    shown = ", ".join(f"{count} of {model}" for model, count in epochs.items())
    if len(epochs) > 1:
        shown = f"{sum(epochs.values())}: {shown}"
    _grid(
        console,
        [
            ("run", run.name),
            ("directory", f"{_shown(run, storage)} ({state})"),
            ("claims", ", ".join(claim.id for claim in spec.claims)),
            ("data", f"{spec.data}, {_size(images)}"),
            ("parameters", _tuning(spec, len(tuned) * spec.tuning_trials)),
            ("cells", f"{len(planned)} trainings (arm x budget x seed), each once"),
            ("epochs", shown),
            ("resources", _resources(resources, slots, cpus)),
            ("time", _time(seconds, images, state)),
            (
                "smallest p",
                f"{max(smallest.values()):.3g} at best, corrected, for the hardest claim",
            ),
            *_plugins(spec.plugins),
        ],
    )
    _warn(console, problems)
    print_notes(console, spec.claims)
    trials = len(planned) + len(tuned) * spec.tuning_trials
    return _for_programs(run, state, trials, sum(epochs.values()), seconds, images)


def _images(spec: SearchSpec | ExperimentSpec, download: bool) -> tuple[Images, list[str]]:
    """What an epoch will go over, and what is wrong with the data as far as can be seen."""
    asked, problems, there = spec.train_size, [], None
    try:
        there = images_to_train_on(str(spec.data), spec.data_dir, download)
    except UserError as error:
        problems.append(str(error))
    if asked and there is not None and asked > there:
        problems.append(f"--train-size {asked}: only {there:,} images are left beside validation")
    return Images(asked or there, spec.image_size), problems


def _storage(run: Path, storage: str) -> list[str]:
    """What keeps a run from being written, where that can be seen without writing."""
    why = "" if is_uri(storage) else session.unwritable(run)
    return [session.not_written(storage, why)] if why else []


def _for_programs(
    run: Path, state: str, trials: int, epochs: float, seconds: float, images: Images
) -> dict[str, Any]:
    """The plan in plain values: run id, directory and its state, trials, epochs, seconds.

    seconds: None where the number of images is not known.
    """
    return {
        "run_id": run.name,
        "run_dir": str(run),
        "state": state,
        "trials": trials,
        "epochs": round(epochs),
        "seconds": None if images.count is None else 0 if state == COMPLETE else round(seconds),
    }


def print_notes(console: Console, claims: Sequence[Claim]) -> None:
    """What arithmetic says of claims, a line each: budgets and claims that nothing decides."""
    for note in untrained(claims):
        console.print(f"note: {note}", highlight=False)
    _warn(console, decidability(claims))


def _warn(console: Console, problems: list[str]) -> None:
    for problem in problems:
        console.print(Text(f"warning: {problem}", style="yellow"), highlight=False)


def _tuning(spec: ExperimentSpec, trials: int) -> str:
    if spec.tuned_by == records.MATCHED:
        tried = f"{spec.tuning_trials} candidates per arm and budget ({trials} trainings)"
        return f"{records.MATCHED}: {tried}"
    if spec.sources:
        best = "the best near each arm's epochs and strength, of "
        best += ", ".join(map(_source, spec.sources))
        left = left_at_defaults(spec)
        return f"{best}; none for {left}: the defaults there" if left else best
    return "the spaces' defaults, not tuned"


def _source(run: str) -> str:
    writes = not is_uri(run) and session.being_written(Path(run))
    return f"{Path(run).name} (still running: the best so far)" if writes else Path(run).name


def _plugins(plugins: tuple[Plugin, ...]) -> list[tuple[str, str]]:
    shown = ", ".join(f"{plugin.name} ({plugin.sha256[:12]})" for plugin in plugins)
    return [("plugins", shown)] if plugins else []


def _grid(console: Console, rows: list[tuple[str, str]]) -> None:
    table = Table.grid(padding=(0, 2))
    for name, value in rows:
        table.add_row(Text(name, style="dim"), Text(value))
    console.print(table)


def _size(images: Images) -> str:
    count = "all" if images.count is None else f"{images.count:,}"
    side = f" of {images.side}x{images.side}" if images.side else ""
    return f"{count} training images{side}"


def _state(run: Path, storage: str) -> str:
    """Of a stored run nothing: this machine's copy may be older, and asking takes seconds."""
    if is_uri(storage):
        return "not looked up in the bucket"
    if session.being_written(run):
        return "being written by another process: wait for it or stop it"
    if not (run / records.MANIFEST).exists():
        return "not started"
    status = records.read_manifest(run).status
    return COMPLETE if status == "complete" else "would be continued"


def _shown(run: Path, storage: str) -> str:
    """The run's place as it was asked for: the copy of a stored one is nobody's business."""
    return f"{storage.rstrip('/')}/{run.name}" if is_uri(storage) else str(run)


def _resources(resources: Resources, slots: int, cpus: int) -> str:
    if resources.joins:
        return f"the Ray cluster at {resources.joins}: as many trials at once as fit"
    workers = resources.workers_per_trial
    each = amount(resources.cpus_per_trial, "CPU")
    if resources.gpus_per_trial:
        each += f" and {amount(resources.gpus_per_trial, 'GPU')}"
    each += f" each, {workers} workers" if workers > 1 else " each"
    where = f"on {counted(cpus, 'CPU')} here"
    if may_have_gpus() and resources.gpus_per_trial != 0:
        return f"{each}, {where}; how many trials at once is known once Ray has counted the GPUs"
    return f"{counted(slots, 'trial')} at once, {each}, {where}"


def _time(seconds: float, images: Images, state: str) -> str:
    if state == COMPLETE:
        return "none: the same command shows the result"
    assumed = f"(assuming {CORE_MACS_PER_SECOND / 1e9:.0f}e9 multiply-adds/s a core, no GPU)"
    said = f"about {duration(seconds)}"
    if images.count is None:
        said += f" with {UNIT:,} training images; how many there are is known once they are read"
    return f"{said} {assumed}"
