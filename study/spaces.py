"""The named search spaces: an explicit table, one entry a model and its augmentation.

Optimiser (AdamW), schedule (one cycle) and loss (cross-entropy, of images or of pixels) are
the same in all of them: fixed, and stated as such in every report.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from study.domains import Choice, Domain, Float, Int, from_json, to_json
from trainables.config import TrainConfig
from trainables.data import SEGMENTATION
from trainables.errors import unknown_name
from trainables.models import MODELS

OR_A_PLUGINS = " (a space of your own needs its --plugin)"


@dataclass(frozen=True)
class Space:
    """What one search varies: a model on a data set and its dimensions by name.

    The names of `dimensions` are those of `trainables.config.TrainConfig`. task:
    "classification" or "segmentation", the model's where it is left out.
    """

    name: str
    summary: str
    model: str
    data: str
    dimensions: dict[str, Domain] = field(hash=False)
    task: str = ""

    def __post_init__(self) -> None:
        if not self.task:
            if self.model not in MODELS:
                raise unknown_name(f"model of space {self.name!r}:", self.model, MODELS)
            object.__setattr__(self, "task", MODELS[self.model].task)

    def defaults(self) -> dict[str, object]:
        """Every dimension at its default: the baseline, and each search's first trial."""
        return {name: domain.default for name, domain in self.dimensions.items()}

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `space_from_dict` turns back, as the manifest keeps them."""
        return {**vars(self), "dimensions": {k: to_json(v) for k, v in self.dimensions.items()}}


def space_from_dict(values: dict[str, Any]) -> Space:
    """The space that a manifest describes, whether or not its model is known here."""
    dimensions = {name: from_json(stored) for name, stored in values["dimensions"].items()}
    return Space(**{**values, "dimensions": dimensions})


def _space(
    name: str,
    summary: str,
    model: str,
    learning_rate: Float,
    epochs: Int,
    data: str | None,
    strength: float | None = None,
) -> Space:
    """The dimensions that all models have; with a strength, augmentation too."""
    scenes = MODELS[model].task == SEGMENTATION
    data = data or ("street_scenes" if scenes else "street_digits")
    batches = Choice((4, 8, 16), 4, "nuisance", unit="images")
    if not scenes:
        batches = Choice((32, 64, 128), 64, "nuisance", unit="images")
    dimensions: dict[str, Domain] = {"learning_rate": learning_rate, "epochs": epochs}
    if strength is not None:
        dimensions["augment_strength"] = Float(0.0, 1.0, default=strength, role="scientific")
    dimensions["weight_decay"] = Float(
        1e-5, 1e-1, default=TrainConfig.weight_decay, role="nuisance", log=True
    )
    dimensions["batch_size"] = batches
    return Space(name, summary, model, data, dimensions)


def pair(
    model: str, title: str, learning_rate: Float, epochs: Int, data: str | None = None
) -> tuple[Space, Space]:
    """A model's spaces: plain, and augmented at a strength of 0.5 unless searched.

    data: None takes the embedded data set of the model's task. UserError for a model that
    is not in `MODELS`.
    """
    if model not in MODELS:
        raise unknown_name("model", model, MODELS)
    return (
        _space(model, f"{title}, plain", model, learning_rate, epochs, data),
        _space(f"{model}_aug", f"{title}, augmented", model, learning_rate, epochs, data, 0.5),
    )


def _rate(low: float, high: float, default: float) -> Float:
    return Float(low, high, default=default, role="nuisance", log=True)


def _epochs(low: int, high: int, default: int) -> Int:
    return Int(low, high, default=default, role="scientific", log=True, unit="epochs")


_CNN_RATE, _RESNET_RATE = _rate(3e-4, 3e-2, 2e-3), _rate(1e-4, 1e-2, 1e-3)
_TINY_EPOCHS = _epochs(2, 8, 4)

SPACES: dict[str, Space] = {
    space.name: space
    for space in (
        *pair("cnn", "the report's CNN", _CNN_RATE, _epochs(4, 32, 12)),
        *pair("resnet18", "ResNet18", _RESNET_RATE, _epochs(2, 12, 6)),
        *pair("fcn_resnet50", "FCN on ResNet50", _RESNET_RATE, _epochs(2, 6, 3)),
        *pair("deeplabv3_resnet50", "DeepLabV3 on ResNet50", _RESNET_RATE, _epochs(2, 6, 3)),
        *pair("tiny", "a network for tests", _CNN_RATE, _TINY_EPOCHS),
        *pair("tiny_scenes", "a segmentation network for tests", _CNN_RATE, _TINY_EPOCHS),
    )
}


def space(name: str) -> Space:
    """The space called `name`; UserError with the nearest name where there is none."""
    if name not in SPACES:
        raise unknown_name("space", name, SPACES, OR_A_PLUGINS)
    return SPACES[name]
