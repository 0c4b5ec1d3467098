"""What the commands share: options, one-line errors, exit codes."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from study.plugins import load
from study.resources import Resources
from study.tracking import AUTO, MODES
from trainables.config import PRECISIONS

if TYPE_CHECKING:
    from rich.console import Console

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 80}

Command = Callable[..., Any]


@dataclass(frozen=True)
class Output:
    """Where a run goes and how much it says."""

    storage: str
    wandb: str
    quiet: bool
    json: bool


def plugin_option(command: Command) -> Command:
    """--plugin, loaded before anything is looked up, passed on as `plugins`."""

    @functools.wraps(command)
    def wrapper(plugins: tuple[str, ...], **rest: Any) -> Any:
        return command(plugins=load(plugins), **rest)

    return click.option(
        "--plugin",
        "plugins",
        multiple=True,
        metavar="MODULE",
        help="Module or .py file with models, data or spaces of your own: is executed.",
    )(wrapper)


def data_options(command: Command) -> Command:
    """--data, --data-dir, --download, --train-size, --image-size."""
    for option in reversed(
        (
            click.option("--data", metavar="NAME", help="Data set  [default: the space's]."),
            click.option("--data-dir", metavar="PATH", help="Folder with the data set's files."),
            click.option("--download", is_flag=True, help="Fetch the data set if it is missing."),
            click.option(
                "--train-size", type=int, help="Images to train on  [default: the data set's]."
            ),
            click.option(
                "--image-size",
                type=int,
                help="Side that scenes are scaled to  [default: the data set's].",
            ),
        )
    ):
        command = option(command)
    return command


def model_options(command: Command) -> Command:
    """--pretrained, --precision."""
    command = click.option(
        "--precision",
        default="auto",
        show_default=True,
        help=f"{', '.join(PRECISIONS)}; auto: bf16 where the hardware multiplies it.",
    )(command)
    return click.option("--pretrained", is_flag=True, help="Start from ImageNet weights.")(command)


def resource_options(command: Command) -> Command:
    """What a trial gets and where it runs, passed on as one `resources` argument."""

    @functools.wraps(command)
    def wrapper(
        concurrency: int | None,
        cpus_per_trial: float,
        gpus_per_trial: float | None,
        workers_per_trial: int,
        address: str | None,
        **rest: Any,
    ) -> Any:
        resources = Resources(
            concurrency, cpus_per_trial, gpus_per_trial, workers_per_trial, address
        )
        return command(resources=resources, **rest)

    for option in reversed(
        (
            click.option("--concurrency", type=int, help="Trials at once  [default: what fits]."),
            click.option(
                "--cpus-per-trial",
                type=float,
                default=1.0,
                show_default=True,
                help="Of each worker of a trial; fractions share a core.",
            ),
            click.option(
                "--gpus-per-trial",
                type=float,
                help="Of each worker of a trial; fractions share a GPU  [default: 1 where there is "
                "one].",
            ),
            click.option(
                "--workers-per-trial",
                type=int,
                default=1,
                show_default=True,
                help="2 or more train a trial together, through Ray Train.",
            ),
            click.option("--address", help="Ray cluster to join  [default: start one here]."),
        )
    ):
        wrapper = option(wrapper)
    return wrapper


def output_options(command: Command) -> Command:
    """Where it goes and what is shown, passed on as one `output` argument."""

    @functools.wraps(command)
    def wrapper(
        storage: str, wandb: str, quiet: bool, as_json: bool, debug: bool, **rest: Any
    ) -> Any:
        return command(output=Output(storage, wandb, quiet, as_json), **rest)

    for option in reversed(
        (
            click.option(
                "--storage",
                default="runs",
                show_default=True,
                metavar="PATH|URI",
                help="Folder of runs, or s3://bucket/prefix, gs://bucket/prefix.",
            ),
            click.option("--name", help="Readable part of the run id."),
            click.option(
                "--wandb",
                type=click.Choice(MODES),
                default=AUTO,
                show_default=True,
                help="Weights & Biases; auto: online where a key is configured.",
            ),
            click.option("--quiet", is_flag=True, help="Show no progress, only the result."),
            click.option("--json", "as_json", is_flag=True, help="End with one JSON line."),
            click.option("--debug", is_flag=True, help="Show tracebacks."),
        )
    ):
        wrapper = option(wrapper)
    return wrapper


def refuse(unnamed: tuple[str, ...], option: str) -> None:
    """UsageError for words without an option, with the one that was probably meant."""
    if unnamed:
        raise click.UsageError(f"unexpected {unnamed[0]!r}: did you mean {option} {unnamed[0]}?")


def console() -> Console:
    """The terminal; 80 columns where it is none, so that logs fold the same everywhere."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 80)
