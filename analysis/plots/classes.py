"""How the classes are distributed over the splits."""

from __future__ import annotations

import numpy as np

from analysis import style, text
from analysis.plots.picture import Picture

SPLITS = {"train": ("training", style.TRAIN), "val": ("validation", style.VALIDATION)}
SPLITS |= {"test": ("test", "#009e73")}


def class_distribution(counts: dict[str, list[int]], classes: list[str]) -> Picture | None:
    """Share of each class in every split that has counts; None where none has.

    counts: images a class, by split ("train", "val", "test").
    """
    splits = {k: np.array(counts[k], dtype=float) for k in SPLITS if sum(counts.get(k) or [])}
    if not splits:
        return None
    shares = {name: values / values.sum() for name, values in splits.items()}
    figure = style.figure(3.2)
    axes = figure.subplots()
    width = 0.8 / len(splits)
    for place, (name, values) in enumerate(shares.items()):
        label, colour = SPLITS[name]
        x = np.arange(len(values)) + (place - (len(splits) - 1) / 2) * width
        axes.bar(x, values, width, color=colour, label=f"{label} ({int(splits[name].sum()):,})")
    axes.set_xticks(range(len(classes)), classes)
    axes.set_xlabel("class")
    axes.set_ylabel("share of the split's images")
    axes.grid(visible=False, axis="x")
    figure.legend(loc="outside lower center", ncols=3)
    first = next(iter(shares.values()))
    apart = max(float(np.abs(values - first).max()) for values in shares.values())
    caption = (
        f"{_spread(first, classes, SPLITS[next(iter(shares))][0])}; shares differ between splits "
        f"by at most {100 * apart:.1f} percentage points. Training and validation as seed 0 "
        "splits them; the splits are the same for all systems."
    )
    alt = (
        f"Bar chart of the share of {len(classes)} classes in the "
        f"{text.listed([SPLITS[name][0] for name in splits])} images."
    )
    return Picture("class_distribution", "Classes in each split", figure, caption, alt)


def _spread(shares: np.ndarray, classes: list[str], split: str) -> str:
    """The most frequent and the rarest class of a split, where they differ."""
    most, least = int(shares.argmax()), int(shares.argmin())
    if shares[most] == shares[least]:
        return f"All classes are equally frequent in the {split} images ({shares[most]:.1%} each)"
    return (
        f"The most frequent class ({classes[most]}) makes up {shares[most]:.1%} of the {split} "
        f"images, the rarest ({classes[least]}) {shares[least]:.1%}"
    )
