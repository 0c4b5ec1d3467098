"""Distortion of colours, sharpness and noise, of whole batches on their device.

Every sample gets its own draw of one linear colour map (a 3x3 matrix and an offset) and
one blur or sharpening. Pixels stay where they are, so a label mask stays as it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Photometry:
    """Magnitudes at strength 1; draws are uniform in plus or minus the value."""

    brightness: float = 0.25  # of the range 0..1, added
    contrast: float = 0.6  # natural logarithm of the factor: 0.55 to 1.8 times
    saturation: float = 0.9  # relative change of the distance from grey
    hue: float = 60.0  # degrees around the grey axis
    tint: float = 0.1  # of the range 0..1, added to each channel on its own
    inversion: float = 0.4  # probability of the negative image
    sharpness: float = 0.8  # share of the four neighbours' mean mixed in; below 0: sharper
    noise: float = 0.03  # standard deviation of grey pixel noise, of the range 0..1


PHOTOMETRIC_DRAWS = 9  # uniform draws a sample: eight of the colours, one of the sharpness


def distort_colours(
    images: Tensor, draws: Tensor, noise: Tensor, strength: float, policy: Photometry
) -> Tensor:
    """Sharpened or blurred, recoloured and noisy copies, values 0..1.

    draws: (N, 9) in 0..1, eight of the colours and one of the sharpness. noise:
    (N, 1, H, W), standard normal.
    """
    # A caller's low precision would shift the colours by visible steps.
    with torch.autocast(images.device.type, enabled=False):
        out = _sharpen(images, (draws[:, 8:] * 2 - 1) * policy.sharpness * strength)
        out = _recolour(out, draws[:, :8], strength, policy)
    return out.add_(noise, alpha=policy.noise * strength).clamp_(0.0, 1.0)


def _recolour(images: Tensor, draws: Tensor, strength: float, policy: Photometry) -> Tensor:
    """Linear map of the colours about each image's mean grey; `draws` (N, 8) in 0..1."""
    magnitudes = _magnitudes(policy, draws.device, draws.dtype)
    amounts = (draws[:, :7] * 2 - 1) * (magnitudes * strength)
    contrast, saturation, angle, *_ = amounts[..., None, None].unbind(1)
    contrast, chroma = contrast.exp(), 1 + saturation
    grey, off_axis, turn = _about_grey(images.device, images.dtype)
    matrix = contrast * (grey + chroma * (torch.cos(angle) * off_axis + torch.sin(angle) * turn))
    negative = (draws[:, 7] < policy.inversion * strength)[:, None]
    centre = images.mean((1, 2, 3))[:, None]
    shift = amounts[:, 3:4] + amounts[:, 4:]
    target = torch.where(negative, 1 - centre, centre) + shift
    matrix = torch.where(negative[..., None], -matrix, matrix)
    offset = target - matrix.sum(2) * centre
    return torch.baddbmm(offset[..., None], matrix, images.flatten(2)).view_as(images)


@cache
def _magnitudes(policy: Photometry, device: torch.device, dtype: torch.dtype) -> Tensor:
    """What each draw of the colours amounts to at its largest: logarithm, shares, radians."""
    hue, tints = math.radians(policy.hue), (policy.tint,) * 3
    amounts = (policy.contrast, policy.saturation, hue, policy.brightness, *tints)
    return torch.tensor(amounts, device=device, dtype=dtype)


@cache
def _about_grey(device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """Rodrigues' rotation about the grey axis (1, 1, 1): on it, off it, and turned; each 3x3."""
    grey = torch.full((3, 3), 1 / 3, device=device, dtype=dtype)
    turn = grey.new_tensor([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / 3**0.5
    return grey, torch.eye(3, device=device, dtype=dtype) - grey, turn


def _sharpen(images: Tensor, amount: Tensor) -> Tensor:
    """Mix in the mean of each pixel's four neighbours (blur), or subtract it; `amount` (N, 1)."""
    padded = functional.pad(images, (1, 1, 1, 1), mode="replicate")
    around = padded[..., :-2, 1:-1] + padded[..., 2:, 1:-1]
    around += padded[..., 1:-1, :-2]
    around += padded[..., 1:-1, 2:]
    # Four times what the mean differs by, times a quarter: one pass over the images fewer.
    return torch.addcmul(images, around.sub_(images, alpha=4), amount[..., None, None] / 4)
