"""What a run leaves on disk: file names, columns, schema version, reading and writing.

A run directory holds

    manifest.json    what was asked and on what (`Manifest`), rewritten as a whole
    journal.jsonl    one line per epoch and per finished trial, appended while it runs
    epochs.parquet   the journal's epochs as a table (EPOCH_COLUMNS + one `config.*` each)
    trials.parquet   one row a trial (TRIAL_COLUMNS + one `config.*` each)
    optuna.db        the Optuna study of a search (its name is the run id)
    best.pt          weights of a search's best trial (a plain state dict)
    cells/           one file of predictions a cell of an experiment (`trainables.cell`)
    samples.npz      images as the model sees them at several strengths
    tune/            Ray Tune's own directory (TensorBoard reads it)
    report/          index.html, figures, tables
    wandb/           W&B's own directory, and what was handed over (`study.handover`)

The journal is the truth: the tables are made from it and can be made again.
"""

from __future__ import annotations

import base64
import json
import math
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.damage import is_event, manifest_problems
from trainables.errors import FAILED, UserError, in_a_line

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = 1

MANIFEST = "manifest.json"
JOURNAL = "journal.jsonl"
EPOCHS = "epochs.parquet"
TRIALS = "trials.parquet"
OPTUNA_DB = "optuna.db"
BEST_WEIGHTS = "best.pt"
SAMPLES = "samples.npz"
CELLS = "cells"
REPORT = "report"

STATES = ("completed", "pruned", "diverged", "failed", "running")

EPOCH_COLUMNS: dict[str, str] = {
    "trial": "number of the trial in its run, from 0",
    "epoch": "epochs trained so far, from 1",
    "epochs": "length of this trial's schedule, in epochs",
    "train_loss": "mean cross-entropy on clean training images, evaluation mode, nats",
    "train_accuracy": "share of the same images (of their pixels) read correctly",
    "val_loss": "mean cross-entropy on the validation images (on their pixels), nats",
    "val_accuracy": "share of validation images (of their pixels) read correctly",
    "val_f1": "macro F1 on the validation images (on their pixels)",
    "progress": "share of the schedule that is done, whole percent",
    "learning_rate": "rate of the epoch's last optimiser step",
    "seconds": "wall time of the epoch, evaluation included, s",
    "images_per_second": "training images per second, evaluation excluded",
    "diverged": "whether the loss stopped being finite in this epoch",
}

# Measured every epoch, of a segmentation only.
SEGMENTATION_COLUMNS: dict[str, str] = {
    "val_miou": "mean IoU over the classes seen or predicted in the validation images",
}

# Measured once, after the last epoch of an experiment's cell; a search has none of them.
FINAL_COLUMNS: dict[str, str] = {
    "test_loss": "mean cross-entropy on the test images (on their pixels), nats",
    "test_accuracy": "share of test images (of their pixels) read correctly",
    "test_f1": "macro F1 on the test images (on their pixels)",
    "test_miou": "segmentation only: mean IoU over the classes seen or predicted there",
    "test_precision": "segmentation only: macro precision over the classes of the test set",
    "test_recall": "segmentation only: macro recall over the classes of the test set",
    "test_ap": "segmentation only: mean over the same classes of the average precision",
}

# Those that not every epoch has.
SOMETIMES = (*SEGMENTATION_COLUMNS, *FINAL_COLUMNS)

TRIAL_COLUMNS: dict[str, str] = {
    "trial": "number of the trial in its run, from 0",
    "state": "completed, pruned (stopped early), diverged, failed or running",
    "epoch": "epochs trained",
    "epochs": "length of its schedule, in epochs",
    "seconds": "summed wall time of its epochs, s",
    "error": "one line on why it failed, else empty",
}


