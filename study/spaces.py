"""The named search spaces: an explicit table, one entry a model and its augmentation.

Optimiser (AdamW), schedule (one cycle) and loss (cross-entropy) are the same in all of
them: fixed, and stated as such in every report.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from study.domains import Choice, Domain, Float, Int
from trainables.errors import unknown_name


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

    def defaults(self) -> dict[str, object]:
        """Every dimension at its default: the baseline, and each search's first trial."""
        return {name: domain.default for name, domain in self.dimensions.items()}


def _classifier(
    name: str, summary: str, model: str, learning_rate: Float, epochs: Int, strength: float | None
) -> Space:
    dimensions: dict[str, Domain] = {"learning_rate": learning_rate, "epochs": epochs}
    if strength is not None:
        dimensions["augment_strength"] = Float(0.0, 1.0, default=strength, role="scientific")
    dimensions["weight_decay"] = Float(1e-5, 1e-1, default=5e-3, role="nuisance", log=True)
    dimensions["batch_size"] = Choice((32, 64, 128), default=64, role="nuisance", unit="images")
    return Space(name, summary, model, "street_digits", dimensions)


_CNN_RATE = Float(3e-4, 3e-2, default=2e-3, role="nuisance", log=True)
_RESNET_RATE = Float(1e-4, 1e-2, default=1e-3, role="nuisance", log=True)
_CNN_EPOCHS = Int(4, 32, default=12, role="scientific", log=True, unit="epochs")
_RESNET_EPOCHS = Int(2, 12, default=6, role="scientific", log=True, unit="epochs")
_TINY_EPOCHS = Int(2, 8, default=4, role="scientific", log=True, unit="epochs")

SPACES: dict[str, Space] = {
    space.name: space
    for space in (
        _classifier("cnn", "the report's CNN, plain", "cnn", _CNN_RATE, _CNN_EPOCHS, None),
        _classifier("cnn_aug", "the report's CNN, augmented", "cnn", _CNN_RATE, _CNN_EPOCHS, 0.5),
        _classifier("resnet18", "ResNet18, plain", "resnet18", _RESNET_RATE, _RESNET_EPOCHS, None),
        _classifier(
            "resnet18_aug", "ResNet18, augmented", "resnet18", _RESNET_RATE, _RESNET_EPOCHS, 0.5
        ),
        _classifier("tiny", "a network for tests, plain", "tiny", _CNN_RATE, _TINY_EPOCHS, None),
        _classifier(
            "tiny_aug", "a network for tests, augmented", "tiny", _CNN_RATE, _TINY_EPOCHS, 0.5
        ),
    )
}


def space(name: str) -> Space:
    """The space called `name`; UserError with the nearest name where there is none."""
    if name not in SPACES:
        raise unknown_name("space", name, SPACES)
    return SPACES[name]
