"""Figures about classes: names of any length have their room."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.transforms import Bbox

from analysis import style
from analysis.experiment.per_class import Mistake
from analysis.plots.classes import class_distribution
from analysis.plots.worst import worst

DIGITS = [str(digit) for digit in range(10)]


def mistakes(classes: int) -> dict[int, list[Mistake]]:
    image = np.zeros((8, 8, 3), dtype=np.uint8)
    return {
        true: [Mistake(image, true, (true + 1) % classes, 1.0, true, 0.05)] * 3
        for true in range(classes)
    }


@pytest.mark.parametrize(
    ("classes", "images"),
    [
        (DIGITS, 3),
        (["oak", "maple", "birch"], 3),
        (["cat", "a motor vehicle, heavy"], 2),
        (["W" * 20, "$5$"], 1),
    ],
)
def test_names_lie_beside_the_images_and_within_the_figure(classes: list[str], images: int) -> None:
    with style.styled():
        picture = worst(mistakes(len(classes)), classes, "CNN, 4 epochs", "cnn-4")
    assert picture is not None
    (axes,) = picture.figure.axes
    canvas = FigureCanvasAgg(picture.figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    boxes = [part.get_window_extent(renderer) for part in (*axes.texts, *axes.images)]
    assert len(axes.images) == images * len(classes)
    assert f"of the {len(axes.images)} shown" in picture.caption
    width = picture.figure.bbox.width
    assert all(box.x0 >= 0 and box.x1 <= width for box in boxes)
    assert not [pair for pair in combinations(boxes, 2) if Bbox.intersection(*pair)]


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ([50, 50, 50], "All classes are equally frequent in the training images (33.3% each);"),
        ([50, 25, 25], "The most frequent class (oak) makes up 50.0% of the training images, the"),
    ],
)
def test_equal_classes_are_not_ranked(counts: list[int], words: str) -> None:
    with style.styled():
        picture = class_distribution({"train": counts}, ["oak", "maple", "birch"])
    assert picture is not None
    assert picture.caption.startswith(words)
