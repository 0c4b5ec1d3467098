"""t-SNE of a model's features: training in 2D, validation in 2D and 3D."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis import style
from analysis.plots.picture import Picture

POINTS = 250  # images a split: more take longer and hide one another
_PERPLEXITY = 30.0
_COLOURS = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"),
    *("#56b4e9", "#1d1d6b", "#8c564b", "#7f7f7f", "#b8a900"),
)


def embeddings(
    drawn: dict[str, np.ndarray], classes: list[str], what: str, slug: str
) -> Picture | None:
    """Three panels from the drawn cell's penultimate features; None where it has none."""
    splits = {name: _features(drawn, name) for name in ("train", "val")}
    if any(len(labels) < 4 for _, labels in splits.values()):
        return None
    figure = style.figure(5.3)
    panels = [
        (figure.add_axes((0.02, 0.51, 0.47, 0.40)), "train", 2, "training, 2D"),
        (figure.add_axes((0.51, 0.51, 0.47, 0.40)), "val", 2, "validation, 2D"),
        (figure.add_axes((0.02, 0.0, 0.66, 0.46), projection="3d"), "val", 3, "validation, 3D"),
    ]
    figure.set_layout_engine(None)
    for axes, name, dimensions, title in panels:
        features, labels = splits[name]
        _scatter(axes, _tsne(features, dimensions), labels)
        axes.set_title(title)
    handles = [
        Line2D([], [], lw=0, marker="o", ms=5, color=_colour(label), label=classes[label])
        for label in sorted(set(splits["val"][1].tolist()) | set(splits["train"][1].tolist()))
    ]
    figure.legend(handles=handles, loc="lower right", bbox_to_anchor=(0.98, 0.04), title="class")
    agreement = {name: _agreement(*values) for name, values in splits.items()}
    perplexity = _perplexity(len(splits["val"][1]))
    caption = (
        f"{what}, seed 0: t-SNE of the penultimate features of {len(splits['train'][1])} training "
        f"and {len(splits['val'][1])} validation images (perplexity {perplexity:.0f}, seeded). In "
        f"the features themselves the nearest neighbour has the same class for "
        f"{agreement['train']:.0%} of the training and {agreement['val']:.0%} of the validation "
        "images. Distances between clusters and their sizes mean nothing in t-SNE."
    )
    alt = "Three scatter plots of images coloured by class: training, validation, validation in 3D."
    return Picture(f"tsne-{slug}", "Features seen through t-SNE", figure, caption, alt)


def _features(drawn: dict[str, np.ndarray], name: str) -> tuple[np.ndarray, np.ndarray]:
    """(features float32 (n, D), labels (n,)) of at most POINTS images."""
    features = drawn.get(f"{name}_features", np.empty((0, 1)))[:POINTS].astype(np.float32)
    labels = drawn.get(f"{name}_feature_labels", np.empty(0, dtype=int))[:POINTS]
    finite = np.isfinite(features).all(axis=1)
    return features[finite], labels[finite]


def _perplexity(count: int) -> float:
    return min(_PERPLEXITY, (count - 1) / 3)


def _tsne(features: np.ndarray, dimensions: int) -> np.ndarray:
    """Coordinates (n, dimensions). Source: van der Maaten 2008, sklearn.manifold.TSNE.

    On one thread: with so few points threads mostly wait for one another, for minutes where
    another program has the cores; and their number, the machine's, rounds sums differently, which
    can end in another arrangement.
    """
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    method = TSNE(
        dimensions,
        perplexity=_perplexity(len(features)),
        init="pca" if features.shape[1] >= dimensions else "random",
        # Gentler than the defaults, which in 3D throw some of so few points far out: of nine
        # settings the one with the lowest divergence, and as low as 1,000 steps reach.
        learning_rate=10.0,
        early_exaggeration=4.0,
        max_iter=400,
        random_state=0,
    )
    with threadpool_limits(1):
        return np.asarray(method.fit_transform(features))


def _agreement(features: np.ndarray, labels: np.ndarray) -> float:
    """Share of images whose nearest neighbour has their class."""
    from sklearn.neighbors import NearestNeighbors

    nearest = NearestNeighbors(n_neighbors=1).fit(features)
    return float((labels[nearest.kneighbors(return_distance=False)[:, 0]] == labels).mean())


def _scatter(axes: Axes, points: np.ndarray, labels: np.ndarray) -> None:
    for label in np.unique(labels):
        x, y, *z = points[labels == label].T
        looks: dict[str, Any] = {"s": 9, "alpha": 0.8, "linewidths": 0}
        axes.scatter(x, y, *z, color=_colour(int(label)), **looks)
    axes.set_xticks([])
    axes.set_yticks([])
    if points.shape[1] == 3:
        axes.set_zticks([])  # type: ignore[attr-defined]


def _colour(label: int) -> str:
    return _COLOURS[label % len(_COLOURS)]
