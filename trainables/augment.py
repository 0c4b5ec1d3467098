"""Augmentation of whole batches on their device: one strength in [0, 1], no flips.

Every sample gets its own draw of one geometric map (all of rotation, scale, shear,
shift and perspective in one 3x3 matrix, so the image is resampled once), one colour map
(a 3x3 matrix and an offset), one blur or sharpening, and at most one erased rectangle.
Each magnitude is its maximum of `Policy` times the strength, so strength 0 is the
identity and the same generator state gives the same distortion, only larger, at a
larger strength.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Policy:
    """Magnitudes at strength 1; draws are uniform in plus or minus the value.

    The families and bounds are near those of RandAugment (arXiv 1909.13719), and of
    AutoAugment (arXiv 1805.09501), whose policy for SVHN is mostly inversion, shear and
    rotation. The photometric ones are smaller: here all act at once, not two or three.
    """

    rotation: float = 30.0  # degrees, as RandAugment
    shear: float = 0.3  # pixels along x a pixel along y, as RandAugment
    shift: float = 0.15  # share of the image's height and width
    zoom: float = 0.3  # natural logarithm of the scale: 0.74 to 1.35 times
    stretch: float = 0.15  # natural logarithm of the ratio of width to height
    perspective: float = 0.15  # relative change of scale from the centre to an edge
    brightness: float = 0.25  # of the range 0..1, added
    contrast: float = 0.6  # natural logarithm of the factor: 0.55 to 1.8 times
    saturation: float = 0.9  # relative change of the distance from grey
    hue: float = 60.0  # degrees around the grey axis
    tint: float = 0.1  # of the range 0..1, added to each channel on its own
    inversion: float = 0.4  # probability of the negative image
    sharpness: float = 0.8  # share of the four neighbours' mean mixed in; below 0: sharper
    noise: float = 0.03  # standard deviation of grey pixel noise, of the range 0..1
    erasing: float = 0.5  # largest side of the erased rectangle, share of the image's


POLICY = Policy()
_DRAWS = [8, 8, 1, 7]  # uniform draws a sample: geometry, colour, sharpness, erasing


def augment(images: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Randomly distorted copies of a batch; the very same tensor at strength 0.

    images: float32 (N, 3, H, W), values 0..1; the result has the same shape, range,
    device and memory format. strength: 0 to 1, else ValueError. generator: the only
    source of randomness. It may live on the CPU while the images do not: the draws are
    then those of images on the CPU.
    """
    if not 0.0 <= strength <= 1.0:
        raise ValueError(f"augmentation strength must lie in [0, 1], got {strength!r}")
    if strength == 0.0 or not len(images):
        return images
    draws = torch.rand(len(images), sum(_DRAWS), generator=generator, device=generator.device)
    geometry, colour, sharpness, erasing = draws.to(images.device).split(_DRAWS, dim=1)
    shape = (len(images), 1, *images.shape[2:])
    noise = torch.randn(shape, generator=generator, device=generator.device).to(images.device)
    # A caller's low precision would shift the colours by visible steps.
    with torch.autocast(images.device.type, enabled=False):
        out = warp(images, geometric_matrices(geometry * 2 - 1, strength))
        out = _sharpen(out, (sharpness * 2 - 1) * POLICY.sharpness * strength)
        out = _recolour(out, colour, strength)
    out = out.add_(noise, alpha=POLICY.noise * strength).clamp_(0.0, 1.0)
    out = _erase(out, erasing, strength)
    if images.is_contiguous(memory_format=torch.channels_last):
        return out.contiguous(memory_format=torch.channels_last)
    return out


def geometric_matrices(draws: Tensor, strength: float) -> Tensor:
    """Homographies (N, 3, 3) from uniform draws (N, 8) in -1..1.

    They map a point of the result to the point of the image it is read from, in
    coordinates whose origin is the centre and whose unit is half the image's height.
    """
    u = draws * strength
    angle, zoom = u[:, 0] * math.radians(POLICY.rotation), torch.exp(u[:, 1] * POLICY.zoom)
    stretch, shear = torch.exp(u[:, 2] * POLICY.stretch / 2), u[:, 3] * POLICY.shear
    cos, sin = torch.cos(angle), torch.sin(angle)
    width, height = zoom * stretch, zoom / stretch
    matrices = torch.empty(len(u), 3, 3, device=u.device, dtype=u.dtype)
    matrices[:, 0, 0] = cos * width
    matrices[:, 0, 1] = (cos * shear - sin) * height
    matrices[:, 1, 0] = sin * width
    matrices[:, 1, 1] = (sin * shear + cos) * height
    matrices[:, :2, 2] = u[:, 4:6] * (2 * POLICY.shift)
    matrices[:, 2, :2] = u[:, 6:8] * POLICY.perspective
    matrices[:, 2, 2] = 1.0
    return matrices


