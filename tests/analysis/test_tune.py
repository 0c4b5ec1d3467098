"""A Ray Tune directory that this project did not make."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import pytest

from analysis.report import write_report
from analysis.tune import is_tune_directory, read_tune, trials_table
from trainables.errors import UserError

from .synthetic import HOSTILE
from .synthetic_experiment import CLAIMS, write_experiment
from .test_report import page_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two trials: nested parameters, a NaN, a name that is markup, a damaged line."""
    path = tmp_path / "theirs"
    for trial, losses in enumerate([[0.9, 0.5, 0.25], [0.8, float("nan")]]):
        inside = path / f"trainable_{trial}"
        inside.mkdir(parents=True)
        params = {"lr": 0.1 / (trial + 1), "layers": [16, 8], "optimizer": {"name": HOSTILE}}
        (inside / "params.json").write_text(json.dumps(params))
        rows = [
            {
                "loss": loss,
                "eval": {"score": 1 - loss},
                "done": False,
                "pid": 17,
                "training_iteration": step,
                "config": params,
            }
            for step, loss in enumerate(losses, start=1)
        ]
        (inside / "result.json").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with open(path / "trainable_1" / "result.json", "a") as file:
        file.write('{"loss": 0.')
    return path


def test_metrics_are_the_numbers_that_are_not_bookkeeping(folder: Path) -> None:
    run = read_tune(folder)
    assert run.metrics == ["loss", "eval/score"]
    assert run.notes == ["trainable_1: 1 line is damaged and left out."]
    frame = trials_table(run).frame
    assert frame["folder"].tolist() == ["trainable_0", "trainable_1"]
    assert frame["results"].tolist() == [3, 2]
    assert frame["loss"][0] == 0.25
    assert frame["param lr"].tolist() == [0.1, 0.05]
    assert frame["param layers"].tolist() == ["[16, 8]"] * 2


@pytest.mark.parametrize(
    "values",
    [
        '"training_iteration": "three"',
        '"training_iteration": null',
        '"training_iteration": NaN',
        '"training_iteration": true',
        f'"training_iteration": {10**300}',
        f'"training_iteration": {10**400}',
        f'"training_iteration": 3, "steps": {10**400}',
        f'"training_iteration": 3, "steps": {"9" * 5000}',
        f'"training_iteration": 3, "nested": {"[" * 100_000}',
    ],
    ids=lambda values: values[:40],
)
def test_a_result_of_impossible_numbers_is_left_out(
    folder: Path, tmp_path: Path, values: str
) -> None:
    with open(folder / "trainable_0" / "result.json", "a") as file:
        file.write(f'{{"loss": 0.1, {values}}}\n')
    run = read_tune(folder)
    assert run.notes[0] == "trainable_0: 1 line is damaged and left out."
    assert run.results["loss"].tolist()[:3] == [0.9, 0.5, 0.25]
    write_report([folder], tmp_path / "report")


def test_metrics_may_be_called_like_columns_of_ours(folder: Path, tmp_path: Path) -> None:
    with open(folder / "trainable_0" / "result.json", "a") as file:
        file.write('{"training_iteration": 4, "trial": 17, "results": 5, "folder": 3}\n')
    run = read_tune(folder)
    assert run.results["trial"].tolist() == [0, 0, 0, 0, 1, 1]
    frame = trials_table(run).frame
    assert frame.columns.is_unique
    assert frame["trial (metric)"][0] == 17
    assert frame["results"].tolist() == [4, 2]
    assert "results (metric)" in page_of(write_report([folder], tmp_path / "report")).text


def test_a_trial_that_diverged_at_its_end_shows_no_earlier_metric(folder: Path) -> None:
    with open(folder / "trainable_1" / "result.json", "a") as file:
        file.write('\n{"training_iteration": 3, "accuracy": 0.5}\n')
    frame = trials_table(read_tune(folder)).frame
    assert math.isnan(frame["loss"][1])  # neither 0.8 nor left out for a result that came later
    assert frame["accuracy"][1] == 0.5


@pytest.mark.parametrize("null", ["null", '"null"'])
def test_a_null_counts_as_the_last_value(folder: Path, null: str) -> None:
    """The text is what Tune's encoder writes of a NumPy NaN."""
    with open(folder / "trainable_0" / "result.json", "a") as file:
        file.write(f'{{"training_iteration": 4, "loss": {null}, "note": {null}}}\n')
    run = read_tune(folder)
    assert math.isnan(trials_table(run).frame["loss"][0])
    assert "note" not in run.metrics


def test_its_report_ranks_nothing(folder: Path, tmp_path: Path) -> None:
    index = write_report([folder], tmp_path / "report")
    text = page_of(index).text
    assert "none is called best" in text
    assert HOSTILE in text
    assert "<script>alert" not in index.read_text()
    assert (index.parent / "figures" / "curves.svg").exists()
    assert not (index.parent / "verdicts.json").exists()


def test_it_stands_beside_an_experiment(folder: Path, tmp_path: Path) -> None:
    claims = [dataclasses.replace(CLAIMS[0], seeds=2)]
    ours = write_experiment(tmp_path / "ours", claims, pictures=False)
    index = write_report([folder, ours], tmp_path / "report")
    text = page_of(index).text
    assert "Report of 1 experiment and 1 Ray Tune directory" in text
    assert text.index("Claim by claim") < text.index("none is called best")
    assert len(json.loads((index.parent / "verdicts.json").read_text())) == 1


def test_a_directory_without_results_is_no_run(tmp_path: Path) -> None:
    assert not is_tune_directory(tmp_path)
    with pytest.raises(UserError, match="not a run directory"):
        write_report([tmp_path], tmp_path / "report")
    (tmp_path / "trial").mkdir()
    (tmp_path / "trial" / "result.json").write_text("")
    with pytest.raises(UserError, match="without a result yet"):
        write_report([tmp_path], tmp_path / "report")
