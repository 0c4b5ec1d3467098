"""A few images, plain and augmented at several strengths, for a report to show."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from trainables.augment import augment
from trainables.augment_scenes import augment_scenes
from trainables.data.masks import VOID

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
_VISIBLE = 1 / 400  # share of a scene below which a class cannot be seen in a report


def sample_sheet(
    images: np.ndarray,
    labels: np.ndarray,
    strengths: tuple[float, ...] = STRENGTHS,
    seed: int = 0,
    count: int = 8,
) -> dict[str, np.ndarray]:
    """Pick up to `count` images, of as many classes as there are, and augment them.

    images: uint8 (N, H, W, 3). labels: (N,), or the masks of scenes, uint8 (N, H, W).
    Returns `images`, uint8 (S, K, H, W, 3), one row a strength, and `strengths`, float64
    (S,), with `labels`, int64 (K,), or `masks`, uint8 (S, K, H, W). Every strength sees
    the same draws, so a column shows one distortion growing.
    """
    rng = np.random.default_rng(seed)
    scenes = labels.ndim == 3
    chosen = (_showing_many_classes if scenes else _of_different_classes)(labels, count, rng)
    batch = torch.from_numpy(images[chosen]).permute(0, 3, 1, 2).float() / 255
    truth = torch.from_numpy(labels[chosen])
    rows, masks = [], []
    for strength in strengths:
        generator = torch.Generator().manual_seed(seed)
        if scenes:
            row, mask = augment_scenes(batch, truth, strength, generator)
            masks.append(mask)
        else:
            row = augment(batch, strength, generator)
        rows.append(row)
    sheet = {"images": _bytes(rows), "strengths": np.array(strengths, dtype=np.float64)}
    if scenes:
        return {**sheet, "masks": torch.stack(masks).numpy()}
    return {**sheet, "labels": labels[chosen].astype(np.int64)}


def _bytes(rows: list[Tensor]) -> np.ndarray:
    """Rows of float (K, 3, H, W) in 0..1 -> uint8 (S, K, H, W, 3)."""
    sheet = torch.stack(rows).mul(255).round().to(torch.uint8).permute(0, 1, 3, 4, 2)
    return np.ascontiguousarray(sheet.numpy())


def _of_different_classes(labels: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Up to `count` indices in random order: one of each class first, then the others."""
    order = rng.permutation(len(labels))
    _, first = np.unique(labels[order], return_index=True)
    rest = np.setdiff1d(np.arange(len(order)), first)
    return order[np.concatenate([rng.permutation(first), rest])][:count]


def _showing_many_classes(masks: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Up to `count` indices, each the scene of most classes that the ones before lack.

    Among equals the one that repeats the fewest, then chance. Where nothing new is left to
    show, it begins again.
    """
    order = rng.permutation(len(masks))
    areas = np.stack([np.bincount(masks[index].ravel(), minlength=VOID)[:VOID] for index in order])
    visible = areas >= _VISIBLE * masks[0].size
    left, chosen = np.ones(len(order), dtype=bool), []
    wanted = np.ones(VOID, dtype=bool)
    for _ in range(min(count, len(order))):
        if not visible[left][:, wanted].any():
            wanted = np.ones(VOID, dtype=bool)
        fresh, repeated = visible[:, wanted].sum(1), visible[:, ~wanted].sum(1)
        best = int(np.where(left, fresh * VOID - repeated, -VOID).argmax())
        chosen.append(best)
        left[best] = False
        wanted &= ~visible[best]
    return order[chosen]
