"""A few images, plain and augmented at several strengths, for a report to show."""

from __future__ import annotations

import numpy as np
import torch

from trainables.augment import augment

STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)


def sample_sheet(
    images: np.ndarray,
    labels: np.ndarray,
    strengths: tuple[float, ...] = STRENGTHS,
    seed: int = 0,
    count: int = 8,
) -> dict[str, np.ndarray]:
    """Pick up to `count` images, of as many classes as there are, and augment them.

    images: uint8 (N, H, W, 3). labels: (N,). Returns `images`, uint8 (S, K, H, W, 3), one
    row a strength, with `labels`, int64 (K,), and `strengths`, float64 (S,). Every
    strength sees the same draws, so a column shows one distortion growing.
    """
    chosen = _of_different_classes(labels, count, np.random.default_rng(seed))
    batch = torch.from_numpy(images[chosen]).permute(0, 3, 1, 2).float() / 255
    rows = [augment(batch, s, torch.Generator().manual_seed(seed)) for s in strengths]
    sheet = torch.stack(rows).mul(255).round().to(torch.uint8).permute(0, 1, 3, 4, 2)
    return {
        "images": np.ascontiguousarray(sheet.numpy()),
        "labels": labels[chosen].astype(np.int64),
        "strengths": np.array(strengths, dtype=np.float64),
    }


def _of_different_classes(labels: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Up to `count` indices in random order: one of each class first, then the others."""
    order = rng.permutation(len(labels))
    _, first = np.unique(labels[order], return_index=True)
    rest = np.setdiff1d(np.arange(len(order)), first)
    return order[np.concatenate([rng.permutation(first), rest])][:count]
