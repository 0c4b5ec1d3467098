"""Learning curves of so many trials that lines would hide one another are bands, and say so."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PolyCollection

from analysis.load import Run, load_run
from analysis.plots import all_curves
from analysis.plots.curves import best_curves
from analysis.plots.picture import Picture
from study.metrics import METRICS

from .synthetic import write_run

STATES = ["completed"] * 9 + ["pruned"] * 3


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return load_run(write_run(tmp_path_factory.mktemp("runs") / "run", STATES))


def drawn(picture: Picture, kind: type) -> list[int]:
    """How many such artists that hold something every panel has."""
    return [
        sum(isinstance(c, kind) and bool(len(c.get_paths())) for c in axes.collections)
        for axes in picture.figure.axes
    ]


def legend_of(picture: Picture) -> tuple[str, list[str]]:
    """The legend's title and its labels."""
    legend = picture.figure.legends[0]
    return legend.get_title().get_text(), [label.get_text() for label in legend.get_texts()]


def test_a_loss_lowest_at_the_end_says_nothing_of_overfitting(run: Run) -> None:
    rows = run.epochs[run.epochs["trial"] == 0].sort_values("epoch")
    rows = rows.assign(val_loss=np.linspace(2, 1, len(rows)), train_loss=0.1)
    caption = best_curves(dataclasses.replace(run, epochs=rows), 0, "completed").caption
    assert "in the last epoch (1.000): it had not begun to rise. It ends 0.900 nats" in caption
    assert "overfitting" not in caption


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.linspace(0.094, 0.123, 6), "is highest in the last epoch (0.123)."),
        (np.linspace(0.123, 0.094, 6), "is highest after epoch 1 of 6 (0.123) and ends at 0.094."),
        ([0.1, 0.2, np.nan, 0.1, 0.1, np.nan], "of 6 (0.200) and is not finite in the last."),
    ],
)
def test_the_objective_has_a_sentence_beside_the_loss(run: Run, values, words: str) -> None:
    rows = run.epochs[run.epochs["trial"] == 0].sort_values("epoch")
    rows = rows.assign(val_accuracy=values, val_loss=np.linspace(2, 1, len(rows)))
    changed = dataclasses.replace(run, epochs=rows)
    caption = best_curves(changed, 0, "completed").caption
    assert "Validation loss is lowest in the last epoch" in caption
    assert "Validation accuracy, the objective, is highest" in caption
    assert caption.endswith(words)
    by_loss = dataclasses.replace(changed, objective=METRICS["val_loss"])
    assert "the objective" not in best_curves(by_loss, 0, "completed").caption


def test_few_trials_are_a_line_each(run: Run) -> None:
    picture = all_curves.all_curves(run, 0)
    assert drawn(picture, PolyCollection) == [0] * 4
    assert drawn(picture, LineCollection) == [2] * 4
    assert legend_of(picture) == ("", ["completed", "stopped early", "best: trial 0"])


def test_a_state_of_many_trials_is_two_bands_and_the_figure_says_so(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(all_curves, "MOST_LINES", 8)
    picture = all_curves.all_curves(run, 0)
    assert drawn(picture, PolyCollection) == [2] * 4
    assert drawn(picture, LineCollection) == [1] * 4  # the three that were stopped
    title, labels = legend_of(picture)
    assert title == all_curves._BANDS
    assert labels == ["completed (9)", "stopped early", "best: trial 0"]
    assert "these lines end" in picture.caption
    assert "bands" in picture.alt


def test_bands_are_quantiles_of_the_trials_at_each_epoch(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(all_curves, "MOST_LINES", 8)
    axes = all_curves.all_curves(run, None).figure.axes[1]  # validation loss
    outer, inner = [c for c in axes.collections if isinstance(c, PolyCollection)]
    first = run.epochs.query("trial < 9 and epoch == 1")["val_loss"]
    for band, quantiles in ((outer, (0.05, 0.95)), (inner, (0.25, 0.75))):
        corners = band.get_paths()[0].vertices
        at_first = corners[corners[:, 0] == 1, 1]
        assert (at_first.min(), at_first.max()) == pytest.approx(np.quantile(first, quantiles))
