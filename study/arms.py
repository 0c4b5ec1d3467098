"""The arms of a claim: a space, perhaps with settings of its own.

Two arms that train the same thing have the same name, so that claims share trainings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from study.domains import Float
from study.spaces import OR_A_PLUGINS, SPACES, Space
from trainables.errors import UserError, unknown_name

STRENGTH = "augment_strength"


@dataclass(frozen=True)
class Arm:
    """A space and the settings that are fixed in it; make one with `arm`.

    fixed: (dimension, value) pairs, sorted by dimension.
    """

    space: Space
    fixed: tuple[tuple[str, Any], ...] = ()

    @property
    def name(self) -> str:
        """The arm in tables: "resnet18_aug" or "resnet18_aug[augment_strength=0.25]"."""
        settings = ", ".join(f"{key}={value}" for key, value in self.fixed)
        return f"{self.space.name}[{settings}]" if settings else self.space.name

    @property
    def model(self) -> str:
        """The model's name in `trainables.models.MODELS`."""
        return self.space.model

    @property
    def strength(self) -> float:
        """Augmentation strength, 0 (none) to 1."""
        dimension = self.space.dimensions.get(STRENGTH)
        default = 0.0 if dimension is None else dimension.default
        return float(dict(self.fixed).get(STRENGTH, default))

    @property
    def label(self) -> str:
        """The arm for people: "resnet18 (plain)", "resnet18 (augmented, strength 0.5)"."""
        how = f"augmented, strength {self.strength:g}" if self.strength else "plain"
        rest = [f"{key} {value}" for key, value in self.fixed if key != STRENGTH]
        return f"{self.model} ({', '.join([how, *rest])})"

    def settings(self) -> dict[str, Any]:
        """What is fixed in every training of this arm, by names of `TrainConfig`."""
        return {"model": self.model, **dict(self.fixed), STRENGTH: self.strength}


def arm(space: str, spaces: Mapping[str, Space] = SPACES, /, **fixed: Any) -> Arm:
    """The arm of a space with settings of its own; UserError for what the space lacks.

    spaces: where the name is looked up, by name. A strength equal to the space's own is left
    out, and strength 0 is the plain space of the same model: equal trainings get equal names.
    """
    problems = list(_arm_problems(space, spaces, fixed))
    if problems:
        raise UserError("\n".join(problems))
    chosen = spaces[space]
    fixed = {
        key: float(value) if isinstance(chosen.dimensions[key], Float) else value
        for key, value in fixed.items()
    }
    dimension = chosen.dimensions.get(STRENGTH)
    if dimension is not None and fixed.get(STRENGTH, dimension.default) == 0:
        plain = [
            s
            for s in spaces.values()
            if (s.model, s.data) == (chosen.model, chosen.data) and STRENGTH not in s.dimensions
        ]
        if plain:
            chosen, dimension = plain[0], None
    if dimension is None or fixed.get(STRENGTH) == dimension.default:
        fixed.pop(STRENGTH, None)
    return Arm(chosen, tuple(sorted(fixed.items())))


def _arm_problems(space: str, spaces: Mapping[str, Space], fixed: dict[str, Any]) -> Iterator[str]:
    if space not in spaces:
        yield str(unknown_name("arm", space, spaces, OR_A_PLUGINS))
        return
    dimensions = spaces[space].dimensions
    for key, value in fixed.items():
        if key == "epochs":
            yield f"arm {space!r} fixes epochs: name them in the claim's budgets"
        elif key not in dimensions:
            yield str(unknown_name(f"setting of arm {space!r}:", key, dimensions))
        elif not dimensions[key].contains(value):
            yield f"arm {space!r}: {value!r} is outside the space's range of {key}"
