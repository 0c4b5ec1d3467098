"""What was asked -> trials, ids, resources and cost: pure functions, no torch and no Ray."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from dataclasses import dataclass, replace
from typing import Any

from study import domains
from study.metrics import OBJECTIVES, objective
from study.plugins import told, used
from study.records import SCHEMA_VERSION
from study.spaces import Space, space
from trainables.config import PRECISIONS
from trainables.data import DATASETS, SEGMENTATION, check_image_size, source
from trainables.errors import UserError, unknown_name
from trainables.models import MODELS, Model
from trainables.plugins import Plugin

SAMPLERS = ("tpe", "random")
SCHEDULERS = ("asha", "none")

# ASHA compares trials at these shares of their own schedules, in percent. Comparing at
# equal epochs instead would set a short, nearly annealed schedule against the beginning
# of a long one, and stop exactly the slow starters that this project is about.
FIRST_RUNG = 25
REDUCTION_FACTOR = 2

# Multiply-accumulates per second and core that an estimate assumes: ResNet18 in float32
# on an AVX2 core. The plan says that it is an assumption; machines differ fivefold.
CORE_MACS_PER_SECOND = 14e9
TRAINING_COST = 3.0  # forward passes that one training step costs
EVALUATED_PER_TRAINED = 1.0  # images evaluated per image trained on, in an epoch
SHARE_AFTER_PRUNING = 0.6  # of the epochs asked for that ASHA lets run, measured
SESSION_SECONDS = 45.0  # starting Ray and its workers, and writing the report


@dataclass(frozen=True)
class SearchSpec:
    """One search, as asked for: everything that its results depend on, and nothing else.

    plugins: those of `study.plugins.load` that were asked for; what the space, its model and
    the data set are from is added.
    """

    space: str
    data: str | None = None
    data_dir: str | None = None
    train_size: int | None = None
    image_size: int | None = None
    trials: int = 10
    max_epochs: int | None = None
    seed: int = 0
    objective: str | None = None
    sampler: str = "tpe"
    scheduler: str = "asha"
    pretrained: bool = False
    precision: str = "auto"
    name: str | None = None
    plugins: tuple[Plugin, ...] = ()

    def __post_init__(self) -> None:
        chosen = space(self.space)
        object.__setattr__(self, "objective", self.objective or OBJECTIVES[chosen.task][0])
        objective(str(self.objective), chosen.task)
        if self.sampler not in SAMPLERS:
            raise unknown_name("sampler", self.sampler, SAMPLERS)
        if self.scheduler not in SCHEDULERS:
            raise unknown_name("scheduler", self.scheduler, SCHEDULERS)
        require_whole("--trials", self.trials, 1)
        require_whole("--max-epochs", self.max_epochs, 1)
        require_whole("--seed", self.seed, 0)
        require_common(self.name, self.precision, self.train_size)
        object.__setattr__(self, "data", self.data or chosen.data)
        entry = source(str(self.data))
        require_task(chosen.model, str(self.data))
        if self.train_size is None:
            object.__setattr__(self, "train_size", entry.train_size)
        object.__setattr__(self, "image_size", image_side(str(self.data), self.image_size))
        if self.data_dir is not None:
            object.__setattr__(self, "data_dir", os.path.abspath(self.data_dir))
        if self.pretrained:
            require_pretrained(chosen.model)
        object.__setattr__(self, "plugins", used(self.plugins, [chosen], str(self.data)))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as the manifest keeps them."""
        return told(vars(self))


@dataclass(frozen=True)
class Resources:
    """What a trial gets, and how many run at once; None is decided on the cluster.

    cpus_per_trial, gpus_per_trial: per worker; fractions share a core or a GPU.
    """

    concurrency: int | None = None
    cpus_per_trial: float = 1.0
    gpus_per_trial: float | None = None
    workers_per_trial: int = 1
    address: str | None = None

    def __post_init__(self) -> None:
        require_whole("--concurrency", self.concurrency, 1)
        require_whole("--workers-per-trial", self.workers_per_trial, 1)
        _require_amount("--cpus-per-trial", self.cpus_per_trial, above_zero=True)
        if self.gpus_per_trial is not None:
            _require_amount("--gpus-per-trial", self.gpus_per_trial, above_zero=False)
            whole = self.gpus_per_trial == int(self.gpus_per_trial)
            if self.gpus_per_trial > 1 and not whole:
                raise UserError(
                    f"--gpus-per-trial above 1 must be a whole number, got {self.gpus_per_trial:g}"
                )
            if self.workers_per_trial > 1 and not whole:
                raise UserError(
                    f"--gpus-per-trial {self.gpus_per_trial:g} with --workers-per-trial "
                    f"{self.workers_per_trial}: workers of one trial cannot share a GPU (NCCL); "
                    "give each a whole one, or share it between trials of one worker"
                )


def searched_space(spec: SearchSpec) -> Space:
    """The named space with this search's data set, and its epochs ending at --max-epochs."""
    chosen = replace(space(spec.space), data=str(spec.data))
    if spec.max_epochs is None:
        return chosen
    epochs = chosen.dimensions["epochs"]
    assert isinstance(epochs, domains.Int)
    high = spec.max_epochs
    shortened = replace(
        epochs, low=min(epochs.low, high), default=min(epochs.default, high), high=high
    )
    return replace(chosen, dimensions={**chosen.dimensions, "epochs": shortened})


