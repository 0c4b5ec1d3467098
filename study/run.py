"""The command of the search: `python -m study.run --space resnet18_aug`."""

from __future__ import annotations

import json
from typing import Any

import click

from study import cli, exits
from study.metrics import OBJECTIVES
from study.plan import SAMPLERS, SCHEDULERS, SearchSpec
from study.resources import Resources
from trainables.errors import FAILED


@click.command(context_settings=cli.CONTEXT)
@click.argument("unnamed", nargs=-1, metavar="")
@click.option("--space", metavar="NAME", help="Search space; --list shows them.")
@click.option("--list", "show_list", is_flag=True, help="Show the search spaces and exit.")
@click.option("--dry-run", is_flag=True, help="Show the plan and exit; nothing is written.")
@cli.plugin_option
@cli.data_options
@click.option(
    "--trials", type=int, default=SearchSpec.trials, show_default=True, help="Trials to run."
)
@click.option("--max-epochs", type=int, help="Longest schedule  [default: the space's].")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything random.")
@click.option(
    "--objective",
    help=f"What to optimise: {', '.join(OBJECTIVES['segmentation'])}  [default: val_accuracy; "
    "of a segmentation val_miou].",
)
@click.option("--sampler", default="tpe", show_default=True, help=" or ".join(SAMPLERS) + ".")
@click.option("--scheduler", default="asha", show_default=True, help=" or ".join(SCHEDULERS) + ".")
@cli.model_options
@cli.resource_options
@cli.output_options
def main(
    unnamed: tuple[str, ...],
    space: str | None,
    show_list: bool,
    dry_run: bool,
    output: cli.Output,
    resources: Resources,
    download: bool,
    **options: Any,
) -> int:
    """Search learning rate, epochs and augmentation strength of a model.

    Ray Tune runs the trials, Optuna proposes them, ASHA stops the hopeless ones; the
    run directory ends with tables, the best weights and a report with pictures. The
    same command again continues an interrupted run.
    """
    console = cli.console()
    if show_list:
        from study import listing

        listing.print_spaces(console)
        return 0
    cli.refuse(unnamed, "--space")
    if space is None:
        raise click.UsageError("--space NAME is needed; --list shows the spaces")
    spec = SearchSpec(space=space, **options)
    from study.explore import check, search

    check(spec, resources, download)
    if dry_run:
        from study import dry_run as plans

        plan = plans.print_plan(console, spec, resources, output.storage, download)
        if output.json:
            print(json.dumps(plan))
        return 0
    from study import summary

    result = search(
        spec,
        output.storage,
        resources,
        download=download,
        wandb=output.wandb,
        quiet=output.quiet,
        console=console,
    )
    if not output.quiet:
        summary.print_search(console, result, str(spec.objective))
    elif not output.json:
        summary.print_best(console, result, str(spec.objective))
    if output.json:
        print(summary.search_to_json(result))
    return FAILED if "failed" in result.counts else 0


if __name__ == "__main__":
    exits.start(main, "study.run")
