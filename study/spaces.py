"""The named search spaces: an explicit table, one entry a model and its augmentation.

Optimiser (AdamW), schedule (one cycle) and loss (cross-entropy, of images or of pixels) are
the same in all of them: fixed, and stated as such in every report.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from study.domains import Choice, Domain, Float, Int
from trainables.data import SEGMENTATION
from trainables.errors import unknown_name
from trainables.models import MODELS


@dataclass(frozen=True)
class Space:
    """What one search varies: a model on a data set and its dimensions by name.

    The names of `dimensions` are those of `trainables.config.TrainConfig`.
    """

    name: str
    summary: str
    model: str
    data: str
    dimensions: dict[str, Domain] = field(hash=False)

    @property
    def task(self) -> str:
        """ "classification" or "segmentation": what the model does, and the data is for."""
        return MODELS[self.model].task

    def defaults(self) -> dict[str, object]:
        """Every dimension at its default: the baseline, and each search's first trial."""
        return {name: domain.default for name, domain in self.dimensions.items()}


def _space(
    name: str,
    summary: str,
    model: str,
    learning_rate: Float,
    epochs: Int,
    strength: float | None = None,
) -> Space:
    """The dimensions that all models have; with a strength, augmentation too."""
    scenes = MODELS[model].task == SEGMENTATION
    batches = Choice((4, 8, 16), 4, "nuisance", unit="images")
    if not scenes:
        batches = Choice((32, 64, 128), 64, "nuisance", unit="images")
    dimensions: dict[str, Domain] = {"learning_rate": learning_rate, "epochs": epochs}
    if strength is not None:
        dimensions["augment_strength"] = Float(0.0, 1.0, default=strength, role="scientific")
    dimensions["weight_decay"] = Float(1e-5, 1e-1, default=5e-3, role="nuisance", log=True)
    dimensions["batch_size"] = batches
    return Space(name, summary, model, "street_scenes" if scenes else "street_digits", dimensions)


def _pair(model: str, title: str, learning_rate: Float, epochs: Int) -> tuple[Space, Space]:
    """A model's spaces: plain, and augmented at a strength of 0.5 unless searched."""
    return (
        _space(model, f"{title}, plain", model, learning_rate, epochs),
        _space(f"{model}_aug", f"{title}, augmented", model, learning_rate, epochs, 0.5),
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
        *_pair("cnn", "the report's CNN", _CNN_RATE, _epochs(4, 32, 12)),
        *_pair("resnet18", "ResNet18", _RESNET_RATE, _epochs(2, 12, 6)),
        *_pair("fcn_resnet50", "FCN on ResNet50", _RESNET_RATE, _epochs(2, 6, 3)),
        *_pair("deeplabv3_resnet50", "DeepLabV3 on ResNet50", _RESNET_RATE, _epochs(2, 6, 3)),
        *_pair("tiny", "a network for tests", _CNN_RATE, _TINY_EPOCHS),
        *_pair("tiny_scenes", "a segmentation network for tests", _CNN_RATE, _TINY_EPOCHS),
    )
}


def space(name: str) -> Space:
    """The space called `name`; UserError with the nearest name where there is none."""
    if name not in SPACES:
        raise unknown_name("space", name, SPACES)
    return SPACES[name]
