"""What a run leaves on disk: file names, columns, schema version, reading and writing.

A run directory holds

    manifest.json    what was asked and on what (`Manifest`), rewritten as a whole
    journal.jsonl    one line an event (start, epoch, error or end of a trial), appended
    epochs.parquet   the journal's epochs as a table (EPOCH_COLUMNS + one `config.*` each)
    trials.parquet   one row a trial (TRIAL_COLUMNS + one `config.*` each)
    optuna.db        the Optuna study of a search (its name is the run id)
    best.pt          weights of a search's best trial (a plain state dict)
    checkpoints/     one folder a trial that has not ended: its resumable state
    cells/           one file of predictions a cell of an experiment (`trainables.cell`)
    samples.npz      images as the model sees them at several strengths
    tune/            Ray Tune's own directory (TensorBoard reads it)
    report/          index.html, figures, tables
    wandb/           W&B's own directory, and what was handed over (`study.handover`)

The journal is the truth: the tables are made from it and can be made again.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from study.schema import manifest_problems
from trainables.errors import FAILED, UserError, in_a_line

SCHEMA_VERSION = 1

MANIFEST = "manifest.json"
JOURNAL = "journal.jsonl"
EPOCHS = "epochs.parquet"
TRIALS = "trials.parquet"
OPTUNA_DB = "optuna.db"
BEST_WEIGHTS = "best.pt"
SAMPLES = "samples.npz"
CELLS = "cells"
CHECKPOINTS = "checkpoints"
REPORT = "report"

CONFIG = "config."  # prefix of the columns that have a trial's configuration

# Where an experiment's nuisance parameters come from, as its manifest says.
DEFAULTS, MATCHED, FROM_RUNS = "defaults", "matched search", "explored runs"
BY_ARM = "fixed by the arm"  # what leaves nothing to tune

STATES = ("completed", "pruned", "diverged", "failed", "running")

EPOCH_COLUMNS: dict[str, str] = {
    "trial": "number of the trial in its run, from 0",
    "epoch": "epochs trained so far, from 1",
    "epochs": "length of this trial's schedule, in epochs",
    "train_loss": "mean cross-entropy on clean training images, evaluation mode, nats",
    "train_accuracy": "share of the same images (of their pixels) classified correctly",
    "val_loss": "mean cross-entropy on the validation images (on their pixels), nats",
    "val_accuracy": "share of validation images (of their pixels) classified correctly",
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
    "test_accuracy": "share of test images (of their pixels) classified correctly",
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
