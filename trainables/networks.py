"""The study's own small networks and how torchvision's are built; `models` has the table.

torchvision takes seconds to import, so only those import it that are made of it.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn
from torch.nn.functional import interpolate

from trainables.trimmed_conv import trim


def build_cnn(classes: int) -> nn.Module:
    """Two convolutions with max-pooling, two fully connected layers; 32x32 images only."""
    layers = {
        # Pooling first: the same values and gradients, and a quarter of the ReLUs.
        "conv1": nn.Conv2d(3, 32, 3, padding=1),
        "pool1": nn.MaxPool2d(2),
        "relu1": nn.ReLU(),
        "conv2": nn.Conv2d(32, 64, 3, padding=1),
        "pool2": nn.MaxPool2d(2),
        "relu2": nn.ReLU(),
        "flatten": nn.Flatten(),
        "fc1": nn.Linear(64 * 8 * 8, 128),
        "relu3": nn.ReLU(),
        "fc": nn.Linear(128, classes),
    }
    return nn.Sequential(OrderedDict(layers))


def build_tiny(classes: int) -> nn.Module:
    """Two strided convolutions with batch-norm, and an average over the image."""
    layers = {
        **_two_convolutions(),
        "pool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
        "fc": nn.Linear(32, classes),
    }
    return nn.Sequential(OrderedDict(layers))


def _two_convolutions() -> dict[str, nn.Module]:
    return {
        "conv1": nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False),
        "bn1": nn.BatchNorm2d(16),
        "relu1": nn.ReLU(),
        "conv2": nn.Conv2d(16, 32, 3, stride=2, padding=1, bias=False),
        "bn2": nn.BatchNorm2d(32),
        "relu2": nn.ReLU(),
    }


def build_resnet18(classes: int) -> nn.Module:
    """torchvision's ResNet18 (He et al. 2016), without the taps that only see padding."""
    from torchvision.models import resnet18

    return trim(resnet18(num_classes=classes))


class TinyScenes(nn.Module):
    """Two strided convolutions and a 1x1 one, scaled up to the image: for tests."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.backbone = nn.Sequential(OrderedDict(_two_convolutions()))
        self.classifier = nn.Conv2d(32, classes, 1)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Images (N, 3, H, W) -> {"out": logits (N, classes, H, W)}."""
        coarse = self.classifier(self.backbone(images))
        out = interpolate(coarse, images.shape[2:], mode="bilinear", align_corners=False)
        return {"out": out}


def build_fcn_resnet50(classes: int) -> nn.Module:
    """torchvision's FCN on ResNet50 at stride 8 (Long et al. 2015), with the auxiliary head."""
    from torchvision.models.segmentation import fcn_resnet50

    model: nn.Module = fcn_resnet50(
        weights=None, weights_backbone=None, num_classes=classes, aux_loss=True
    )
    return trim(model)


def build_deeplabv3_resnet50(classes: int) -> nn.Module:
    """torchvision's DeepLabV3 on ResNet50 (Chen et al. 2017), with the auxiliary head."""
    from torchvision.models.segmentation import deeplabv3_resnet50

    model: nn.Module = deeplabv3_resnet50(
        weights=None, weights_backbone=None, num_classes=classes, aux_loss=True
    )
    return trim(model)
