"""The figures in an experiment's tables against values worked out by hand."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from analysis.experiment import names
from analysis.experiment.cells import Condition, read_experiment
from analysis.experiment.context import digits
from analysis.experiment.diagnostics import diagnostics
from analysis.experiment.estimates import estimate
from analysis.experiment.per_class import (
    by_row,
    confused_pairs,
    confusion,
    mistakes,
    scores,
    scores_table,
)
from analysis.experiment.predictions import Predictions, read_predictions
from analysis.experiment.systems import comparisons, run_summary
from analysis.load import load_run
from analysis.plots.by_budget import by_budget
from analysis.plots.strengths import gap_by_strength
from study.claims import arm
from study.records import CELLS

from .synthetic_experiment import AUGMENTED, CLAIMS, PLAIN, write_experiment

# Two seeds, three classes, six images: labels and what each seed reads.
LABELS = np.array([0, 0, 0, 1, 1, 2])
READ = np.array([[0, 0, 1, 1, 1, 2], [0, 1, 1, 1, 0, 2]])


@pytest.fixture(scope="module")
def predictions() -> Predictions:
    probabilities = np.full((2, 6, 3), 0.1, dtype=np.float32)
    for seed, row in enumerate(READ):
        probabilities[seed, np.arange(6), row] = 0.7 + 0.04 * np.arange(6)
    drawn = {
        "test_probabilities": probabilities[1],
        "test_images": np.zeros((3, 4, 4, 3), dtype=np.uint8),
        "test_images_at": np.array([1, 2, 4]),
    }
    return Predictions(probabilities, LABELS, drawn)


def test_confusion_pools_the_seeds(predictions: Predictions) -> None:
    counts = confusion(predictions)
    assert counts.tolist() == [[3, 3, 0], [1, 3, 0], [0, 0, 2]]
    assert by_row(counts)[1].tolist() == [0.25, 0.75, 0.0]
    assert by_row(np.array([[0, 0], [1, 1]]))[0].tolist() == [0.0, 0.0]


def test_pairs_come_by_count(predictions: Predictions) -> None:
    assert confused_pairs(confusion(predictions)) == [(0, 1, 3, 0.5), (1, 0, 1, 0.25)]


def test_scores_by_class_and_seed(predictions: Predictions) -> None:
    precision, recall, f1 = scores(predictions)
    # Seed 0 reads 0 twice, both rightly, of three; seed 1 reads it twice, once rightly.
    assert precision[0].tolist() == pytest.approx([1, 1 / 2])
    assert recall[0].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert f1[0].tolist() == pytest.approx([0.8, 0.4])
    frame = scores_table(predictions, ["0", "1", "2"], "CNN", "t", "svhn").csv
    assert frame is not None
    assert frame["F1"].tolist()[0] == pytest.approx(0.6)
    assert frame["F1"].iloc[-1] == pytest.approx(f1.mean())
    assert frame["test images"].tolist() == [3, 2, 1, 6]


def test_a_class_without_test_images_is_in_no_mean() -> None:
    right = np.eye(3, dtype=np.float32)[None, [0, 0, 1]]
    table = scores_table(Predictions(right, np.array([0, 0, 1])), ["a", "b", "c"], "CNN", "t", "d")
    assert table.frame["F1"].tolist() == ["1.000", "1.000", "absent", "1.000"]
    assert table.caption.endswith("Absent from the test set, and not in the mean: c.")


def test_mistakes_are_the_most_confident_first(predictions: Predictions) -> None:
    found = mistakes(predictions)
    assert list(found) == [0, 1]
    assert [m.confidence for m in found[0]] == pytest.approx([0.78, 0.74])
    assert [m.read for m in found[0]] == [1, 1]
    assert found[0][0].runner_up in (0, 2)
    assert [len(several) for several in mistakes(predictions, each=1).values()] == [1, 1]
    assert mistakes(Predictions(predictions.probabilities, LABELS)) == {}


def test_an_estimate_leaves_out_what_is_not_finite() -> None:
    found = estimate([0.5, math.nan, 0.7], "test_accuracy")
    assert (found.mean, found.n) == (pytest.approx(0.6), 2)
    assert math.isnan(found.low)
    assert estimate([math.nan], "val_loss").n == 0
    high = estimate([0.9, 0.99, 0.999, 1.0, 0.8, 1.0], "test_accuracy")
    assert high.low < high.mean < high.high <= 1


def test_the_systems_table_has_means_over_seeds(experiment_run: Path) -> None:
    experiment = read_experiment(load_run(experiment_run))
    table = comparisons(experiment)[0]
    assert table.csv is not None
    row = table.csv.set_index(["arm", "epochs"]).loc[("tiny", 16)]
    values = experiment.of(Condition(PLAIN, 16))["test_loss"]
    assert row["test_loss_mean"] == pytest.approx(math.fsum(values) / 6)
    assert row["test_loss_low"] < row["test_loss_mean"] < row["test_loss_high"]
    shown = table.frame.set_index(["system", "epochs"])
    assert shown.loc[("Augmented tiny (1)", 16), "seeds"] == "5\n1 diverged"
    assert len(table.frame) == len(experiment.conditions) == 5
    assert table.caption.endswith("Each training read the test set once, after its last epoch.")


def test_the_run_summary_has_lowest_and_highest_seed(experiment_run: Path) -> None:
    experiment = read_experiment(load_run(experiment_run))
    condition = Condition(AUGMENTED, 4)
    frame = run_summary(experiment, condition).frame.set_index("metric")
    values = experiment.of(condition)["val_loss"]
    row = frame.loc["validation loss (nats)"]
    assert [row["lowest seed"], row["highest seed"]] == [values.min(), values.max()]
    assert row["n (seeds)"] == 6


def test_context_is_marked_as_other_peoples() -> None:
    table = digits()
    assert table.title.startswith("Data: svhn, reported by others. Context only")
    assert table.frame["test accuracy (fraction)"].iloc[0] == 0.88508


def test_names_and_colours_tell_strengths_apart() -> None:
    assert names.system(arm("cnn")) == "CNN"
    assert names.system(arm("resnet18_aug")) == "Augmented ResNet18 (0.5)"
    strongest = arm("resnet18_aug", augment_strength=1.0)
    fast = arm("cnn", learning_rate=0.01)
    assert names.system(fast) == "CNN (learning rate 0.01)"
    assert names.trained(Condition(strongest, 8)) == "Augmented ResNet18 (1), 8 epochs"
    large, small = (arm("tiny_aug", batch_size=size) for size in (128, 32))
    several = [PLAIN, AUGMENTED, strongest, large, small, AUGMENTED]
    colours = names.colours(several)
    assert len(set(colours.values())) == len(colours) == 5
    assert colours[PLAIN] == names.colours([PLAIN])[PLAIN]


def test_arms_that_differ_in_another_setting_have_panels_of_their_own(tmp_path: Path) -> None:
    """They were one arm: the last of each strength."""
    large = [arm("tiny_aug", batch_size=128, augment_strength=s) for s in (0.25, 1.0)]
    alone = arm("tiny_aug", batch_size=32)
    two = dataclasses.replace(
        CLAIMS[2], id="two", decided_by="paired_difference", arms=(large[0], large[1])
    )
    single = dataclasses.replace(two, id="alone", arms=(alone, PLAIN))
    run = write_experiment(tmp_path / "run", [CLAIMS[2], two, single], pictures=False)
    picture = gap_by_strength(read_experiment(load_run(run)), ["tiny"])
    assert picture is not None
    titles = [axes.get_title() for axes in picture.figure.axes]
    assert titles == ["tiny, 16 epochs", "tiny (batch size 128), 16 epochs"]
    ticks = [axes.get_xticks().tolist() for axes in picture.figure.axes]
    assert ticks == [[0.0, 0.5, 1.0], [0.25, 1.0]]


def test_a_figure_says_that_it_leaves_out_what_diverged(tmp_path: Path) -> None:
    run = write_experiment(tmp_path / "run", CLAIMS[1:2], diverged=[("tiny", 16, 0)])
    picture = by_budget(read_experiment(load_run(run)), "tiny")
    assert picture is not None
    assert "1 pair of a seed is not here, since a training of it diverged" in picture.caption


def test_damaged_and_missing_predictions_are_said(tmp_path: Path) -> None:
    run = write_experiment(tmp_path / "run", CLAIMS[:1])
    cells = sorted((run / CELLS).iterdir())
    cells[0].write_bytes(b"PK nothing")
    cells[1].unlink()
    experiment = read_experiment(load_run(run))
    notes = [
        note
        for condition in experiment.conditions
        for note in getattr(read_predictions(experiment, condition), "notes", [])
    ]
    assert len(notes) == 2
    assert [note.split(": ")[1] for note in notes] == [
        f"{cells[0].name} is damaged.",
        f"{cells[1].name} is missing.",
    ]
    assert any(part.lines for part in diagnostics(experiment)[1:])
