"""What the systems of an experiment are called, and their colours."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import to_hex, to_rgb

from analysis.experiment.cells import Condition
from analysis.page import anchor
from study.arms import STRENGTH, Arm

_TITLES = {
    "cnn": "CNN",
    "resnet18": "ResNet18",
    "fcn_resnet50": "FCN-ResNet50",
    "deeplabv3_resnet50": "DeepLabV3-ResNet50",
}
_PLAIN = "#d55e00"
# Blue deepens with strength; Okabe and Ito's two blues and an indigo as dark as ink.
_STRENGTHS, _SHADES = (0.25, 0.5, 1.0), ("#56b4e9", "#0072b2", "#1d1d6b")


def title(model: str) -> str:
    """The model as the reference report calls it."""
    return _TITLES.get(model, model)


def system(arm: Arm) -> str:
    """ "ResNet18", "Augmented ResNet18 (0.5)": the strength in parentheses."""
    rest = [f"{key.replace('_', ' ')} {value}" for key, value in arm.fixed if key != STRENGTH]
    if arm.strength:
        return f"Augmented {title(arm.model)} ({', '.join([f'{arm.strength:g}', *rest])})"
    return title(arm.model) + (f" ({', '.join(rest)})" if rest else "")


def trained(condition: Condition) -> str:
    """ "Augmented CNN (0.5), 24 epochs"."""
    return f"{system(condition.arm)}, {condition.budget} epochs"


def classes(known: list[str], count: int) -> list[str]:
    """A name for each of so many classes: those known, then numbers."""
    return [*known, *map(str, range(len(known), count))][:count]


def slug(condition: Condition) -> str:
    """The condition in a file name."""
    return f"{anchor(condition.arm.name)}-{condition.budget}"


def colour(arm: Arm) -> str:
    """Orange for plain training, a blue that deepens with the strength."""
    if arm.strength == 0:
        return _PLAIN
    shades = np.array([to_rgb(shade) for shade in _SHADES])
    red, green, blue = (float(np.interp(arm.strength, _STRENGTHS, one)) for one in shades.T)
    return to_hex((red, green, blue))
