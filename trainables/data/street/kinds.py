"""The classes of things in a street: how each is painted, how often, how large."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trainables.data.street import furniture, living, vehicles
from trainables.data.street.draws import Draws
from trainables.data.street.pen import Pen

BACKGROUND = "background"


@dataclass(frozen=True)
class Kind:
    """A class of things.

    weight: how often it is drawn, relative to the others. height: least and most, in image
    sides, where it stands nearest. reach: as of `Place`, in its own heights. stands: "ground",
    "air" (birds) or "across" (overhead wires).
    """

    name: str
    paint: Callable[[Pen, Draws], None]
    weight: float
    height: tuple[float, float]
    reach: tuple[float, float, float, float]
    stands: str = "ground"


# Cars, people and trees are common, hydrants and parasols rare: as uneven as real streets.
KINDS: tuple[Kind, ...] = (
    Kind("car", vehicles.car, 12, (0.34, 0.48), (1.25, 1.25, 1.1, 0.15)),
    Kind("bus", vehicles.bus, 3, (0.50, 0.68), (1.25, 1.25, 1.1, 0.15)),
    Kind("truck", vehicles.truck, 3, (0.50, 0.64), (1.3, 1.25, 1.1, 0.15)),
    Kind("bicycle", vehicles.bicycle, 5, (0.42, 0.60), (0.9, 0.9, 1.1, 0.15)),
    Kind("person", living.person, 12, (0.60, 0.85), (0.4, 0.4, 1.1, 0.15)),
    Kind("dog", living.dog, 2, (0.34, 0.48), (0.9, 1.1, 1.1, 0.15)),
    Kind("bird", living.bird, 2, (0.22, 0.36), (1.1, 1.1, 1.1, 0.1), "air"),
    Kind("tree", living.tree, 9, (0.80, 1.15), (0.55, 0.55, 1.15, 0.15)),
    Kind("hedge", living.hedge, 4, (0.26, 0.40), (2.1, 2.1, 1.15, 0.15)),
    Kind("lamp post", furniture.lamp_post, 5, (0.90, 1.20), (0.2, 0.5, 1.1, 0.15)),
    Kind("traffic light", furniture.traffic_light, 3, (0.80, 1.05), (0.2, 0.2, 1.1, 0.15)),
    Kind("sign", furniture.sign, 4, (0.65, 0.95), (0.35, 0.35, 1.1, 0.15)),
    Kind("bench", furniture.bench, 2, (0.32, 0.44), (1.15, 1.15, 1.1, 0.15)),
    Kind("fence", furniture.fence, 3, (0.32, 0.46), (2.2, 2.2, 1.1, 0.15)),
    Kind("hydrant", furniture.hydrant, 1.5, (0.36, 0.52), (0.6, 0.6, 1.1, 0.15)),
    Kind("post box", furniture.post_box, 1.5, (0.50, 0.70), (0.45, 0.45, 1.1, 0.15)),
    Kind("litter bin", furniture.litter_bin, 2, (0.38, 0.54), (0.6, 0.6, 1.1, 0.15)),
    Kind("traffic cone", furniture.cone, 2, (0.36, 0.52), (0.6, 0.6, 1.1, 0.15)),
    Kind("parasol", furniture.parasol, 1.5, (0.60, 0.85), (0.7, 0.7, 1.1, 0.15)),
    Kind("overhead wire", furniture.wires, 4, (1.0, 1.0), (0.1, 1.1, 0.6, 0.6), "across"),
)
CLASSES = (BACKGROUND, *(kind.name for kind in KINDS))
