"""What a search or an experiment will cost, before anything is started."""

from __future__ import annotations

import math
from dataclasses import dataclass

from study import domains
from study.plan import SearchSpec, searched_space
from study.resources import Resources
from trainables.models import MODELS, Model

# Multiply-accumulates per second and core that an estimate assumes: ResNet18 in float32
# on an AVX2 core. The plan says that it is an assumption; machines differ fivefold.
CORE_MACS_PER_SECOND = 14e9
TRAINING_COST = 3.0  # forward passes that one training step costs
EVALUATED_PER_TRAINED = 1.0  # images evaluated per image trained on, in an epoch
SHARE_AFTER_PRUNING = 0.6  # of the epochs asked for that ASHA lets run, about
UNIT = 1_000  # images that a time is told for where nobody knows their number
SESSION_SECONDS = 45.0  # starting Ray and its workers, and writing the report


@dataclass(frozen=True)
class Estimate:
    """epochs: expected over all trials; at_most: without early stopping; seconds: wall time."""

    epochs: float
    at_most: int
    seconds: float
    slots: int


def estimate(spec: SearchSpec, images: Images, resources: Resources, cpus: int) -> Estimate:
    """What a search will cost on `cpus` cores, assuming CORE_MACS_PER_SECOND of each."""
    chosen = searched_space(spec)
    epochs = chosen.dimensions["epochs"]
    assert isinstance(epochs, domains.Int)
    kept = SHARE_AFTER_PRUNING if spec.scheduler == "asha" and spec.trials > 1 else 1.0
    asked = epochs.default + (spec.trials - 1) * _log_mean(epochs.low, epochs.high)
    expected = max(float(spec.trials), kept * asked)
    slots = slots_here(resources, spec.trials, cpus)
    seconds = wall_seconds({chosen.model: expected}, images, resources, slots, cpus)
    return Estimate(expected, spec.trials * epochs.high, seconds, slots)


def slots_here(resources: Resources, trials: int, cpus: int) -> int:
    """How many trials train at once on `cpus` cores of this machine."""
    per_trial = resources.cpus_per_trial * resources.workers_per_trial
    slots = max(1, min(trials, int(cpus // per_trial)))
    return min(slots, resources.concurrency or slots)


@dataclass(frozen=True)
class Images:
    """What an epoch goes over: so many images, of a side in pixels (None: the models').

    count: None where only reading the data tells.
    """

    count: int | None
    side: int | None


def wall_seconds(
    epochs: dict[str, float], images: Images, resources: Resources, slots: int, cpus: int
) -> float:
    """Expected seconds of so many epochs by model, with starting up and the report.

    Of UNIT images where it is not known how many there are.
    """
    work = sum(_macs(MODELS[model], images.side) * count for model, count in epochs.items())
    count = UNIT if images.count is None else images.count
    work *= count * (TRAINING_COST + EVALUATED_PER_TRAINED)
    busy = min(cpus, slots * resources.cpus_per_trial * resources.workers_per_trial)
    return SESSION_SECONDS + work / (CORE_MACS_PER_SECOND * busy)


def _macs(model: Model, side: int | None) -> float:
    """Multiply-accumulates of one image: convolutions cost what they cover."""
    return model.macs * ((side or model.side) / model.side) ** 2


def _log_mean(low: int, high: int) -> float:
    """Mean of a log-uniform variable on [low, high]."""
    return float(low) if low == high else (high - low) / math.log(high / low)
