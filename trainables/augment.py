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
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from trainables.photometry import PHOTOMETRIC_DRAWS, Photometry, distort_colours


@dataclass(frozen=True)
class Geometry:
    """Magnitudes of the geometric map at strength 1; draws are uniform in plus or minus them."""

    rotation: float = 30.0  # degrees, as RandAugment
    shear: float = 0.3  # pixels along x a pixel along y, as RandAugment
    shift: float = 0.15  # share of the image's height and width
    zoom: float = 0.3  # natural logarithm of the scale: 0.74 to 1.35 times
    stretch: float = 0.15  # natural logarithm of the ratio of width to height
    perspective: float = 0.15  # relative change of scale from the centre to an edge


@dataclass(frozen=True)
class Policy(Geometry, Photometry):
    """What `augment` does at strength 1, tuned for digits in photographs.

    The families and bounds are near those of RandAugment (arXiv 1909.13719), and of
    AutoAugment (arXiv 1805.09501), whose policy for SVHN is mostly inversion, shear and
    rotation. The photometric ones are smaller: here all act at once, not two or three.
    """

    erasing: float = 0.5  # largest side of the erased rectangle, share of the image's


POLICY = Policy()
GEOMETRIC_DRAWS = 8  # uniform draws a sample
_ERASING_DRAWS = 7


def augment(
    images: Tensor, strength: float, generator: torch.Generator, policy: Policy = POLICY
) -> Tensor:
    """Randomly distorted copies of a batch; the very same tensor at strength 0.

    images: float32 (N, 3, H, W), values 0..1; the result has the same shape, range,
    device and memory format. strength: 0 to 1, else ValueError. generator: the only
    source of randomness. It may live on the CPU while the images do not: the draws are
    then those of images on the CPU.
    """
    check_strength(strength)
    if strength == 0.0 or not len(images):
        return images
    sizes = [GEOMETRIC_DRAWS, PHOTOMETRIC_DRAWS, _ERASING_DRAWS]
    draws, noise = draw(images, sum(sizes), generator)
    geometry, colours, erasing = draws.split(sizes, dim=1)
    grid = sampling_grid(geometric_matrices(geometry * 2 - 1, strength, policy), *images.shape[2:])
    out = distort_colours(warp(images, grid), colours, noise, strength, policy)
    return in_format_of(images, _erase(out, erasing, policy.erasing * strength))


def check_strength(strength: float) -> None:
    """Raise ValueError unless the strength lies in [0, 1]."""
    if not 0.0 <= strength <= 1.0:
        raise ValueError(f"augmentation strength must lie in [0, 1], got {strength!r}")


def draw(images: Tensor, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Uniform draws (N, count) in 0..1 and normal ones (N, 1, H, W), on the images' device."""
    n, _, height, width = images.shape
    uniform = torch.rand(n, count, generator=generator, device=generator.device)
    normal = torch.randn(n, 1, height, width, generator=generator, device=generator.device)
    return uniform.to(images.device), normal.to(images.device)


def in_format_of(images: Tensor, out: Tensor) -> Tensor:
    """`out` in the memory format of `images`."""
    if images.is_contiguous(memory_format=torch.channels_last):
        return out.contiguous(memory_format=torch.channels_last)
    return out


def geometric_matrices(draws: Tensor, strength: float, policy: Geometry = POLICY) -> Tensor:
    """Homographies (N, 3, 3) from uniform draws (N, 8) in -1..1.

    They map a point of the result to the point of the image it is read from, in
    coordinates whose origin is the centre and whose unit is half the image's height.
    """
    # Few operations: each costs more than what it does for some dozens of samples.
    amounts = draws * (_magnitudes(policy, draws.device, draws.dtype) * strength)
    angle, zoom, stretch, shear, *shift, left, up = amounts.unbind(1)
    cos, sin = torch.cos(angle), torch.sin(angle)
    width, height = torch.exp(zoom + stretch), torch.exp(zoom - stretch)
    x = (cos * width, (cos * shear - sin) * height, shift[0])
    y = (sin * width, (sin * shear + cos) * height, shift[1])
    return torch.stack((*x, *y, left, up, torch.ones_like(up)), dim=1).view(-1, 3, 3)


@cache
def _magnitudes(policy: Geometry, device: torch.device, dtype: torch.dtype) -> Tensor:
    """What each draw of the geometric map amounts to at its largest: radians, logarithms, units."""
    scale = (math.radians(policy.rotation), policy.zoom, policy.stretch / 2, policy.shear)
    place = (2 * policy.shift, 2 * policy.shift, policy.perspective, policy.perspective)
    return torch.tensor((*scale, *place), device=device, dtype=dtype)


def sampling_grid(matrices: Tensor, height: int, width: int) -> Tensor:
    """Where each pixel of the result is read, (N, height, width, 2) as `grid_sample` takes it.

    matrices: homographies (N, 3, 3) of `geometric_matrices`.
    """
    x, y = _pixel_centres(height, width, matrices.device)
    # Term by term: many 3x3 products made the whole warp 1.6 times slower on the CPU.
    m = matrices.flatten(1)[..., None, None].unbind(1)
    inverse = (m[6] * x + (m[7] * y + m[8])).reciprocal_()
    grid = matrices.new_empty(len(matrices), height, width, 2)
    torch.mul(m[0] * x + (m[1] * y + m[2]), inverse * (height / width), out=grid[..., 0])
    torch.mul(m[3] * x + (m[4] * y + m[5]), inverse, out=grid[..., 1])
    return grid


@cache
def _pixel_centres(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Coordinates (width,) and (height, 1) about the image's centre, in half its height."""
    x = (torch.arange(width, device=device) * 2 + 1 - width) / height
    y = (torch.arange(height, device=device) * 2 + 1 - height) / height
    return x, y[:, None]


def warp(images: Tensor, grid: Tensor) -> Tensor:
    """Resample (N, C, H, W) bilinearly on a `sampling_grid`.

    What lies outside the image is its reflection: black corners would tell the model how
    strongly an image was turned, and a repeated border draws streaks that no photograph
    has.
    """
    return functional.grid_sample(images, grid, "bilinear", "reflection", align_corners=False)


def _erase(images: Tensor, draws: Tensor, largest: float) -> Tensor:
    """Paint one rectangle a sample, sides up to `largest` of the image's; draws (N, 7) in 0..1."""
    rows, columns = _shares(*images.shape[2:], images.device)
    row, column, tall, wide, *_ = draws[:, :, None].unbind(1)
    inside_rows = (rows - row).abs() < tall * (largest / 2)
    inside_columns = (columns - column).abs() < wide * (largest / 2)
    inside = (inside_rows[:, None, :, None] & inside_columns[:, None, None, :]).to(images.dtype)
    return images.lerp_(draws[:, 4:, None, None], inside)


@cache
def _shares(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Where the pixels' centres are, (height,) and (width,), in shares of the image's sides."""
    rows = (torch.arange(height, device=device) + 0.5) / height
    columns = (torch.arange(width, device=device) + 0.5) / width
    return rows, columns
