"""Synthetic runs: closed-form learning curves written through `study.records`."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from study import journal_file, records, run_tables
from study.domains import Choice, Float, Int, to_json
from study.spaces import space

CLASSES = 10
HOSTILE = '<script>alert("x")</script> & {{ 7*7 }}'  # a name that tries to be markup
COUNTS = {"train": [210, 190] + [100] * 8, "val": [63, 57] + [30] * 8}


def manifest(name: str = "resnet18_aug", **changes: Any) -> records.Manifest:
    """A manifest as `study.run` writes one; `changes` replace its fields."""
    chosen = space(name)
    values = records.Manifest(
        run_id=f"{name}-street_digits-0a1b2c3d",
        kind="search",
        spec={
            "space": name,
            "trials": 16,
            "scheduler": "asha",
            "fixed": {"optimizer": "AdamW", "schedule": "one cycle", "loss": "cross-entropy"},
        },
        objective={"name": "val_accuracy", "direction": "max"},
        seeds=[0],
        data={
            "name": chosen.data,
            "content_hash": "3f2a9c41d8e07b65",
            "classes": [str(digit) for digit in range(CLASSES)],
            "train_size": 1200,
            "val_size": 360,
            "class_counts": COUNTS,
        },
        git={"commit": "8692ece0b1", "dirty": False},
        packages={"torch": "2.11.0", "ray": "2.60.0", "optuna": "5.0.0"},
        hardware={"cpus": 2, "gpus": 0, "platform": "Linux x86_64", "memory_gib": 23.4},
        created="2026-11-23T14:20:17+00:00",
        command=f"python -m study.run --space {name}",
        space={
            "name": name,
            "summary": chosen.summary,
            "model": chosen.model,
            "data": chosen.data,
            "dimensions": {key: to_json(domain) for key, domain in chosen.dimensions.items()},
        },
        status="complete",
        seconds=243.0,
    )
    return replace(values, **changes)


def configuration(trial: int, generator: np.random.Generator) -> dict[str, Any]:
    """A draw from `resnet18_aug`; trial 0 is the baseline of all defaults."""
    dimensions = space("resnet18_aug").dimensions
    if trial == 0:
        return dict(space("resnet18_aug").defaults())
    drawn: dict[str, Any] = {}
    for name, domain in dimensions.items():
        if isinstance(domain, Choice):
            drawn[name] = domain.options[int(generator.integers(len(domain.options)))]
            continue
        assert isinstance(domain, (Float, Int))
        low, high, share = domain.low, domain.high, generator.random()
        value = low * (high / low) ** share if domain.log else low + share * (high - low)
        drawn[name] = round(value) if isinstance(domain, Int) else float(value)
    return drawn


def epoch(trial: int, number: int, config: dict[str, Any]) -> dict[str, Any]:
    """Metrics after `number` epochs: exponential learning, overfitting that strength lowers."""
    rate, strength = config["learning_rate"], config["augment_strength"]
    quality = math.exp(-(math.log(rate / 4e-3) ** 2) / 3)
    learnt = 1 - math.exp(-number * (0.15 + 0.5 * quality) * (1 - 0.4 * strength))
    train_loss = 2.303 * (1 - learnt) + 0.01
    val_loss = train_loss + 0.9 * learnt**3 * (1 - 0.8 * strength)
    return {
        "trial": trial,
        "epoch": number,
        "epochs": config["epochs"],
        "train_loss": train_loss,
        "train_accuracy": 0.1 + 0.89 * learnt,
        "val_loss": val_loss,
        "val_accuracy": 0.1 + 0.86 * learnt * (1 - 0.15 * (1 - strength)),
        "val_f1": 0.1 + 0.84 * learnt * (1 - 0.15 * (1 - strength)),
        "learning_rate": rate * (1 - number / (config["epochs"] + 1)),
        "seconds": 3.2,
        "images_per_second": 410.0,
        "diverged": False,
    }


def journal(states: list[str], seed: int = 0) -> list[dict[str, Any]]:
    """The lines of a run with one trial a state."""
    generator = np.random.default_rng(seed)
    lines: list[dict[str, Any]] = []
    for trial, state in enumerate(states):
        config = configuration(trial, generator)
        lines.append({"event": "start", "trial": trial, "config": config})
        last = config["epochs"] if state == "completed" else max(1, config["epochs"] // 3)
        rows = [epoch(trial, number, config) for number in range(1, last + 1)]
        if state == "diverged":
            rows[-1] |= {"train_loss": math.nan, "val_loss": math.nan, "diverged": True}
        lines += [{"event": "epoch", **row} for row in rows]
        if state != "running":
            error = "RuntimeError: out of memory" if state == "failed" else ""
            lines.append({"event": "end", "trial": trial, "state": state, "error": error})
    return lines


MIXED = ["completed", "pruned", "completed", "diverged", "completed", "completed", "pruned"]
MIXED += ["completed", "pruned", "completed", "completed", "failed", "completed", "pruned"]
MIXED += ["completed", "completed"]


def write_run(
    directory: Path, states: list[str] = MIXED, seed: int = 0, tables: bool = True, **changes: Any
) -> Path:
    """A run directory with one trial a state; without its Parquet files if not `tables`."""
    directory.mkdir(parents=True)
    records.write_manifest(directory, manifest(**changes))
    for line in journal(states, seed):
        journal_file.append(directory, line)
    if tables:
        epochs, trials = run_tables.from_journal(journal_file.read(directory))
        run_tables.write(directory / records.EPOCHS, epochs)
        run_tables.write(directory / records.TRIALS, trials)
    write_samples(directory)
    return directory


def write_samples(directory: Path, images: int = 8) -> None:
    """`samples.npz` with colour ramps, noisier at every strength."""
    generator = np.random.default_rng(0)
    strengths = np.array([0.0, 0.25, 0.5, 1.0])
    ramp = np.linspace(40, 210, 32)
    plain = np.stack([np.add.outer(ramp, np.roll(ramp, 4 * k)) / 2 for k in range(images)])
    plain = np.repeat(plain[..., None], 3, axis=-1)
    noisy = [plain + generator.normal(0, 60 * s, plain.shape) for s in strengths]
    stack = np.clip(np.stack(noisy), 0, 255).astype(np.uint8)
    labels = np.arange(images) % CLASSES
    np.savez(directory / records.SAMPLES, images=stack, labels=labels, strengths=strengths)
