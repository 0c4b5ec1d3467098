"""A run directory read into memory: the manifest and two tidy tables."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from analysis import text
from analysis.check import table_problems
from analysis.task import Task, task_of
from study import journal_file, records, run_tables
from study.arms import STRENGTH
from study.domains import Choice, Domain, from_json
from study.metrics import METRICS, Metric
from trainables.errors import FAILED, UserError

if TYPE_CHECKING:
    import pandas as pd

# What a report cannot do without; other columns may come with later versions.
_METRICS = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "val_f1")
KINDS = ("search", "experiment")
_EPOCH_COLUMNS = ("trial", "epoch", *_METRICS)
_TRIAL_COLUMNS = ("trial", "state", "epoch", "seconds", "error", *_METRICS)


@dataclass(frozen=True)
class Run:
    """One run as it lies on disk, finished or not.

    epochs: one row an epoch (records.EPOCH_COLUMNS and one `config.*` a dimension).
    trials: one row a trial (records.TRIAL_COLUMNS, its last epoch's metrics, `config.*`).
    dimensions: the search space by name, in the manifest's order.
    objective: the metric with the *stored* direction, never one guessed from its name.
    """

    path: Path
    manifest: records.Manifest
    epochs: pd.DataFrame
    trials: pd.DataFrame
    dimensions: dict[str, Domain]
    objective: Metric

    @property
    def data(self) -> str:
        """Name of the data set."""
        return str(self.manifest.data.get("name", "unnamed data"))

    @property
    def classes(self) -> list[str]:
        """Names of the classes, or their numbers where the manifest has none."""
        data = self.manifest.data
        found = data.get("classes")
        if isinstance(found, list):
            return [str(name) for name in found]
        count = len(next(iter((data.get("class_counts") or {}).values()), []))
        return [str(number) for number in range(count)]

    @property
    def task(self) -> Task:
        """What its labels are, and what the report says differently because of that."""
        return task_of(self.manifest.data)

    @property
    def searched(self) -> dict[str, Domain]:
        """The dimensions that have more than one value."""
        return {
            name: domain
            for name, domain in self.dimensions.items()
            if text.scale(domain) != "fixed"
        }

    @property
    def augmented(self) -> bool:
        """Whether a search's trials may have seen augmented images: plain spaces have none."""
        domain = self.dimensions.get(STRENGTH)
        if domain is None:
            return False
        return any(domain.options) if isinstance(domain, Choice) else domain.high > 0

    @property
    def finished(self) -> bool:
        """Whether the run came to its own end."""
        return self.manifest.status == "complete"


def load_run(path: Path) -> Run:
    """Read a run directory, also one that is in progress or was interrupted.

    The Parquet tables are used where they are at least as new as the journal and made
    anew from it otherwise. Raises UserError, in one line, for what cannot be read: no run
    directory, a newer schema, an unknown task, a damaged file, no epoch yet, an objective
    nobody recorded.
    """
    path = Path(path)
    if not path.is_dir():
        raise UserError(f"{path} is not a run directory: there is no such directory")
    manifest = records.read_manifest(path)
    if manifest.kind not in KINDS:
        raise UserError(f"{path} is a run of unknown kind {manifest.kind!r}", FAILED)
    objective = _objective(path, manifest)
    epochs, trials = _tables(path)
    if epochs.empty:
        raise UserError(f"{path} has no epoch yet: nothing can be reported", FAILED)
    dimensions = _dimensions(path, manifest)
    needed = {
        "epochs": [*_EPOCH_COLUMNS, objective.name],
        "trials": [*_TRIAL_COLUMNS, objective.name],
    }
    if problems := list(table_problems(epochs, trials, needed, dimensions)):
        raise UserError(
            f"{path} has {'; '.join(problems)}. Delete {records.EPOCHS} and {records.TRIALS}: "
            f"they are made anew from {records.JOURNAL}",
            FAILED,
        )
    return Run(path, manifest, epochs, trials, dimensions, objective)


def _objective(path: Path, manifest: records.Manifest) -> Metric:
    name, direction = manifest.objective.get("name"), manifest.objective.get("direction")
    if name not in METRICS or direction not in ("max", "min"):
        raise UserError(
            f"{path / records.MANIFEST} names objective {name!r} with direction {direction!r}; "
            f"known: {', '.join(METRICS)} with max or min",
            FAILED,
        )
    return dataclasses.replace(task_of(manifest.data).metric(name), direction=direction)


def _dimensions(path: Path, manifest: records.Manifest) -> dict[str, Domain]:
    try:
        stored = manifest.space.get("dimensions", {})
        return {name: from_json(values) for name, values in stored.items()}
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise UserError(
            f"{path / records.MANIFEST} describes its space wrongly: {error}", FAILED
        ) from None


def _tables(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    files = [path / records.EPOCHS, path / records.TRIALS]
    journal = path / records.JOURNAL
    if _current(files, journal):
        return run_tables.read(files[0]), run_tables.read(files[1])
    return run_tables.from_journal(journal_file.read(path))


def _current(files: list[Path], journal: Path) -> bool:
    if not all(file.exists() for file in files):
        return False
    newest = journal.stat().st_mtime_ns if journal.exists() else 0
    return all(file.stat().st_mtime_ns >= newest for file in files)
