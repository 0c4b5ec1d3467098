"""What the benchmarks' commands share: how they answer `-h`, and their common options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

_Command = Callable[..., Any]


def command(main: _Command) -> click.Command:
    """The command of a benchmark: as those of the study it takes -h, too."""
    settings = {"help_option_names": ["-h", "--help"], "show_default": True}
    return click.command(context_settings=settings | {"max_content_width": 80})(main)


json_option = click.option(
    "--json",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File for the table, and the machine it was made on.",
)


def rounds_option(default: int) -> Callable[[_Command], _Command]:
    """--rounds: what is compared is timed in turns, since a machine's speed drifts."""
    told = "Times that each is measured, in turns."
    return click.option("--rounds", type=click.IntRange(1), default=default, help=told)


def threads_option(default: int) -> Callable[[_Command], _Command]:
    """--threads, of torch."""
    return click.option("--threads", type=click.IntRange(1), default=default, help="Of torch.")
