"""Augmentation of scenes with their label masks: whole batches on their device.

One strength in [0, 1] as in `trainables.augment`, of which this shares the geometric map
and the colours: each magnitude is its maximum of `ScenePolicy` times the strength, so
strength 0 is the identity and the same generator state gives the same distortion, only
larger, at a larger strength.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from trainables.augment import (
    GEOMETRIC_DRAWS,
    Geometry,
    check_strength,
    draw,
    geometric_matrices,
    in_format_of,
    sampling_grid,
    warp,
)
from trainables.data.masks import VOID
from trainables.photometry import PHOTOMETRIC_DRAWS, Photometry, distort_colours


@dataclass(frozen=True)
class ScenePolicy(Geometry, Photometry):
    """Magnitudes at strength 1; draws are uniform in plus or minus the value.

    Scale, crop and flip are those of torchvision's reference for segmentation and of
    mmsegmentation (RandomResize 0.5 to 2, RandomCrop, RandomFlip); colours, but for tint,
    sharpness and noise, lie within mmsegmentation's PhotoMetricDistortion. Rotation, shear
    and perspective stay below RandAugment's (arXiv 1909.13719): a scene knows up from down,
    and colours tell sky from grass, so nothing is inverted. Nothing is erased: the label
    would claim a class where none can be seen.
    """

    rotation: float = 15.0  # degrees
    shear: float = 0.1  # pixels along x a pixel along y
    shift: float = 0.25  # share of the side: at twice the size, any crop of the scene
    zoom: float = math.log(2)  # natural logarithm of the scale: 0.5 to 2 times
    stretch: float = 0.15  # natural logarithm of the ratio of width to height
    perspective: float = 0.1  # relative change of scale from the centre to an edge
    brightness: float = 32 / 255  # of the range 0..1, added
    contrast: float = math.log(1.5)  # natural logarithm of the factor: 0.67 to 1.5 times
    saturation: float = 0.5  # relative change of the distance from grey
    hue: float = 18.0  # degrees: half of PhotoMetricDistortion's, which acts on half the images
    tint: float = 0.03  # of the range 0..1, added to each channel on its own
    inversion: float = 0.0  # probability of the negative image
    sharpness: float = 0.5  # share of the four neighbours' mean mixed in; below 0: sharper
    noise: float = 0.02  # standard deviation of grey pixel noise, of the range 0..1
    flip: float = 0.5  # probability of the mirror image


SCENE_POLICY = ScenePolicy()


def augment_scenes(
    images: Tensor,
    masks: Tensor,
    strength: float,
    generator: torch.Generator,
    policy: ScenePolicy = SCENE_POLICY,
) -> tuple[Tensor, Tensor]:
    """Randomly distorted copies of scenes and their masks; the very same tensors at strength 0.

    images: float32 (N, 3, H, W), values 0..1. masks: uint8 or int64 (N, H, W), classes
    below 255 or VOID, on the images' device. The results have the same shapes, types,
    ranges, device and memory format; masks hold no class that they did not hold before.
    strength: 0 to 1, else ValueError, as for masks of another size. generator: the only
    source of randomness; it may live on the CPU while the images do not.

    Both are read once, at the same points. Outside of the scene the mask is VOID and the
    image its reflection: nothing is learnt there, but what is seen past a scene's edge is
    like what is seen inside it, and the statistics of batch normalisation stay those of
    scenes although half the size leaves three quarters of the canvas outside.
    """
    check_strength(strength)
    if masks.shape != (len(images), *images.shape[2:]):
        raise ValueError(f"masks {tuple(masks.shape)} do not fit images {tuple(images.shape)}")
    if strength == 0.0 or not len(images):
        return images, masks
    sizes = [GEOMETRIC_DRAWS, PHOTOMETRIC_DRAWS, 1]
    draws, noise = draw(images, sum(sizes), generator)
    geometry, colours, flips = draws.split(sizes, dim=1)
    matrices = geometric_matrices(geometry * 2 - 1, strength, policy)
    # Left and right of the result change places, whatever else the map does.
    matrices[:, :, 0] *= torch.where(flips < policy.flip * strength, -1.0, 1.0)
    grid = sampling_grid(matrices, *images.shape[2:])
    out = distort_colours(warp(images, grid), colours, noise, strength, policy)
    return in_format_of(images, out), warp_masks(masks, grid)


def warp_masks(masks: Tensor, grid: Tensor) -> Tensor:
    """Resample masks (N, H, W) on a `sampling_grid`, nearest neighbour, VOID outside."""
    # Zeros are all that `grid_sample` can pad with, so VOID is zero while it samples. Whole
    # numbers of this size are exact in float32.
    lowered = masks[:, None].float() - VOID
    read = functional.grid_sample(lowered, grid, "nearest", "zeros", align_corners=False)
    return read.add_(VOID).to(masks.dtype).squeeze(1)