def run_id(spec: SearchSpec) -> str:
    """`<name>-<hash>`: the same specification has the same id, where --data-dir is the same."""
    chosen = searched_space(spec)
    values = {
        "schema": SCHEMA_VERSION,
        **spec.to_dict(),
        "dimensions": {k: domains.to_json(v) for k, v in chosen.dimensions.items()},
    }
    return f"{spec.name or f'{spec.space}-{spec.data}'}-{digest(values)}"


def digest(values: dict[str, Any]) -> str:
    """Eight hexadecimal digits of a SHA-256 over the values as canonical JSON."""
    text = json.dumps(values, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


@dataclass(frozen=True)
class Estimate:
    """epochs: expected over all trials; at_most: without early stopping; seconds: wall time."""

    epochs: float
    at_most: int
    seconds: float
    slots: int


def estimate(spec: SearchSpec, resources: Resources, cpus: int) -> Estimate:
    """What a search will cost on `cpus` cores, assuming CORE_MACS_PER_SECOND of each."""
    chosen = searched_space(spec)
    epochs = chosen.dimensions["epochs"]
    assert isinstance(epochs, domains.Int)
    kept = SHARE_AFTER_PRUNING if spec.scheduler == "asha" else 1.0
    asked = epochs.default + (spec.trials - 1) * _log_mean(epochs.low, epochs.high)
    expected = max(float(spec.trials), kept * asked)
    slots = slots_here(resources, spec.trials, cpus)
    images = images_of(spec.train_size, spec.image_size)
    seconds = wall_seconds({chosen.model: expected}, images, resources, slots, cpus)
    return Estimate(expected, spec.trials * epochs.high, seconds, slots)


def slots_here(resources: Resources, trials: int, cpus: int) -> int:
    """How many trials train at once on `cpus` cores of this machine."""
    per_trial = resources.cpus_per_trial * resources.workers_per_trial
    slots = max(1, min(trials, int(cpus // per_trial)))
    return min(slots, resources.concurrency or slots)


@dataclass(frozen=True)
class Images:
    """What an epoch goes over: so many images, of a side in pixels (None: the models')."""

    count: int
    side: int | None


def images_of(train_size: int | None, image_size: int | None) -> Images:
    """What a plan assumes: a data set on disk is not opened for it."""
    return Images(train_size or (10_000 if image_size is None else 1_000), image_size)


def wall_seconds(
    epochs: dict[str, float], images: Images, resources: Resources, slots: int, cpus: int
) -> float:
    """Expected seconds of so many epochs by model, with starting up and the report."""
    work = sum(_macs(MODELS[model], images.side) * count for model, count in epochs.items())
    work *= images.count * (TRAINING_COST + EVALUATED_PER_TRAINED)
    busy = min(cpus, slots * resources.cpus_per_trial * resources.workers_per_trial)
    return SESSION_SECONDS + work / (CORE_MACS_PER_SECOND * busy)


def _macs(model: Model, side: int | None) -> float:
    """Multiply-accumulates of one image: convolutions cost what they cover."""
    return model.macs * ((side or model.side) / model.side) ** 2


def _log_mean(low: int, high: int) -> float:
    """Mean of a log-uniform variable on [low, high]."""
    return float(low) if low == high else (high - low) / math.log(high / low)


def require_whole(option: str, value: int | None, least: int) -> None:
    """UserError unless `value` is None or a whole number of at least `least`."""
    if value is not None and (not isinstance(value, int) or value < least):
        raise UserError(f"{option} must be a whole number of at least {least}, got {value}")


def require_common(name: str | None, precision: str, train_size: int | None) -> None:
    """UserError for what is wrong with the options that searches and experiments share."""
    require_whole("--train-size", train_size, 1)
    if precision not in PRECISIONS:
        raise unknown_name("precision", precision, PRECISIONS)
    if name is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
        raise UserError(f"--name must be 1 to 64 letters, digits, '.', '_' or '-', got {name!r}")


def require_task(model: str, data: str) -> None:
    """UserError for a model that does another thing than the data set is for."""
    does, wanted = MODELS[model].task, source(data).task
    if does != wanted:
        fitting = [name for name, entry in DATASETS.items() if entry.task == does]
        raise UserError(
            f"--data {data} is for {wanted}, and {model} does {does}: use {' or '.join(fitting)}"
        )


def image_side(data: str, asked: int | None) -> int | None:
    """The side that images are scaled to: as asked, the data set's own, None where fixed.

    UserError for a size that the data set or the networks cannot take.
    """
    check_image_size(data, asked)
    entry = source(data)
    return (asked or entry.image_size[0]) if entry.task == SEGMENTATION else None


def require_pretrained(model: str) -> None:
    """UserError for a model that has no pretrained weights."""
    if not MODELS[model].pretrained:
        raise UserError(f"--pretrained: {model} has no pretrained weights; leave it out")


def _require_amount(option: str, value: float, above_zero: bool) -> None:
    if not math.isfinite(value) or value < 0 or (above_zero and value == 0):
        rule = "above 0" if above_zero else "of at least 0"
        raise UserError(f"{option} must be a finite number {rule}, got {value:g}")


def available_cpus() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
