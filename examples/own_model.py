"""A model of your own, two fully connected layers, and its spaces, plain and augmented.

uv run python -m study.run --plugin examples/own_model.py --space mlp_aug
"""

from collections import OrderedDict

from torch import nn

from study.domains import Float, Int
from study.plugins import add_model, add_spaces
from study.spaces import pair


def build(classes: int) -> nn.Module:
    """From images (N, 3, 32, 32) to logits (N, classes); a classifier's last layer is fc."""
    layers = OrderedDict(
        flatten=nn.Flatten(),
        hidden=nn.Linear(3 * 32 * 32, 128),
        relu=nn.ReLU(),
        fc=nn.Linear(128, classes),
    )
    return nn.Sequential(layers)


RATE = Float(1e-4, 1e-2, default=1e-3, role="nuisance", log=True)
EPOCHS = Int(2, 12, default=6, role="scientific", log=True, unit="epochs")
add_model("mlp", "two fully connected layers", build)
add_spaces(*pair("mlp", "a perceptron", RATE, EPOCHS))
