"""The classifiers of the study, as a table that can be read without importing torch."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainables.errors import FAILED, UserError, unknown_name

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class Model:
    """One entry of `MODELS`.

    builder: number of classes -> module whose last layer is the linear `fc`.
    parameters: at 10 classes. macs: multiply-accumulates of a forward pass for one
    32x32 image; a training step costs about three times as many. pretrained: whether
    ImageNet weights exist for it.
    """

    name: str
    summary: str
    task: str
    builder: Callable[[int], nn.Module]
    parameters: int
    macs: int
    pretrained: bool = False


def build_model(name: str, classes: int, *, seed: int, pretrained: bool = False) -> nn.Module:
    """The model `name` with `classes` outputs, on the CPU, float32.

    Takes (N, 3, H, W), gives logits (N, classes); `cnn` reads 32x32 images only. The
    weights are a function of `seed` alone (pretrained ones: the new last layer is).
    Raises UserError for an unknown name, and where ImageNet weights are asked for that
    do not exist or cannot be had.
    """
    import torch

    if name not in MODELS:
        raise unknown_name("model", name, MODELS)
    entry = MODELS[name]
    if pretrained and not entry.pretrained:
        having = ", ".join(sorted(key for key, model in MODELS.items() if model.pretrained))
        raise UserError(f"model {name!r} has no pretrained weights; models that do: {having}")
    weights = _imagenet_weights() if pretrained else None
    # torchvision's constructors draw from the global generator. Only the CPU's is
    # touched: torch.manual_seed would also reseed every GPU, which nothing restores.
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(seed)
        model = entry.builder(classes)
    if weights is not None:
        head = {key: value for key, value in model.state_dict().items() if key.startswith("fc.")}
        model.load_state_dict({**weights, **head})
    return model


def penultimate(model: nn.Module, images: Tensor) -> Tensor:
    """Features (N, D) that the last layer, `fc`, reads; D is 128, 512 or 32.

    images: as the model was trained on, normalised. No gradient; the model's mode
    (training or evaluation) and its weights' placement are the caller's.
    """
    import torch

    features: list[Tensor] = []
    head = model.get_submodule("fc")
    hook = head.register_forward_pre_hook(lambda _, inputs: features.append(inputs[0]))
    try:
        with torch.no_grad():
            model(images)
    finally:
        hook.remove()
    return features[0]


def _cnn(classes: int) -> nn.Module:
    from torch import nn

    layers = {
        "conv1": nn.Conv2d(3, 32, 3, padding=1),
        "relu1": nn.ReLU(),
        "pool1": nn.MaxPool2d(2),
        "conv2": nn.Conv2d(32, 64, 3, padding=1),
        "relu2": nn.ReLU(),
        "pool2": nn.MaxPool2d(2),
        "flatten": nn.Flatten(),
        "fc1": nn.Linear(64 * 8 * 8, 128),
        "relu3": nn.ReLU(),
        "fc": nn.Linear(128, classes),
    }
    return _sequence(layers)


def _tiny(classes: int) -> nn.Module:
    from torch import nn

    layers = {
        "conv1": nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False),
        "bn1": nn.BatchNorm2d(16),
        "relu1": nn.ReLU(),
        "conv2": nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False),
        "bn2": nn.BatchNorm2d(32),
        "relu2": nn.ReLU(),
        "pool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
        "fc": nn.Linear(32, classes),
    }
    return _sequence(layers)


def _sequence(layers: dict[str, nn.Module]) -> nn.Module:
    """The layers in order, under their names."""
    from collections import OrderedDict

    from torch import nn

    return nn.Sequential(OrderedDict(layers))


def _resnet18(classes: int) -> nn.Module:
    from torchvision.models import resnet18

    from trainables.trimmed_conv import trim

    return trim(resnet18(num_classes=classes))


def _imagenet_weights() -> dict[str, Tensor]:
    """torchvision's ImageNet weights of ResNet18, downloaded once into torch's hub folder."""
    import torch
    from torchvision.models import ResNet18_Weights

    weights = ResNet18_Weights.IMAGENET1K_V1
    try:
        return weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UserError(
            f"the ImageNet weights of resnet18 cannot be had ({reason}): put the file of "
            f"{weights.url} into {torch.hub.get_dir()}/checkpoints, or train without them",
            exit_code=FAILED,
        ) from error


MODELS: dict[str, Model] = {
    model.name: model
    for model in (
        Model(
            "cnn",
            "two convolutions with ReLU and max-pooling, two fully connected layers",
            "classification",
            _cnn,
            parameters=545_098,
            macs=6_128_896,
        ),
        Model(
            "resnet18",
            "torchvision's ResNet18",
            "classification",
            _resnet18,
            parameters=11_181_642,
            macs=30_069_760,
            pretrained=True,
        ),
        Model(
            "tiny",
            "two convolutions with batch-norm and an average, for tests",
            "classification",
            _tiny,
            parameters=5_466,
            macs=405_824,
        ),
    )
}
