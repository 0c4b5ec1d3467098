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
from analysis.plots.confusions import confusions
from analysis.plots.picture import Picture
from analysis.plots.worst import worst
from analysis.task import TASKS
from trainables.data import CLASSIFICATION

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


def matrices(counts: np.ndarray, task: str = CLASSIFICATION) -> list[Picture]:
    with style.styled():
        return confusions(
            counts, DIGITS[: len(counts)], "CNN", "cnn", f"{counts.sum()} predictions", TASKS[task]
        )


def numbers(picture: Picture) -> list[str]:
    return [shown.get_text() for shown in picture.figure.axes[0].texts]


@pytest.mark.parametrize(
    ("largest", "shown", "unit"),
    [
        (1_040, ["815", "0", "3", "1,040"], ""),
        (40_000_000, ["<1", "0", "<1", "40,000"], " Counts are in units of 1,000."),
    ],
)
def test_counts_of_a_matrix_are_written_in_one_way(
    largest: int, shown: list[str], unit: str
) -> None:
    counts = np.zeros((10, 10), dtype=np.int64)
    counts[:2, :2] = [[815, 0], [3, largest]]
    picture, shares = matrices(counts)
    found = numbers(picture)
    assert [found[0], found[1], found[10], found[11]] == shown
    assert picture.caption.endswith(f"of its images).{unit}")
    assert "units" not in shares.caption


def test_counts_lie_within_their_cells() -> None:
    for power in range(10):
        picture, _ = matrices(np.full((10, 10), 4 * 10**power, dtype=np.int64))
        canvas = FigureCanvasAgg(picture.figure)
        canvas.draw()
        (axes,) = picture.figure.axes
        cell = axes.get_window_extent().width / 10
        widest = max(t.get_window_extent(canvas.get_renderer()).width for t in axes.texts)
        assert widest < cell, (power, numbers(picture)[0])


def test_a_class_that_is_never_predicted_has_its_column() -> None:
    counts = np.array([[5, 0, 0], [2, 3, 0], [1, 1, 0]])
    for picture in matrices(counts):
        assert numbers(picture)[2::3] == ["0"] * 3
        lines = [line for found in picture.figure.axes[0].collections for line in found.get_paths()]
        assert len(lines) == 8  # around every row and every column


@pytest.mark.parametrize(
    ("right", "words"),
    [
        ([0, 4, 0, 3], "Classes 0 and 2 are right least often (0.0% each)."),
        ([2, 4, 3, 3], "Class 0 is right least often (50.0%)."),
        ([1, 1, 1, 1], "Every class is right equally often (25.0%)."),
        ([0] * 6 + [1], "6 of 7 classes are right least often (0.0% each)."),
    ],
)
def test_all_classes_that_are_right_least_often_are_told(right: list[int], words: str) -> None:
    counts = np.diag(right)
    for true, hits in enumerate(right):
        counts[true, (true + 1) % len(right)] = 4 - hits
    assert matrices(counts)[1].caption.endswith(words)
