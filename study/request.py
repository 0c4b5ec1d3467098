"""What a run is asked to do, and what no request changes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from study.metrics import Metric
from study.place import Place
from study.resources import Resources
from study.tracking import Tracking
from trainables.data import CLASSIFICATION, SEGMENTATION, source
from trainables.models import AUXILIARY

_LOSS = {
    CLASSIFICATION: "cross-entropy",
    SEGMENTATION: "cross-entropy of every pixel that is not void, and that of an auxiliary "
    f"head, where the model has one, times {AUXILIARY:g}",
}


def recipe(data: str) -> dict[str, str]:
    """What is the same in every training on a data set: stated as caveats by the report."""
    return {
        "optimizer": "AdamW",
        "schedule": "one cycle: linear warm-up over a quarter of the steps, then cosine to zero",
        "loss": _LOSS[source(data).task],
    }


@dataclass(frozen=True)
class Request:
    """What a run is asked to do, as far as it is the same for a search and an experiment.

    opening: the first line shown. trials: how many it will hold in all. data, data_dir,
    download, train_size, split_seed: the data set and the split that the manifest counts.
    models: those to try on its images first, where a model or the data are a plugin's.
    identity: the manifest's own part ("kind", "spec", "objective", "seeds", ...).
    """

    place: Place
    opening: str
    trials: int
    metric: Metric
    data: str
    data_dir: str | None
    download: bool
    train_size: int | None
    image_size: int | None
    models: list[str]
    split_seed: int
    with_test: bool
    identity: dict[str, Any]
    resources: Resources
    tracking: Tracking
    quiet: bool
    console: Console

    @property
    def run(self) -> Path:
        """The run directory."""
        return self.place.run
