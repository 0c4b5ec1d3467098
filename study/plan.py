"""What a search was asked for, its space and its id: pure functions, no torch and no Ray."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, replace
from typing import Any

from study import domains
from study.metrics import OBJECTIVES, objective
from study.plugins import used, with_plugin_hashes
from study.records import SCHEMA_VERSION
from study.rules import (
    image_side,
    require_common,
    require_pretrained,
    require_task,
    require_whole,
)
from study.spaces import Space, space
from trainables.data import check_train_size, source
from trainables.errors import unknown_name
from trainables.plugins import Plugin

SAMPLERS = ("tpe", "random")
SCHEDULERS = ("asha", "none")


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
    trials: int = 14
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
        check_train_size(str(self.data), self.train_size)
        object.__setattr__(self, "image_size", image_side(str(self.data), self.image_size))
        if self.data_dir is not None:
            object.__setattr__(self, "data_dir", os.path.abspath(self.data_dir))
        if self.pretrained:
            require_pretrained(chosen.model)
        object.__setattr__(self, "plugins", used(self.plugins, [chosen], str(self.data)))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as the manifest keeps them."""
        return with_plugin_hashes(vars(self))


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


def epochs_cut(spec: SearchSpec) -> str:
    """A line where --max-epochs leaves nothing of the space's range to search; else ""."""
    whole = space(spec.space).dimensions["epochs"]
    assert isinstance(whole, domains.Int)
    if spec.max_epochs is None or spec.max_epochs > whole.low or whole.low == whole.high:
        return ""
    return (
        f"--max-epochs {spec.max_epochs}: the range {domains.describe(whole)} is cut to "
        f"{spec.max_epochs}, so epochs are not searched"
    )


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
