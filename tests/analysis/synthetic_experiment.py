"""Synthetic experiments: closed-form cells written through `study.records` and NumPy."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from study import journal_file, records, run_tables
from study.claims import Arm, Claim, arm, cells
from study.claims_toml import claim_to_dict

from .synthetic import CLASSES, COUNTS, manifest, write_samples

PLAIN, AUGMENTED = arm("tiny"), arm("tiny_aug")
STRONGEST = arm("tiny_aug", augment_strength=1.0)
SEEDS = 6
CLAIMS = (
    Claim(
        "plain_first",
        "Trained briefly, the tiny model reads more test images correctly without augmentation.",
        "paired_difference",
        (PLAIN, AUGMENTED),
        "test_accuracy",
        "higher",
        (4, 16),
        0.02,
        at="short",
        seeds=SEEDS,
    ),
    Claim(
        "crossover",
        "Trained briefly, augmentation does not lower the validation loss; trained long, it does.",
        "crossover",
        (AUGMENTED, PLAIN),
        "val_loss",
        "lower",
        (4, 16),
        0.05,
        seeds=SEEDS,
    ),
    Claim(
        "dose",
        "Trained long, the gap falls as the augmentation gets stronger.",
        "ordered_trend",
        (PLAIN, AUGMENTED, STRONGEST),
        "gap",
        "lower",
        (16,),
        0.1,
        seeds=SEEDS,
    ),
)
TEST_SIZE = 200
Key = tuple[str, int, int]  # arm's name, budget, seed


def levels(strength: float, epoch: int, seed: int) -> dict[str, float]:
    """Metrics after `epoch` epochs: strength slows learning and lowers overfitting."""
    luck = 0.004 * math.sin(7 * seed + 3 * strength + epoch)
    train_loss = 2.3 * math.exp(-0.5 * epoch * (1 - 0.4 * strength)) + 0.01 + abs(luck)
    gap = 0.25 * (1 - math.exp(-epoch / 6)) * (1 - 0.7 * strength) + luck
    val_loss = train_loss + gap
    return {
        "train_loss": train_loss,
        "train_accuracy": math.exp(-train_loss),
        "val_loss": val_loss,
        "val_accuracy": math.exp(-val_loss),
        "val_f1": math.exp(-val_loss) - 0.01,
    }


def experiment_lines(
    claims: Sequence[Claim] = CLAIMS,
    missing: Collection[Key] = (),
    failed: Collection[Key] = (),
    diverged: Collection[Key] = (),
    tuning_rates: Sequence[float] = (),
) -> list[dict[str, Any]]:
    """The journal: a matched search over learning rates if there are any, then the cells."""
    lines: list[dict[str, Any]] = []
    conditions = list(dict.fromkeys((cell.arm, cell.budget) for cell in cells(claims)))
    for where, budget in conditions:
        for rate in tuning_rates:
            lines += _training(len(_starts(lines)), where, budget, 99, "tune", rate)
    for where, budget, seed in cells(claims):
        key = where.name, budget, seed
        if key in missing:
            continue
        number = len(_starts(lines))
        state = "failed" if key in failed else "diverged" if key in diverged else "completed"
        lines += _training(number, where, budget, seed, "confirm", 3e-3, state)
    return lines


def _starts(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if line["event"] == "start"]


def _training(
    trial: int,
    where: Arm,
    budget: int,
    seed: int,
    phase: str,
    rate: float,
    state: str = "completed",
) -> list[dict[str, Any]]:
    config = {
        "phase": phase,
        "arm": where.name,
        "budget": budget,
        "seed": seed,
        "split_seed": seed,
        "epochs": budget,
        "learning_rate": rate,
        "weight_decay": 5e-3,
        "batch_size": 64,
        **where.settings(),
        "drawn": phase == "confirm" and seed == 0,
    }
    last = budget if state == "completed" else max(1, budget // 2)
    rows = [
        {
            "event": "epoch",
            "trial": trial,
            "epoch": epoch,
            "epochs": budget,
            **levels(where.strength, epoch, seed),
            "progress": round(100 * epoch / budget),
            "learning_rate": rate,
            "seconds": 1.5,
            "images_per_second": 800.0,
            "diverged": False,
        }
        for epoch in range(1, last + 1)
    ]
    if state == "diverged":
        rows[-1] |= {"train_loss": math.nan, "val_loss": math.nan, "diverged": True}
    elif state == "completed" and phase == "confirm":
        accuracy = rows[-1]["val_accuracy"] - 0.01
        loss = rows[-1]["val_loss"] + 0.02
        rows[-1] |= {"test_accuracy": accuracy, "test_loss": loss, "test_f1": accuracy - 0.01}
    lines = [{"event": "start", "trial": trial, "config": config}, *rows]
    if state == "failed":
        lines.append({"event": "error", "trial": trial, "error": "RuntimeError: out of memory"})
    lines.append({"event": "end", "trial": trial, "state": state})
    return lines


def write_experiment(
    directory: Path, claims: Sequence[Claim] = CLAIMS, pictures: bool = True, **changes: Any
) -> Path:
    """A run directory of an experiment; `changes` replace manifest fields or go to the lines.

    pictures: whether every completed cell leaves its `.npz`.
    """
    directory.mkdir(parents=True)
    of_lines = ("missing", "failed", "diverged", "tuning_rates")
    chosen = {key: changes.pop(key) for key in of_lines if key in changes}
    lines = experiment_lines(claims, **chosen)
    records.write_manifest(directory, experiment_manifest(claims, **changes))
    for line in lines:
        journal_file.append(directory, line)
    epochs, trials = run_tables.from_journal(lines)
    run_tables.write(directory / records.EPOCHS, epochs)
    run_tables.write(directory / records.TRIALS, trials)
    write_samples(directory)
    if pictures:
        confirmed = trials["config.phase"].eq("confirm") & trials["state"].eq("completed")
        for row in trials[confirmed].to_dict("records"):
            write_cell(directory, row["trial"], row["test_accuracy"], drawn=row["config.drawn"])
    return directory


def experiment_manifest(claims: Sequence[Claim] = CLAIMS, **changes: Any) -> records.Manifest:
    """A manifest as `study.confirm` writes one."""
    conditions = dict.fromkeys((cell.arm.name, cell.budget) for cell in cells(claims))
    parameters = {"learning_rate": 3e-3, "weight_decay": 5e-3, "batch_size": 64}
    values: dict[str, Any] = {
        "run_id": "confirm-street_digits-4d3c2b1a",
        "kind": "experiment",
        "spec": {
            "claims": [claim_to_dict(claim) for claim in claims],
            "data": "street_digits",
            "train_size": 1200,
            "tuning_trials": 0,
            "pretrained": False,
            "precision": "auto",
            "name": None,
            "fixed": {"optimizer": "AdamW", "schedule": "one cycle", "loss": "cross-entropy"},
        },
        "objective": {"name": "val_loss", "direction": "min"},
        "seeds": list(range(max(claim.seeds for claim in claims))),
        "data": manifest().data | {"class_counts": COUNTS | {"test": [20] * CLASSES}},
        "command": "python -m study.confirm --claims tiny.toml",
        "space": {},
        "experiment": {
            "tuned_by": "defaults",
            "nuisance": [
                {"arm": name, "budget": budget, "source": "defaults", "parameters": parameters}
                for name, budget in conditions
            ],
        },
    }
    return manifest(**(values | changes))


def write_cell(run: Path, trial: int, accuracy: float, drawn: bool) -> None:
    """A cell's `.npz` with about this accuracy; blurred class colours instead of digits."""
    generator = np.random.default_rng(trial)
    labels = np.arange(TEST_SIZE) % CLASSES
    logits = generator.normal(0, 1, (TEST_SIZE, CLASSES))
    told = np.where(generator.random(TEST_SIZE) < accuracy, labels, (labels + 5) % CLASSES)
    logits[np.arange(TEST_SIZE), told] += 5
    odds = np.exp(logits)
    probabilities = odds / odds.sum(axis=1, keepdims=True)
    arrays: dict[str, np.ndarray] = {
        "test_probabilities": probabilities.astype(np.float16),
        "test_labels": labels,
    }
    if drawn:
        at = np.flatnonzero(probabilities.argmax(axis=1) != labels)
        noise = generator.normal(0, 25, (len(at), 32, 32, 3))
        shade = 40 + 20 * labels[at][:, None, None, None]
        arrays["test_images"] = np.clip(shade + noise, 0, 255).astype(np.uint8)
        arrays["test_images_at"] = at
        centres = np.random.default_rng(0).normal(0, 1, (CLASSES, 16))
        for name, spread in (("train", 0.4), ("val", 0.8)):
            classes = np.arange(60) % CLASSES
            features = centres[classes] + generator.normal(0, spread, (60, 16))
            arrays[f"{name}_features"] = features.astype(np.float16)
            arrays[f"{name}_feature_labels"] = classes
    folder = run / records.CELLS
    folder.mkdir(exist_ok=True)
    np.savez_compressed(folder / f"{trial:05d}.npz", **arrays)