@dataclass
class Manifest:
    """Everything a reader needs to judge and repeat a run.

    kind: "search" or "experiment". spec: what was asked, the source of the run id.
    space: name, model, data and every dimension with bounds and role (a search).
    objective: {"name", "direction"}. data: {"name", "content_hash", "classes",
    "train_size", "val_size", "class_counts", ...}. git, packages, hardware: of the first
    session. sessions: {"started", "git", "packages", "hardware"} of every one, so that a
    run continued with other code says so. status: "running", "interrupted" or "complete".
    seconds: wall time of all sessions together.
    """

    run_id: str
    kind: str
    spec: dict[str, Any]
    objective: dict[str, str]
    seeds: list[int]
    data: dict[str, Any]
    git: dict[str, Any]
    packages: dict[str, str]
    hardware: dict[str, Any]
    created: str
    command: str
    space: dict[str, Any] = field(default_factory=dict)
    experiment: dict[str, Any] = field(default_factory=dict)
    sessions: list[dict[str, Any]] = field(default_factory=list)
    status: str = "running"
    seconds: float = 0.0
    schema_version: int = SCHEMA_VERSION


def write_manifest(run: Path, manifest: Manifest) -> None:
    """Write `manifest.json` so that a reader sees the old one or the new one, never half."""
    text = json.dumps(plain(asdict(manifest)), indent=2, allow_nan=False)
    replace_file(run / MANIFEST, text.encode())


def read_manifest(run: Path) -> Manifest:
    """Read `manifest.json`; UserError where it is missing, damaged or of a newer schema."""
    path = run / MANIFEST
    try:
        values = json.loads(path.read_text())
    except FileNotFoundError:
        raise UserError(f"{run} is not a run directory: it has no {MANIFEST}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(
            f"{path} is damaged ({in_a_line(error)}); move the run directory away and run again",
            FAILED,
        ) from None
    version = values.get("schema_version") if isinstance(values, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        raise UserError(f"{path} has no schema_version: it is not this project's manifest", FAILED)
    if version > SCHEMA_VERSION:
        raise UserError(
            f"{run} was written with schema {version}, newer than this version's "
            f"{SCHEMA_VERSION}; update crossover to read it",
            FAILED,
        )
    if problems := list(manifest_problems(values)):
        raise UserError(f"{path} does not fit schema {version}: {'; '.join(problems)}", FAILED)
    try:
        return Manifest(**values)
    except TypeError as error:
        raise UserError(f"{path} does not fit schema {version}: {error}", FAILED) from None


def append(run: Path, line: dict[str, Any]) -> None:
    """Append one line to the journal and hand it to the operating system."""
    with open(run / JOURNAL, "a", encoding="utf-8") as file:
        file.write(json.dumps(line, allow_nan=True, default=_scalar) + "\n")


def mend_journal(run: Path) -> None:
    """Cut off a last line that a killed writer left unfinished, so that appending is safe."""
    path = run / JOURNAL
    if not path.exists():
        return
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)


def read_journal(run: Path) -> list[dict[str, Any]]:
    """Every whole line of the journal, in order; a torn last line is left out.

    So is what stands before the start of its trial, or without one: where a damaged line was
    deleted that was a start, nobody knows any more what its trial was. And so is the end of a
    trial that is said to be completed but whose last epoch was deleted: an earlier epoch's
    measures would pass for its result.

    Raises UserError naming the first line that is damaged before the last one.
    """
    path = run / JOURNAL
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8", errors="replace")
    *lines, torn = text.split("\n")  # as mend_journal: what no newline ends is unfinished
    records = []
    for number, line in enumerate([*lines, *([torn] if torn else [])], start=1):
        record = _event(line)
        if record is not None:
            records.append(record)
        elif number <= len(lines):
            raise _damaged(path, number)
    return list(_of_known(records))


