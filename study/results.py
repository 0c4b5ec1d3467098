"""What a run left, read back from its directory: of a search, and of an experiment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study import cluster, records, run_tables
from study.best import best_trial
from study.claims_toml import recorded_claims
from study.journal import Journal
from study.metrics import guess, recorded
from study.place import Place
from trainables.config import CONFIRM
from trainables.errors import FAILED, UserError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class SearchResult:
    """What a search found.

    best: {"trial", "config", "metrics"} of the best completed trial, None without one.
    trials, epochs: the run's tables (columns: `study.records`). counts: trials by state.
    guess: the objective of always answering the most frequent class, where it has one.
    """

    run_id: str
    run_dir: Path
    best: dict[str, Any] | None
    trials: pd.DataFrame
    epochs: pd.DataFrame
    counts: dict[str, int]
    seconds: float
    report: Path
    guess: float | None = None


@dataclass(frozen=True)
class ExperimentResult:
    """What an experiment left: its tables (columns: `study.records`) and counts by state.

    missing: cells without a result, which withholds the verdicts that need them.
    """

    run_id: str
    run_dir: Path
    trials: pd.DataFrame
    epochs: pd.DataFrame
    counts: dict[str, int]
    missing: int
    seconds: float
    report: Path


def load_search(place: Place) -> SearchResult:
    """Read back what a finished or interrupted search left."""
    run = place.run
    manifest = records.read_manifest(run)
    metric = recorded(run / records.MANIFEST, manifest.objective)
    journal = Journal(run)
    epochs, trials = run_tables.from_journal(journal.lines)
    number = best_trial(journal, metric)
    best = None
    if number is not None:
        record = journal.epochs_of(number)[-1]
        metrics = {k: v for k, v in record.items() if k not in ("event", "trial", "diverged")}
        best = {"trial": number, "config": journal.configs()[number], "metrics": metrics}
    counts = trials["state"].value_counts().to_dict() if len(trials) else {}
    if not len(epochs):
        raise nothing_finished(place, journal)
    return SearchResult(
        run_id=manifest.run_id,
        run_dir=run,
        best=best,
        trials=trials,
        epochs=epochs,
        counts={str(k): int(v) for k, v in counts.items()},
        seconds=manifest.seconds,
        report=run / records.REPORT / "index.html",
        guess=guess(metric.name, (manifest.data.get("class_counts") or {}).get("val") or []),
    )


def load_experiment(place: Place) -> ExperimentResult:
    """Read back what a finished or interrupted experiment left."""
    run = place.run
    manifest = records.read_manifest(run)
    journal = Journal(run)
    epochs, trials = run_tables.from_journal(journal.lines)
    if not len(epochs):
        raise nothing_finished(place, journal)
    claims = recorded_claims(run / records.MANIFEST, manifest.spec)
    cells = trials[trials[f"{records.CONFIG}phase"] == CONFIRM]
    needed = {cell for claim in claims for cell in claim.cells()}
    return ExperimentResult(
        run_id=manifest.run_id,
        run_dir=run,
        trials=trials,
        epochs=epochs,
        counts={str(k): int(v) for k, v in trials["state"].value_counts().items()},
        missing=len(needed) - int(cells["state"].isin(["completed", "diverged"]).sum()),
        seconds=manifest.seconds,
        report=run / records.REPORT / "index.html",
    )


def nothing_finished(place: Place, journal: Journal) -> UserError:
    """The error for a run without a single epoch, with what its trials raised."""
    run = place.run
    raised = next((line["error"] for line in journal.lines if line["event"] == "error"), None)
    why = f"the first error was {raised}" if raised else f"see {run / cluster.LOG}"
    where = f"both {run} and {place.shared}" if place.shared.remote else str(run)
    return UserError(
        f"{run}: no trial finished an epoch; {why}. Mend it, delete {where} and run again", FAILED
    )
