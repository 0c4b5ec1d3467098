"""What --list and --dry-run print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from study import domains, records
from study.claims import Claim, cells
from study.decidability import corrected_minimum_p, decidability
from study.estimate import (
    CORE_MACS_PER_SECOND,
    Images,
    estimate,
    images_of,
    slots_here,
    wall_seconds,
)
from study.experiment_plan import ExperimentSpec, experiment_id, tuned_conditions
from study.nuisance import left_at_defaults
from study.place import run_directory
from study.plan import SearchSpec, run_id, searched_space
from study.resources import Resources, available_cpus
from study.spaces import SPACES, Space
from study.words import amount, counted, duration, epochs_of, sized
from trainables.data import DATASETS
from trainables.models import MODELS
from trainables.plugins import Plugin
from trainables.storage import is_uri


def print_spaces(console: Console) -> None:
    """A table of the spaces, with one row a dimension, then the data sets."""
    for space in SPACES.values():
        title = Text(space.name, style="bold")
        title.append(f"  {space.summary}", style="default")
        console.print(title)
        model = MODELS[space.model]
        console.print(f"  model {model.name} ({model.parameters:,} parameters), data {space.data}")
        console.print(Text(f"  {model.summary}", style="dim"))
        console.print(_dimensions(space))
    console.print(Text("data sets (--data)", style="bold"))
    table = Table(box=None, padding=(0, 2), show_header=False)
    for name, entry in DATASETS.items():
        table.add_row(name, entry.summary)
    console.print(table)


def _dimensions(space: Space) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 2))
    for heading in ("dimension", "range", "scale", "role", "default"):
        table.add_column(heading, header_style="dim")
    for name, domain in space.dimensions.items():
        if isinstance(domain, (domains.Float, domains.Int)):
            scale = "log" if domain.log else "linear"
        else:
            scale = type(domain).__name__.lower()
        default = domain.default
        shown = f"{default:g}" if isinstance(default, float) else str(default)
        table.add_row(name, domains.describe(domain), scale, domain.role, shown)
    return table


def print_plan(
    console: Console, spec: SearchSpec, resources: Resources, storage: str
) -> dict[str, Any]:
    """What the same command without --dry-run would do; nothing is written.

    Returns the same for programs, as `_for_programs` has it.
    """
    cpus = available_cpus()
    cost = estimate(spec, resources, cpus)
    run = run_directory(storage, run_id(spec))
    space = searched_space(spec)
    rows = [
        ("run", run_id(spec)),
        ("directory", f"{run} ({_state(run, storage)})"),
        ("space", f"{space.name}: {space.summary}"),
        ("data", f"{spec.data}, {_size(spec.train_size, spec.image_size)}"),
        ("objective", str(spec.objective)),
        ("trials", f"{spec.trials}, proposed by {spec.sampler}, the first at the defaults"),
        ("epochs", f"about {cost.epochs:.0f}, at most {cost.at_most} (scheduler {spec.scheduler})"),
        ("seed", str(spec.seed)),
        ("resources", _resources(resources, cost.slots, cpus)),
        ("time", _time(cost.seconds, cost.images)),
        *_plugins(spec.plugins),
    ]
    _grid(console, rows)
    console.print(_dimensions(space))
    return _for_programs(run, storage, spec.trials, cost.epochs, cost.seconds)


def print_claims(console: Console, claims: Iterable[Claim]) -> None:
    """Each claim: its sentence, and how and on what it is decided."""
    for claim in claims:
        console.print(Text(claim.id, style="bold"))
        console.print(Padding(Text(claim.sentence), (0, 0, 0, 2)))
        how = Text(f"{_rule(claim)}; {claim.seeds} seeds, alpha {claim.alpha:g}", style="dim")
        console.print(Padding(how, (0, 0, 0, 2)))


def _rule(claim: Claim) -> str:
    """What has to be seen for the claim to be supported, by its rule."""
    labels = [arm.label for arm in claim.arms]
    name, short, long = claim.metric, claim.budgets[0], claim.budgets[-1]
    effect = sized(claim.smallest_effect, claim.unit)
    least = f"{claim.direction} by {effect} or more"
    if claim.decided_by == "ordered_trend":
        (at,) = claim.decisive_budgets
        moves = "rises" if claim.direction == "higher" else "falls"
        over = ", ".join(labels)
        return f"ordered trend over {over}: {name} {moves} by {effect} or more at {epochs_of([at])}"
    pair = " against ".join(labels)
    if claim.decided_by == "crossover":
        return (
            f"crossover, {pair}: {name} not {least} at {epochs_of([short])}, and "
            f"{claim.direction} by that at {long}"
        )
    (at,) = claim.decisive_budgets
    return f"paired difference, {pair}: {name} {least} at {epochs_of([at])}"


def print_experiment(
    console: Console, spec: ExperimentSpec, resources: Resources, storage: str
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
    images = images_of(spec.train_size, spec.image_size)
    seconds = wall_seconds(dict(epochs), images, resources, slots, cpus)
    run = run_directory(storage, experiment_id(spec))
    smallest = corrected_minimum_p(spec.claims)
    shown = ", ".join(f"{count} of {model}" for model, count in epochs.items())
    if len(epochs) > 1:
        shown = f"{sum(epochs.values())}: {shown}"
    _grid(
        console,
        [
            ("run", run.name),
            ("directory", f"{run} ({_state(run, storage)})"),
            ("claims", ", ".join(claim.id for claim in spec.claims)),
            ("data", f"{spec.data}, {_size(spec.train_size, spec.image_size)}"),
            ("parameters", _tuning(spec, len(tuned) * spec.tuning_trials)),
            ("cells", f"{len(planned)} trainings (arm x budget x seed), each once"),
            ("epochs", shown),
            ("resources", _resources(resources, slots, cpus)),
            ("time", _time(seconds, images)),
            (
                "smallest p",
                f"{max(smallest.values()):.3g} at best, corrected, for the hardest claim",
            ),
            *_plugins(spec.plugins),
        ],
    )
    for note in _untrained(spec.claims):
        console.print(note, highlight=False)
    print_warnings(console, spec.claims)
    trials = len(planned) + len(tuned) * spec.tuning_trials
    return _for_programs(run, storage, trials, sum(epochs.values()), seconds)


def _for_programs(
    run: Path, storage: str, trials: int, epochs: float, seconds: float
) -> dict[str, Any]:
    """The plan in plain values: run id, directory and its state, trials, epochs, seconds."""
    return {
        "run_id": run.name,
        "run_dir": str(run),
        "state": _state(run, storage),
        "trials": trials,
        "epochs": round(epochs),
        "seconds": round(seconds),
    }


def _untrained(claims: Sequence[Claim]) -> Iterator[str]:
    """A line, where there are budgets of claims that none is decided at."""
    named = {budget for claim in claims for budget in claim.budgets}
    if left := sorted(named - {cell.budget for cell in cells(claims)}):
        they = "it is" if len(left) == 1 else "they are"
        yield f"{epochs_of(left)}: no claim is decided there, so {they} not trained"


def print_warnings(console: Console, claims: Sequence[Claim]) -> None:
    """A line for the claims that no outcome can decide, and what would change that."""
    for warning in decidability(claims):
        console.print(Text(f"warning: {warning}", style="yellow"), highlight=False)


def _tuning(spec: ExperimentSpec, trials: int) -> str:
    if spec.tuned_by == records.MATCHED:
        tried = f"{spec.tuning_trials} candidates per arm and budget ({trials} trainings)"
        return f"{records.MATCHED}: {tried}"
    if spec.sources:
        best = f"the best of {', '.join(Path(path).name for path in spec.sources)}"
        left = left_at_defaults(spec)
        return f"{best}; none for {left}: the defaults there" if left else best
    return "the spaces' defaults, not tuned"


def _plugins(plugins: tuple[Plugin, ...]) -> list[tuple[str, str]]:
    shown = ", ".join(f"{plugin.name} ({plugin.sha256[:12]})" for plugin in plugins)
    return [("plugins", shown)] if plugins else []


def _grid(console: Console, rows: list[tuple[str, str]]) -> None:
    table = Table.grid(padding=(0, 2))
    for name, value in rows:
        table.add_row(Text(name, style="dim"), value)
    console.print(table)


def _size(train_size: int | None, image_size: int | None) -> str:
    count = f"{train_size:,}" if train_size else "all"
    side = f" of {image_size}x{image_size}" if image_size else ""
    return f"{count} training images{side}"


def _state(run: Path, storage: str) -> str:
    """Of a stored run nothing: this machine's copy may be older, and asking takes seconds."""
    if is_uri(storage):
        return "not looked up in the bucket"
    if not (run / records.MANIFEST).exists():
        return "not started"
    status = records.read_manifest(run).status
    return "complete: nothing would be trained" if status == "complete" else "would be continued"


def _resources(resources: Resources, slots: int, cpus: int) -> str:
    if resources.address:
        return f"the Ray cluster at {resources.address}: as many trials at once as fit"
    workers = resources.workers_per_trial
    each = f"{amount(resources.cpus_per_trial, 'CPU')} each"
    each += f", {workers} workers" if workers > 1 else ""
    return f"{counted(slots, 'trial')} at once, {each}, on {counted(cpus, 'CPU')} here"


def _time(seconds: float, images: Images) -> str:
    assumed = f"{CORE_MACS_PER_SECOND / 1e9:.0f}e9 multiply-adds/s a core, no GPU"
    said = f"about {duration(seconds)} (assuming {assumed})"
    if not images.assumed:
        return said
    return (
        f"{said}, if there are {images.count:,} training images; how many is known once they are "
        "read"
    )
