"""The command of the controlled experiment: `python -m study.confirm`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from study import cli, exits
from study.claims import CLAIMS, Claim, by_task, load_claims, overridden, select
from study.metrics import OBJECTIVES
from study.resources import Resources
from study.rules import require_whole
from trainables.data import CLASSIFICATION
from trainables.errors import FAILED, UserError
from trainables.storage import is_uri

if TYPE_CHECKING:
    from rich.console import Console

    from study.experiment_plan import ExperimentSpec


def _refuse_space(context: click.Context, option: click.Parameter, name: str | None) -> None:
    if name is not None:
        raise click.UsageError(
            "no such option --space: an experiment takes --claims (a space is study.run's)"
        )


@click.command(context_settings=cli.CONTEXT)
@click.argument("unnamed", nargs=-1, metavar="")
@click.option("--space", hidden=True, expose_value=False, callback=_refuse_space)
@click.option(
    "--claims",
    "chosen",
    multiple=True,
    metavar="IDS|FILE",
    help="Claims by id, with commas; classification or segmentation for all about it; a TOML "
    "file of your own. May be repeated  [default: classification].",
)
@click.option("--list", "show_list", is_flag=True, help="Show the claims and exit.")
@click.option("--dry-run", is_flag=True, help="Show the plan and exit; nothing is written.")
@click.option("--budgets", metavar="S,L", help="Epochs, short to long  [default: the claims'].")
@click.option("--seeds", type=int, help="Paired seeds  [default: the claims'].")
@click.option(
    "--from",
    "sources",
    multiple=True,
    metavar="RUN",
    help="Search run, by its directory or URI: each arm at each budget takes the parameters of the "
    "best trial of its model with epochs and strength near its own.",
)
@click.option("--no-tune", is_flag=True, help="Take the spaces' defaults for nuisance parameters.")
@click.option(
    "--tuning-trials",
    type=int,
    help="Candidates per arm and budget in the matched search  [default: 2].",
)
@cli.plugin_option
@cli.data_options
@cli.model_options
@cli.resource_options
@cli.output_options
def main(
    unnamed: tuple[str, ...],
    chosen: tuple[str, ...],
    show_list: bool,
    dry_run: bool,
    output: cli.Output,
    resources: Resources,
    download: bool,
    **asked: Any,
) -> int:
    """Confirm or refute claims by a controlled experiment with paired seeds.

    Every arm trains at every budget from the same seeds, without early stopping; the
    test set is evaluated once, at the end of each training. The same command again
    continues an interrupted experiment.
    """
    from study import dry_run as plans

    cli.refuse(unnamed, "--claims")
    console = cli.console()
    if show_list:
        from study import listing

        listing.print_claims(console, _claims(chosen) if chosen else tuple(CLAIMS.values()))
        return 0
    spec = _spec(_claims(chosen or (CLASSIFICATION,)), **asked)
    from study.experiment import check

    check(spec, resources, download)
    if dry_run:
        plan = plans.print_experiment(console, spec, resources, output.storage, download)
        if output.json:
            print(json.dumps(plan))
        return 0
    if not output.quiet:
        plans.print_notes(console, spec.claims)
    return _run(console, spec, resources, output, download)


def _spec(
    claims: tuple[Claim, ...],
    budgets: str | None,
    seeds: int | None,
    no_tune: bool,
    tuning_trials: int | None,
    sources: tuple[str, ...],
    **options: Any,
) -> ExperimentSpec:
    """The experiment that the options ask for; UserError where they contradict each other."""
    from study.experiment_plan import ExperimentSpec

    require_whole("--seeds", seeds, 2)
    spec = ExperimentSpec(
        claims=overridden(claims, _budgets(budgets), seeds),
        tuning_trials=0 if no_tune or sources else _candidates(tuning_trials),
        sources=tuple(run if is_uri(run) else str(Path(run).resolve()) for run in sources),
        **options,
    )
    if sources and (no_tune or tuning_trials is not None):
        raise UserError("--from says where parameters come from: leave out what tunes them")
    return spec


def _run(
    console: Console, spec: ExperimentSpec, resources: Resources, output: cli.Output, download: bool
) -> int:
    """Run the experiment and print what came out; the exit code."""
    from study import summary
    from study.experiment import experiment

    result = experiment(
        spec,
        output.storage,
        resources,
        download=download,
        wandb=output.wandb,
        quiet=output.quiet,
        console=console,
    )
    verdicts = summary.read_verdicts(result)
    if not output.quiet:
        summary.print_experiment(console, result, verdicts)
    elif not output.json:
        summary.print_verdicts(console, result, verdicts)
    if output.json:
        print(summary.experiment_to_json(result, verdicts))
    return FAILED if result.missing else 0


def _claims(chosen: tuple[str, ...]) -> tuple[Claim, ...]:
    """The claims of all that --claims names; one UserError with a line for each problem."""
    found: dict[str, Claim] = {}
    problems: list[str] = []
    for one in chosen:
        for part in [one] if Path(one).is_file() else one.split(","):
            try:
                claims = _named(part.strip())
            except UserError as error:
                problems += str(error).splitlines()
                continue
            others = [claim.id for claim in claims if found.setdefault(claim.id, claim) != claim]
            problems += [f"--claims: two different claims have the id {id!r}" for id in others]
    if problems:
        raise UserError("\n".join(problems))
    return tuple(found.values())


def _named(part: str) -> tuple[Claim, ...]:
    if part in OBJECTIVES:  # the tasks
        return by_task(part)
    if part.endswith(".toml") or Path(part).is_file():
        return tuple(load_claims(Path(part)).values())
    return select([part], also=OBJECTIVES, more=" (or name a .toml file)")


def _candidates(tuning_trials: int | None) -> int:
    return 2 if tuning_trials is None else tuning_trials


def _budgets(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UserError(f"--budgets must be whole numbers with commas, got {text!r}") from None


if __name__ == "__main__":
    exits.start(main, "study.confirm")
