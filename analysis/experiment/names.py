"""What the systems of an experiment are called, and their colours."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

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
_OTHERS = ("#009e73", "#cc79a7", "#8c6d1f", "#6a3d9a")  # as dark beside white
_STRENGTHS, _SHADES = (0.25, 0.5, 1.0), ("#56b4e9", "#0072b2", "#1d1d6b")


def title(model: str) -> str:
    """The model as the reference report calls it."""
    return _TITLES.get(model, model)


def system(arm: Arm) -> str:
    """ "ResNet18", "Augmented ResNet18 (0.5)": the strength in parentheses."""
    if arm.strength:
        return f"Augmented {title(arm.model)} ({', '.join([f'{arm.strength:g}', *rest(arm)])})"
    return title(arm.model) + (f" ({', '.join(rest(arm))})" if rest(arm) else "")


def rest(arm: Arm) -> list[str]:
    """What else an arm fixes: ["batch size 32"]."""
    return [f"{key.replace('_', ' ')} {value}" for key, value in arm.fixed if key != STRENGTH]


def trained(condition: Condition) -> str:
    """ "Augmented CNN (0.5), 24 epochs"."""
    return f"{system(condition.arm)}, {condition.budget} epochs"


def classes(known: list[str], count: int) -> list[str]:
    """A name for each of so many classes: those known, then numbers."""
    return [*known, *map(str, range(len(known), count))][:count]


def slug(condition: Condition) -> str:
    """The condition in a file name."""
    return f"{anchor(condition.arm.name)}-{condition.budget}"


def colours(arms: Iterable[Arm]) -> dict[Arm, str]:
    """Orange for plain training, a blue that deepens with the strength.

    Of arms of one strength, which differ in another setting, the others have colours of their own.
    """
    others = itertools.cycle(_OTHERS)
    found: dict[Arm, str] = {}
    for one in dict.fromkeys(arms):
        colour = _by_strength(one.strength)
        found[one] = next(others) if colour in found.values() else colour
    return found


def _by_strength(strength: float) -> str:
    if strength == 0:
        return _PLAIN
    shades = np.array([to_rgb(shade) for shade in _SHADES])
    red, green, blue = (float(np.interp(strength, _STRENGTHS, one)) for one in shades.T)
    return to_hex((red, green, blue))
