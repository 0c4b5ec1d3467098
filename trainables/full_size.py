"""Predictions at the size that the labels were drawn in."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from trainables.data.masks import FullMasks


def at_label_size(
    indices: Tensor, logits: Tensor, full: FullMasks
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """(index (1,), logits (1, classes, h, w), labels uint8 (1, h, w)) of each image of a batch.

    logits: (N, classes, S, S) of square images whose padding is cut off before they are
    scaled, bilinearly, to the mask's own size: as in torchvision's reference evaluation,
    the label is never scaled.
    """
    for place, index in enumerate(indices.tolist()):
        height, width = map(int, full.inside[index])
        mask = full[index]
        scaled = interpolate(
            logits[place : place + 1, :, :height, :width].float(),
            size=mask.shape,
            mode="bilinear",
            align_corners=False,
        )
        labels = torch.tensor(mask, device=logits.device)  # a copy: masks are read-only
        yield indices[place : place + 1], scaled, labels[None]