def _event(line: str) -> dict[str, Any] | None:
    """The event that a line is, or None."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if is_event(record) else None


def _of_known(records: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    schedules: dict[int, Any] = {}
    trained: set[tuple[int, int]] = set()
    for record in records:
        trial, event = record["trial"], record["event"]
        if event == "start":
            schedules[trial] = record["config"].get("epochs")
        if trial not in schedules:
            continue
        if event == "epoch":
            trained.add((trial, record["epoch"]))
        last = schedules[trial]
        completed = event == "end" and record["state"] == "completed"
        if not completed or last is None or (trial, last) in trained:
            yield record


def _damaged(path: Path, number: int) -> UserError:
    return UserError(
        f"{path} is damaged in line {number}; delete that line to lose only its event, or its "
        "trial where it was a start",
        FAILED,
    )


def tables(journal: list[dict[str, Any]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(epochs, trials) from journal lines; a repeated (trial, epoch) keeps its last line."""
    import pandas as pd

    epochs: dict[tuple[int, int], dict[str, Any]] = {}
    configs: dict[int, dict[str, Any]] = {}
    ends: dict[int, dict[str, Any]] = {}
    errors: dict[int, str] = {}
    for line in journal:
        number = line["trial"]
        if line["event"] == "error":
            errors[number] = line["error"]
        elif line["event"] == "start":
            configs[number] = {f"config.{key}": value for key, value in line["config"].items()}
        elif line["event"] == "epoch":
            more = {k: line[k] for k in SOMETIMES if k in line}
            epochs[number, line["epoch"]] = {**{k: line.get(k) for k in EPOCH_COLUMNS}, **more}
        else:
            ends[number] = line
    epoch_rows = [{**row, **configs.get(row["trial"], {})} for _, row in sorted(epochs.items())]
    epoch_table = pd.DataFrame(epoch_rows, columns=_columns(EPOCH_COLUMNS, epoch_rows))
    by_trial: dict[int, list[dict[str, Any]]] = {}
    for row in epoch_rows:
        by_trial.setdefault(row["trial"], []).append(row)
    trial_rows = []
    for number, config in sorted(configs.items()):
        rows = by_trial.get(number, [])
        end = ends.get(number, {})
        trial_rows.append(
            {
                "trial": number,
                "state": end.get("state", "running"),
                "epoch": rows[-1]["epoch"] if rows else 0,
                "epochs": config.get("config.epochs"),
                "seconds": math.fsum(row["seconds"] or 0.0 for row in rows),
                "error": errors.get(number, "") if end.get("state") == "failed" else "",
                **({k: v for k, v in rows[-1].items() if k not in TRIAL_COLUMNS} if rows else {}),
                **config,
            }
        )
    return epoch_table, pd.DataFrame(trial_rows, columns=_columns(TRIAL_COLUMNS, trial_rows))


def _columns(first: dict[str, str], rows: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys([*first, *(key for row in rows for key in row)]))


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a Parquet table so that a reader sees the old one or the new one, never half."""
    temporary = path.with_name(path.name + ".part")
    table.to_parquet(temporary, index=False)
    os.replace(temporary, path)


def read_table(path: Path) -> pd.DataFrame:
    """Read a Parquet table; UserError naming the file where it is missing or damaged.

    A column of an extension type counts as damage: Ray, where it is loaded, has such types
    whose values are pickles, and ours are of no such type.
    """
    import pandas as pd

    try:
        if _has_extension_types(path):
            raise ValueError("it has columns of types that no run writes")
        return pd.read_parquet(path)
    except FileNotFoundError:
        raise UserError(f"{path} is missing; run the command again to complete it") from None
    except Exception as error:  # pyarrow raises many kinds for damaged bytes
        raise UserError(
            f"{path} is damaged ({in_a_line(error)}); delete it and run the same command again: "
            f"it is made anew from {JOURNAL}",
            FAILED,
        ) from None


def _has_extension_types(path: Path) -> bool:
    """Looked for in the file's bytes: pyarrow calls such a type as soon as it reads the schema.

    The schema is in the file as base64, in which a text has one of three faces.
    """
    data, said = path.read_bytes(), b"ARROW:extension:name"
    faces = [base64.b64encode(bytes(at) + said) for at in range(3)]
    ends = [(0, 26), (2, 28), (3, 29)]  # what depends on nothing before or behind the text
    return any(face[slice(*end)] in data for face, end in zip(faces, ends, strict=True))


def replace_file(path: Path, data: bytes) -> None:
    """Write a file beside its place and move it there in one step."""
    temporary = path.with_name(path.name + ".part")
    temporary.write_bytes(data)
    os.replace(temporary, path)


def plain(value: Any) -> Any:
    """The value as JSON knows it: no NaN or infinity (null), no NumPy, no tuples."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _scalar(value: Any) -> Any:
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"cannot write {type(value).__name__} to the journal")
