"""A new report takes an earlier one's place as a whole, and touches nobody else's files."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from analysis import folder, page
from analysis.folder import VERDICTS_JSON
from analysis.report import write_report
from trainables.errors import UserError

from .synthetic import write_run
from .synthetic_experiment import CLAIMS, write_experiment


def files(out: Path) -> set[str]:
    return {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}


@pytest.fixture
def earlier(experiment_report: Path, tmp_path: Path) -> Path:
    """A folder with the report of an experiment."""
    out = tmp_path / "out"
    shutil.copytree(experiment_report.parent, out)
    return out


def test_nothing_of_an_earlier_report_is_left_and_all_that_is_not_a_reports(
    earlier: Path, tmp_path: Path
) -> None:
    mine = {"notes.md", "tables/mine.csv", "figures/mine.png", "figures/index.html"}
    for name in mine:
        (earlier / name).write_text("mine")
    run = write_run(tmp_path / "run", ["completed", "pruned"])
    write_report([run], earlier)
    write_report([run], tmp_path / "alone")
    assert files(earlier) == files(tmp_path / "alone") | mine


def test_a_folder_with_somebody_elses_page_keeps_its_files(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "tables").mkdir(parents=True)
    (out / "tables" / "mine.csv").write_text("mine")
    (out / VERDICTS_JSON).write_text("mine")
    (out / "index.html").write_text('<a href="tables/mine.csv">CSV</a>')
    write_report([write_run(tmp_path / "run", ["completed"])], out)
    assert {"tables/mine.csv", VERDICTS_JSON} < files(out)


def test_a_report_that_fails_leaves_the_earlier_one_as_it_was(
    earlier: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {name: (earlier / name).read_bytes() for name in files(earlier)}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(page, "write_table", full)
    with pytest.raises(UserError, match="No space left"):
        write_report([write_run(tmp_path / "run", ["completed", "pruned"])], earlier)
    assert {name: (earlier / name).read_bytes() for name in files(earlier)} == before
    assert not list(earlier.glob(".report-*"))


def test_the_verdicts_are_there_before_the_page_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved: list[str] = []

    def seen(source: Path, target: Path) -> None:
        moved.append(target.name)
        shutil.move(source, target)

    monkeypatch.setattr(folder.os, "replace", seen)
    claims = [dataclasses.replace(CLAIMS[0], seeds=2)]
    run = write_experiment(tmp_path / "run", claims, pictures=False)
    write_report([run], tmp_path / "out")
    assert VERDICTS_JSON in moved
    assert moved.index("index.html") == len(moved) - 1
