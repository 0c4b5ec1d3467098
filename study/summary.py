"""What a finished run prints: a search's trials and its best, or verdicts; where the report is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from study import records
from study.metrics import METRICS
from study.words import counted, duration, figure, setting, short

if TYPE_CHECKING:
    from study.results import ExperimentResult, SearchResult

SHOWN = 10  # trials in the table


def print_search(console: Console, result: SearchResult, objective: str) -> None:
    """The best trials as a table of 80 columns, the counts and the report's path."""
    metric = METRICS[objective]
    ascending = metric.direction == "min"
    trials = result.trials.assign(done=result.trials["state"] == "completed").sort_values(
        ["done", objective], ascending=[False, ascending]
    )
    settings = [name for name in trials if name.startswith(records.CONFIG)]
    settings.remove(f"{records.CONFIG}epochs")  # stands beside those trained
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    names = [short(name.removeprefix(records.CONFIG)) for name in settings]
    for heading in ("trial", "state", "epochs", objective, *names):
        table.add_column(heading, justify="left" if heading == "state" else "right")
    for row in trials.head(SHOWN).to_dict("records"):
        table.add_row(
            str(row["trial"]),
            row["state"],
            f"{row['epoch']}/{row['epochs']}",
            figure(row[objective]),
            *(setting(row[name]) for name in settings),
            style="bold" if result.best and row["trial"] == result.best["trial"] else None,
        )
    console.print(table)
    if len(trials) > SHOWN:
        every = result.report.parent / "tables" / "trials.csv"
        more = Text(f"... and {len(trials) - SHOWN} more in {every}", style="dim")
        console.print(more, soft_wrap=True)
    counts = ", ".join(f"{n} {state}" for state, n in sorted(result.counts.items()))
    total, time = counted(len(trials), "trial"), duration(result.seconds)
    console.print(f"\n{total}: {counts}; {time} without start and report", highlight=False)
    print_best(console, result, objective)


def print_best(console: Console, result: SearchResult, objective: str) -> None:
    """The best trial in a line, and the report's path: all that --quiet shows."""
    if result.best is None:
        console.print("no trial finished its schedule, so there is no best one")
    else:
        best = Text("best  ", style="bold green")
        best.append(f"trial {result.best['trial']}  {objective} ", style="default")
        best.append(figure(result.best["metrics"][objective]), style="bold")
        best.append(_beside_the_defaults(result, objective), style="dim")
        console.print(best)
        if result.guess is not None and result.best["metrics"][objective] <= result.guess:
            always = "no better than always answering the most frequent class"
            console.print(f"note: that is {always} ({figure(result.guess)})", highlight=False)
    console.print(Text(f"report  {result.report}"), soft_wrap=True)


def _beside_the_defaults(result: SearchResult, objective: str) -> str:
    """ "; at the defaults (trial 0) 0.7100", where that is another trial, and has a value."""
    if not len(result.trials) or result.best is None or not result.best["trial"]:
        return ""
    first = result.trials[result.trials["trial"] == 0]
    if not first["state"].eq("completed").any():
        return ""
    return f"; at the defaults (trial 0) {figure(float(first[objective].iloc[0]))}"


def search_to_json(result: SearchResult) -> str:
    """One line: run id, directory, best trial, counts by state, seconds, report."""
    values: dict[str, Any] = {
        "run_id": result.run_id,
        "run_dir": str(result.run_dir),
        "best": result.best,
        "counts": result.counts,
        "seconds": round(result.seconds, 1),
        "report": str(result.report),
    }
    return json.dumps(records.plain(values), allow_nan=False)


def read_verdicts(result: ExperimentResult) -> list[dict[str, Any]]:
    """The verdicts as the report wrote them, see `analysis.verdicts.Verdict`."""
    path = result.report.with_name("verdicts.json")
    verdicts: list[dict[str, Any]] = json.loads(path.read_text())
    return verdicts


def print_experiment(
    console: Console, result: ExperimentResult, verdicts: list[dict[str, Any]]
) -> None:
    """Each claim with its verdict and one plain sentence, the counts, the report's path."""
    for verdict in verdicts:
        console.print(_verdict(verdict))
        console.print(Padding(Text(verdict["sentence"], style="italic"), (0, 0, 0, 2)))
        console.print(Padding(Text(verdict["plain"]), (0, 0, 0, 2)))
    counts = ", ".join(f"{n} {state}" for state, n in sorted(result.counts.items()))
    total, time = counted(len(result.trials), "training"), duration(result.seconds)
    console.print(f"\n{total}: {counts}; {time} without start and report", highlight=False)
    _print_end(console, result)


def print_verdicts(
    console: Console, result: ExperimentResult, verdicts: list[dict[str, Any]]
) -> None:
    """A line a claim, and the report's path: all that --quiet shows."""
    for verdict in verdicts:
        console.print(_verdict(verdict))
    _print_end(console, result)


def _verdict(verdict: dict[str, Any]) -> Text:
    line = Text(f"{verdict['verdict']:<13}", style=_VERDICT_STYLES[verdict["verdict"]])
    line.append(verdict["claim"], style="bold")
    refuted = verdict["verdict"] == "refuted"
    p = verdict.get("p_against_holm" if refuted else "p_holm")  # older files lack the first
    if p is not None:
        against = " against it" if refuted else ""
        line.append(f"  n {verdict['n']}, p{against} {p:.2g}", style="dim")
    return line


def _print_end(console: Console, result: ExperimentResult) -> None:
    if result.missing:
        cells = counted(result.missing, "cell is", "cells are")
        console.print(f"{cells} missing; the same command trains what is missing")
    console.print(Text(f"report  {result.report}"), soft_wrap=True)


def experiment_to_json(result: ExperimentResult, verdicts: list[dict[str, Any]]) -> str:
    """One line: run id, directory, verdicts, counts by state, seconds, report."""
    values = {
        "run_id": result.run_id,
        "run_dir": str(result.run_dir),
        "verdicts": verdicts,
        "counts": result.counts,
        "missing": result.missing,
        "seconds": round(result.seconds, 1),
        "report": str(result.report),
    }
    return json.dumps(records.plain(values), allow_nan=False)


_VERDICT_STYLES = {
    "supported": "bold green",
    "refuted": "bold red",
    "inconclusive": "bold yellow",
    "withheld": "bold magenta",
}
