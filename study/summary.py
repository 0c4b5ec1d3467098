"""What a finished search prints: a table, the best trial, where the report is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from study import records
from study.display import clock, describe
from study.metrics import METRICS

if TYPE_CHECKING:
    from study.explore import SearchResult

SHOWN = 10  # trials in the table


def print_search(console: Console, result: SearchResult, objective: str) -> None:
    """The best trials as a table of 80 columns, the counts and the report's path."""
    metric = METRICS[objective]
    ascending = metric.direction == "min"
    trials = result.trials.assign(done=result.trials["state"] == "completed").sort_values(
        ["done", objective], ascending=[False, ascending]
    )
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("trial", "state", "epochs", objective, "configuration"):
        table.add_column(heading, justify="right" if heading in ("trial", objective) else "left")
    for row in trials.head(SHOWN).to_dict("records"):
        config = {k.removeprefix("config."): v for k, v in row.items() if k.startswith("config.")}
        config.pop("epochs")
        table.add_row(
            str(row["trial"]),
            row["state"],
            f"{row['epoch']}/{row['epochs']}",
            f"{row[objective]:.4f}",
            describe(config),
            style="bold" if result.best and row["trial"] == result.best["trial"] else None,
        )
    console.print(table)
    if len(trials) > SHOWN:
        console.print(f"... and {len(trials) - SHOWN} more in {records.TRIALS}", style="dim")
    counts = ", ".join(f"{n} {state}" for state, n in sorted(result.counts.items()))
    console.print(f"\n{len(trials)} trials: {counts}; {clock(result.seconds)}", highlight=False)
    if result.best is None:
        console.print("no trial finished its schedule, so there is no best one")
    else:
        best = Text("best  ", style="bold green")
        best.append(f"trial {result.best['trial']}  {objective} ", style="default")
        best.append(f"{result.best['metrics'][objective]:.4f}", style="bold")
        console.print(best)
    console.print(Text(f"report  {result.report}"), soft_wrap=True)


def to_json(result: SearchResult) -> str:
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
