"""The models of the study, as a table that can be read without importing torch."""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainables.data import CLASSIFICATION, SEGMENTATION
from trainables.errors import FAILED, UserError, unknown_name

if TYPE_CHECKING:
    from torch import Tensor, nn


AUXILIARY = 0.5  # weight of the auxiliary head's loss, as in torchvision's reference training


@dataclass(frozen=True)
class Pretrained:
    """Where ImageNet weights are and what takes them.

    weights: a class of torchvision.models. into: prefix of the parameters that take them,
    the name of a submodule and a dot; the others start at random.
    """

    weights: str
    into: str = ""


@dataclass(frozen=True)
class Model:
    """One entry of `MODELS`.

    builder: name in `trainables.networks`, or a plugin's own function; called with the number
    of classes. task: CLASSIFICATION, with the linear `fc` as last layer, or SEGMENTATION,
    which returns {"out": logits (N, classes, H, W)} and perhaps "aux". parameters: at 10
    classes; of a segmentation model at 21. macs: multiply-accumulates of a forward pass on one
    image of `side` x `side` pixels; a training step costs about three times as many.
    """

    name: str
    summary: str
    task: str
    builder: str | Callable[[int], nn.Module]
    parameters: int
    macs: int
    side: int = 32
    pretrained: Pretrained | None = None


def build_model(name: str, classes: int, *, seed: int, pretrained: bool = False) -> nn.Module:
    """The model `name` with `classes` outputs, on the CPU, float32.

    Takes (N, 3, H, W); `cnn` reads 32x32 images only. The weights are a function of `seed`
    alone (pretrained ones: those that are not pretrained). Raises UserError for an unknown
    name, and where ImageNet weights are asked for that do not exist or cannot be had.
    """
    import torch

    if name not in MODELS:
        raise unknown_name("model", name, MODELS)
    entry = MODELS[name]
    weights = _imagenet_weights(entry) if pretrained else {}
    builder = entry.builder
    if isinstance(builder, str):
        builder = getattr(importlib.import_module("trainables.networks"), builder)
    # torchvision's constructors draw from the global generator. Only the CPU's is
    # touched: torch.manual_seed would also reseed every GPU, which nothing restores.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        model = builder(classes)
    if not isinstance(model, torch.nn.Module):
        what = type(model).__name__
        raise UserError(f"model {name!r}: the builder must return a torch.nn.Module, got {what}")
    model.load_state_dict({**model.state_dict(), **weights})
    return model


def penultimate(model: nn.Module, images: Tensor) -> Tensor:
    """Features (N, D) that the last layer, `fc`, reads; D is its width.

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


def _imagenet_weights(entry: Model) -> dict[str, Tensor]:
    """torchvision's ImageNet weights under the model's own names, without the last layer.

    Downloaded once into torch's hub folder.
    """
    import torch
    from torchvision import models

    if entry.pretrained is None:
        having = ", ".join(sorted(key for key, model in MODELS.items() if model.pretrained))
        raise UserError(f"model {entry.name!r} has no pretrained weights; models that do: {having}")
    weights = getattr(models, entry.pretrained.weights).IMAGENET1K_V1
    try:
        state = weights.get_state_dict(progress=False, check_hash=True, weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UserError(
            f"the ImageNet weights of {entry.name} cannot be had ({reason}): put the file of "
            f"{weights.url} into {torch.hub.get_dir()}/checkpoints, or train without them",
            exit_code=FAILED,
        ) from error
    into = entry.pretrained.into
    return {into + key: value for key, value in state.items() if not key.startswith("fc.")}


_RESNET50 = Pretrained("ResNet50_Weights", into="backbone.")

MODELS: dict[str, Model] = {
    model.name: model
    for model in (
        Model(
            "cnn",
            "two convolutions with ReLU and max-pooling, two fully connected layers",
            CLASSIFICATION,
            "build_cnn",
            parameters=545_098,
            macs=6_128_896,
        ),
        Model(
            "resnet18",
            "torchvision's ResNet18",
            CLASSIFICATION,
            "build_resnet18",
            parameters=11_181_642,
            macs=30_069_760,
            pretrained=Pretrained("ResNet18_Weights"),
        ),
        Model(
            "tiny",
            "two convolutions with batch-norm and an average, for tests",
            CLASSIFICATION,
            "build_tiny",
            parameters=5_466,
            macs=405_824,
        ),
        Model(
            "fcn_resnet50",
            "torchvision's FCN on ResNet50, with its auxiliary head",
            SEGMENTATION,
            "build_fcn_resnet50",
            parameters=35_322_218,
            macs=2_313_338_880,
            side=64,
            pretrained=_RESNET50,
        ),
        Model(
            "deeplabv3_resnet50",
            "torchvision's DeepLabV3 on ResNet50, with its auxiliary head",
            SEGMENTATION,
            "build_deeplabv3_resnet50",
            parameters=42_004_074,
            macs=1_902_477_312,
            side=64,
            pretrained=_RESNET50,
        ),
        Model(
            "tiny_scenes",
            "two convolutions with batch-norm and a 1x1 one, for tests",
            SEGMENTATION,
            "TinyScenes",
            parameters=5_829,
            macs=1_794_048,
            side=64,
        ),
    )
}
