"""Order, best trial and the files of the tables."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from analysis.load import Run, load_run
from analysis.table import SHOWN_ROWS, Table, write_table
from analysis.tables import best_table, best_trial, ordered_trials, states_table, trials_table
from study.metrics import METRICS


def with_trials(run: Run, rows: list[tuple[str, float]], direction: str = "max") -> Run:
    """The run with these (state, val_accuracy) trials and this stored direction."""
    base = run.trials.iloc[0].to_dict()
    trials = pd.DataFrame(
        [base | {"trial": n, "state": s, "val_accuracy": v} for n, (s, v) in enumerate(rows)]
    )
    return replace(
        run, trials=trials, objective=replace(METRICS["val_accuracy"], direction=direction)
    )


@pytest.fixture(scope="module")
def run(mixed_run: Path) -> Run:
    return load_run(mixed_run)


@pytest.mark.parametrize(("direction", "expected"), [("max", 2), ("min", 0)])
def test_the_stored_direction_decides(run: Run, direction: str, expected: int) -> None:
    chosen = with_trials(run, [("completed", v) for v in (0.3, 0.5, 0.9)], direction)
    best = best_trial(ordered_trials(chosen))
    assert best is not None
    assert best["trial"] == expected


@pytest.mark.parametrize("direction", ["max", "min"])
def test_only_completed_trials_with_a_finite_value_can_be_best(run: Run, direction: str) -> None:
    rows = [(state, value) for state in ("pruned", "diverged", "failed") for value in (0.0, 1.0)]
    rows += [("completed", math.nan), ("completed", math.inf), ("completed", 0.5)]
    trials = ordered_trials(with_trials(run, rows, direction))
    assert trials["trial"].iloc[0] == len(rows) - 1
    assert trials["rank"].tolist()[:2] == [1.0, pytest.approx(math.nan, nan_ok=True)]
    assert trials["rank"].notna().sum() == 1


def test_ranks_are_whole_numbers_in_every_file(run: Run, tmp_path: Path) -> None:
    trials = ordered_trials(with_trials(run, [("completed", 0.3), ("pruned", 0.1)]))
    csv, markdown, _ = write_table(trials_table(run, trials), tmp_path, "trials")
    assert [line.split(",")[0] for line in csv.read_text().splitlines()] == ["rank", "1", ""]
    assert [line.split(" | ")[0] for line in markdown.read_text().splitlines()[4:]] == [
        "| 1",
        "| –",
    ]


def test_no_best_trial_without_a_completed_one(run: Run) -> None:
    assert (
        best_trial(ordered_trials(with_trials(run, [("diverged", 0.9), ("pruned", 0.8)]))) is None
    )


def test_of_two_equal_trials_the_earlier_is_best(run: Run) -> None:
    trials = ordered_trials(with_trials(run, [("completed", v) for v in (0.1, 0.7, 0.7)]))
    assert trials["trial"].tolist() == [1, 2, 0]


def test_every_table_names_the_data_in_every_file(run: Run, tmp_path: Path) -> None:
    trials = ordered_trials(run)
    best = best_trial(trials)
    assert best is not None
    for table in (trials_table(run, trials), best_table(run, best), states_table(run, trials)):
        for path in write_table(table, tmp_path, table.name):
            content = path.read_text()
            assert "street_digits" in content or r"street\_digits" in content, path


def test_states_add_up(run: Run) -> None:
    frame = states_table(run, ordered_trials(run)).frame.set_index("state")
    assert frame.loc["all", "trials"] == len(run.trials) == 16
    assert frame.loc["all", "epochs"] == len(run.epochs)
    assert frame.loc["diverged", "trials"] == 1


def test_numbers_stand_flush_right_everywhere(
    hostile_report: Path, experiment_report: Path, segmentation_report: Path
) -> None:
    names = {"class", "true", "read as", "predicted as", "searched"}  # digits are names, too
    seen = 0
    for index in (hostile_report, experiment_report, segmentation_report):
        for file in (index.parent / "tables").glob("*.md"):
            lines = [line[2:-2].split(" | ") for line in file.read_text().splitlines()[2:]]
            for header, rule, *cells in zip(*lines, strict=True):
                if header not in names and all(re.match(r"[−+<≥≤ ]*\d|–$", cell) for cell in cells):
                    assert rule == "---:", (file.name, header)
                    seen += 1
    assert seen > 100


def test_csv_keeps_raw_values_and_every_row(tmp_path: Path) -> None:
    values = [0.1 + 1 / 3**k for k in range(SHOWN_ROWS + 5)]
    table = Table("t", pd.DataFrame({"loss (nats)": values}), "Losses.", "svhn")
    csv, markdown, latex = write_table(table, tmp_path, "v1.2-t")
    assert pd.read_csv(csv)["loss (nats)"].tolist() == pytest.approx(values, rel=1e-15)
    assert markdown.read_text().count("\n| ") == 2 + SHOWN_ROWS
    assert "First 200 of 205 rows" in markdown.read_text()
    assert latex.read_text().count(r" \\") == SHOWN_ROWS + 1


def test_markup_of_the_file_formats_is_escaped(tmp_path: Path) -> None:
    table = Table("t", pd.DataFrame({"a_b": ["50% | $x$ & \\y"]}), "C_1.", "d#1")
    _, markdown, latex = write_table(table, tmp_path, "t")
    assert r"50% \| $x$ & \y" in markdown.read_text()
    assert r"50\% | \$x\$ \& \textbackslash{}y \\" in latex.read_text()
    assert r"\caption{Data: d\#1. C\_1.}" in latex.read_text()