def warp(
    images: Tensor, matrices: Tensor, *, mode: str = "bilinear", padding: str = "reflection"
) -> Tensor:
    """Resample (N, C, H, W) through homographies (N, 3, 3) of `geometric_matrices`.

    What lies outside the image is its reflection by default: black corners would tell
    the model how strongly an image was turned, and a repeated border draws streaks that
    no photograph has.
    """
    n, _, height, width = images.shape
    x = (torch.arange(width, device=images.device) * 2 + 1 - width) / height
    y = ((torch.arange(height, device=images.device) * 2 + 1 - height) / height)[:, None]
    # Term by term: many 3x3 products made the whole warp 1.6 times slower on the CPU.
    m = matrices.flatten(1)[..., None, None].unbind(1)
    inverse = (m[6] * x + (m[7] * y + m[8])).reciprocal_()
    grid = images.new_empty(n, height, width, 2)
    torch.mul(m[0] * x + (m[1] * y + m[2]), inverse * (height / width), out=grid[..., 0])
    torch.mul(m[3] * x + (m[4] * y + m[5]), inverse, out=grid[..., 1])
    return functional.grid_sample(images, grid, mode, padding, align_corners=False)


def _recolour(images: Tensor, draws: Tensor, strength: float) -> Tensor:
    """Linear map of the colours about each image's mean grey; `draws` (N, 8) in 0..1."""
    u = (draws[:, :7] * 2 - 1) * strength
    contrast = torch.exp(u[:, 0] * POLICY.contrast)[:, None, None]
    chroma = (1 + u[:, 1] * POLICY.saturation)[:, None, None]
    angle = (u[:, 2] * math.radians(POLICY.hue))[:, None, None]
    # Rodrigues' rotation about the grey axis (1, 1, 1), with what is off the axis scaled.
    grey = torch.full((3, 3), 1 / 3, device=images.device)
    turn = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]], device=images.device) / 3**0.5
    off_axis = torch.eye(3, device=images.device) - grey
    matrix = contrast * (grey + chroma * (torch.cos(angle) * off_axis + torch.sin(angle) * turn))
    negative = (draws[:, 7] < POLICY.inversion * strength)[:, None]
    centre = images.mean((1, 2, 3))[:, None]
    shift = u[:, 3:4] * POLICY.brightness + u[:, 4:7] * POLICY.tint
    target = torch.where(negative, 1 - centre, centre) + shift
    matrix = torch.where(negative[..., None], -matrix, matrix)
    offset = target - matrix.sum(2) * centre
    return torch.baddbmm(offset[..., None], matrix, images.flatten(2)).view_as(images)


def _sharpen(images: Tensor, amount: Tensor) -> Tensor:
    """Mix in the mean of each pixel's four neighbours (blur), or subtract it; `amount` (N, 1)."""
    padded = functional.pad(images, (1, 1, 1, 1), mode="replicate")
    around = padded[..., :-2, 1:-1] + padded[..., 2:, 1:-1]
    around += padded[..., 1:-1, :-2]
    around += padded[..., 1:-1, 2:]
    return around.mul_(0.25).sub_(images).mul_(amount[..., None, None]).add_(images)


def _erase(images: Tensor, draws: Tensor, strength: float) -> Tensor:
    """Paint one rectangle a sample in a plain colour; `draws` (N, 7) in 0..1."""
    height, width = images.shape[2:]
    rows = torch.arange(height, device=images.device) + 0.5
    columns = torch.arange(width, device=images.device) + 0.5
    half = draws[:, 2:4] * (POLICY.erasing * strength / 2)
    inside_rows = (rows - draws[:, :1] * height).abs() < half[:, :1] * height
    inside_columns = (columns - draws[:, 1:2] * width).abs() < half[:, 1:] * width
    inside = (inside_rows[:, None, :, None] & inside_columns[:, None, None, :]).to(images.dtype)
    return images.lerp_(draws[:, 4:, None, None], inside)
