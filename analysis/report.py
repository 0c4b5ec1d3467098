"""Runs in, one self-contained HTML report out: `python -m analysis.report RUN ... --out DIR`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from study import exits
from study.words import counted
from trainables.errors import FAILED, UserError

if TYPE_CHECKING:
    from analysis.load import Run
    from analysis.page import Section
    from analysis.tune import TuneRun
    from analysis.verdicts import Verdict


def write_report(runs: Sequence[Path | str], out_dir: Path | str) -> Path:
    """Write the report of one or more runs into `out_dir`; the path of its `index.html`.

    A run in an object store is named by its URI. Searches, experiments and plain Ray Tune
    directories mix; experiments stand first, and what differs between runs last.
    Beside the page every figure lies in `figures/` (PNG, SVG) and every table in `tables/`
    (CSV, Markdown, LaTeX), and where exactly one experiment is among the runs, its
    `verdicts.json`. An earlier report's files in `out_dir` are deleted once the new one is
    there, and no other file. Runs are shown side by side and never pooled. Raises UserError
    for a run that cannot be read and for a directory that cannot be written.
    """
    from analysis import comparison
    from analysis.folder import INDEX, replaced
    from analysis.load import load_run
    from analysis.page import distinct, write_page
    from analysis.tune import read_tune
    from analysis.tune import section as tune_section
    from study.stored import readable

    paths = list(dict.fromkeys(readable(run).resolve() for run in runs))
    if not paths:
        raise UserError("name at least one run directory")
    foreign = [path for path in paths if _is_foreign(path)]
    loaded = [load_run(path) for path in paths if path not in foreign]
    plain_tune = [read_tune(path) for path in foreign]
    found, verdicts = _sections(loaded)
    compared = comparison.section(loaded) if len(loaded) > 1 else None
    last = [compared] if compared else []
    sections = distinct([*found, *map(tune_section, plain_tune), *last])
    out = Path(out_dir)
    try:
        with replaced(out) as fresh:
            if len(verdicts) == 1:
                from analysis.experiment.judged import write_verdicts

                write_verdicts(verdicts[0], fresh)
            write_page(_title(loaded, plain_tune), sections, fresh, prefixed=len(paths) > 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"cannot write the report to {out}: {reason}", FAILED) from error
    return out / INDEX


def _sections(runs: list[Run]) -> tuple[list[Section], list[list[Verdict]]]:
    """Sections in the page's order, and the verdicts of every experiment."""
    from analysis import search

    sections, verdicts = _experiments([run for run in runs if run.manifest.kind == "experiment"])
    searches = [run for run in runs if run.manifest.kind == "search"]
    return sections + [search.section(run) for run in searches], verdicts


def _experiments(runs: list[Run]) -> tuple[list[Section], list[list[Verdict]]]:
    if not runs:
        return [], []  # the statistics take seconds to import, which searches do without
    from analysis.experiment.cells import read_experiment
    from analysis.experiment.section import section, verdicts_of

    experiments = [read_experiment(run) for run in runs]
    verdicts = [verdicts_of(experiment) for experiment in experiments]
    return [section(e, v) for e, v in zip(experiments, verdicts, strict=True)], verdicts


def _is_foreign(path: Path) -> bool:
    """Whether it is a Ray Tune experiment without this project's manifest."""
    from analysis.tune import is_tune_directory
    from study.records import MANIFEST

    return not (path / MANIFEST).exists() and is_tune_directory(path)


def _title(runs: list[Run], foreign: list[TuneRun]) -> str:
    from analysis import text

    if len(runs) + len(foreign) > 1:
        kinds = [run.manifest.kind for run in runs]
        counts = [
            counted(count, singular, plural)
            for count, singular, plural in (
                (kinds.count("experiment"), "experiment", ""),
                (kinds.count("search"), "search", "searches"),
                (len(foreign), "Ray Tune directory", "Ray Tune directories"),
            )
            if count
        ]
        return f"Report of {text.listed(counts)}"
    if foreign:
        return f"Ray Tune experiment {foreign[0].path.name}"
    manifest = runs[0].manifest
    if manifest.kind == "experiment":
        return f"Verdicts on {runs[0].data}"
    return f"{manifest.space.get('name', manifest.run_id)} on {runs[0].data}"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("runs", metavar="RUN [RUN ...]", nargs=-1, required=True, type=click.Path())
@click.option("--out", metavar="DIR", type=click.Path(), help="Folder to write it to; needed.")
@click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")
def main(runs: tuple[str, ...], out: str | None) -> None:
    """Write one self-contained HTML report of the given run directories."""
    if out is None:
        raise click.UsageError("--out DIR is needed, the folder to write to: --out report, say")
    click.echo(write_report(runs, out))


if __name__ == "__main__":
    exits.start(main, "analysis.report")
