"""Runs in, one self-contained HTML report out: `python -m analysis.report RUN ... --out DIR`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trainables.errors import FAILED, UserError

if TYPE_CHECKING:
    from analysis.load import Run
    from analysis.page import Section


def write_report(runs: Sequence[Path | str], out_dir: Path | str) -> Path:
    """Write the report of one or more runs into `out_dir`; the path of its `index.html`.

    Beside it every figure lies in `figures/` (PNG, SVG) and every table in `tables/` (CSV,
    Markdown, LaTeX). Runs are shown side by side and never pooled. Raises UserError for a
    run that cannot be read and for a directory that cannot be written.
    """
    from analysis.load import load_run
    from analysis.page import write_page

    paths = list(dict.fromkeys(Path(run).resolve() for run in runs))
    if not paths:
        raise UserError("name at least one run directory")
    loaded = [load_run(path) for path in paths]
    out = Path(out_dir)
    try:
        return write_page(_title(loaded), _sections(loaded), out, prefixed=len(loaded) > 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"cannot write the report to {out}: {reason}", FAILED) from error


def _sections(runs: list[Run]) -> list[Section]:
    from analysis import comparison, search

    for run in runs:
        if run.manifest.kind != "search":
            raise UserError(
                f"{run.path} is an {run.manifest.kind}: only searches can be reported", FAILED
            )
    sections = [search.section(run) for run in runs]
    if len(runs) > 1:
        sections.insert(0, comparison.section(runs, sections))
    return sections


def _title(runs: list[Run]) -> str:
    if len(runs) > 1:
        return f"Report of {len(runs)} searches"
    space = runs[0].manifest.space
    return f"{space.get('name', runs[0].manifest.run_id)} on {runs[0].data}"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("runs", metavar="RUN [RUN ...]", nargs=-1, required=True, type=click.Path())
@click.option("--out", required=True, metavar="DIR", type=click.Path(), help="Where to write it.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(runs: tuple[str, ...], out: str, debug: bool) -> None:
    """Write one self-contained HTML report of the given run directories."""
    try:
        click.echo(write_report(runs, out))
    except UserError as error:
        if debug:
            raise
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
