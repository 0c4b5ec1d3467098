"""What one training is told: a frozen, validated value with no unknown keys."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from trainables.errors import UserError

PRECISIONS = ("auto", "fp32", "bf16")
TUNE, CONFIRM = "tune", "confirm"  # phases of an experiment; the second sees the test set


@dataclass(frozen=True)
class TrainConfig:
    """One training run of one model.

    model: a name of `trainables.models.MODELS`. epochs: the length of the run and of
    its learning-rate schedule. learning_rate: the schedule's peak. weight_decay:
    AdamW's decoupled decay. batch_size: images per optimiser step, over all workers.
    augment_strength: 0 (off, exactly) to 1. seed: initialisation, order and
    augmentation; split_seed: which images are validation data. train_size: images
    trained on (None: all). precision: "auto" measures nothing and asks the hardware,
    see `trainables.device`. pretrained: start from torchvision's ImageNet weights.
    """

    model: str
    epochs: int
    learning_rate: float
    weight_decay: float = 5e-3
    batch_size: int = 64
    augment_strength: float = 0.0
    seed: int = 0
    split_seed: int = 0
    train_size: int | None = None
    pretrained: bool = False
    precision: str = "auto"

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise UserError("; ".join(problems))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainConfig:
        """Build from plain values; UserError names every unknown or missing key."""
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(values) - known)
        missing = sorted({"model", "epochs", "learning_rate"} - set(values))
        problems = [f"unknown training option {key!r}" for key in unknown]
        problems += [f"missing training option {key!r}" for key in missing]
        if problems:
            raise UserError("; ".join(problems))
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `from_dict` turns back into an equal config."""
        return dataclasses.asdict(self)


def _problems(config: TrainConfig) -> Iterator[str]:
    """Yield one sentence for each rule that is broken, so that all are told at once."""
    for name in ("epochs", "batch_size"):
        value = getattr(config, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            yield f"{name} must be a whole number of at least 1, got {value!r}"
    if not _finite(config.learning_rate) or config.learning_rate <= 0:
        yield f"learning_rate must be a finite number above 0, got {config.learning_rate!r}"
    if not _finite(config.weight_decay) or config.weight_decay < 0:
        yield f"weight_decay must be a finite number of at least 0, got {config.weight_decay!r}"
    if not _finite(config.augment_strength) or not 0 <= config.augment_strength <= 1:
        yield f"augment_strength must lie in [0, 1], got {config.augment_strength!r}"
    if config.train_size is not None and config.train_size < 1:
        yield f"train_size must be at least 1, got {config.train_size!r}"
    if config.precision not in PRECISIONS:
        yield f"precision must be one of {', '.join(PRECISIONS)}, got {config.precision!r}"


def _finite(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)
