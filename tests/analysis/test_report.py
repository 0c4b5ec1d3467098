"""The report as a whole, on runs of every kind."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import text
from analysis.caveats import caveats, edge_warnings, unfinished
from analysis.comparison import comparison_table, differences
from analysis.importance import MIN_COMPLETED, importance
from analysis.load import load_run
from analysis.plots import options
from analysis.plots.progress import best_so_far
from analysis.plots.slices import slices
from analysis.report import write_report
from analysis.search import summary
from analysis.table import write_table
from analysis.tables import best_table, best_trial, ordered_trials
from study import journal_file
from study.domains import describe
from study.records import SAMPLES
from trainables.errors import UserError

from .synthetic import HOSTILE, MIXED, configuration, manifest, write_run

FIGURES = {"curves_best", "curves_all", "best_so_far", "slices", "importance", "samples"}
TABLES = {"best_configuration", "states", "trials"}


class Page(HTMLParser):
    """Collects tags with their attributes, and the text outside scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._hidden = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._hidden = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False

    def handle_data(self, data: str) -> None:
        self.text += "" if self._hidden else data

    def all(self, name: str) -> list[dict[str, str | None]]:
        """Attributes of every such tag."""
        return [attributes for tag, attributes in self.tags if tag == name]


def page_of(index: Path) -> Page:
    return Page(index.read_text(encoding="utf-8"))


def test_names_from_users_are_escaped(hostile_report: Path) -> None:
    html = hostile_report.read_text(encoding="utf-8")
    page = Page(html)
    assert "<script>alert" not in html
    assert HOSTILE in page.text
    assert len(page.all("script")) == 1


def test_nothing_is_fetched_and_every_picture_has_words(hostile_report: Path) -> None:
    page = page_of(hostile_report)
    images = page.all("img")
    assert len(images) == len(FIGURES)
    for image in images:
        assert str(image["src"]).startswith("data:image/svg+xml;base64,")
        assert len(str(image["alt"])) > 30
    for name in ("src", "href"):
        for _, attributes in page.tags:
            assert "//" not in str(attributes.get(name, "")).split("base64,")[0]
    assert not {"iframe", "object", "embed"} & {tag for tag, _ in page.tags}


def test_figures_and_tables_lie_beside_it_and_are_linked(hostile_report: Path) -> None:
    out = hostile_report.parent
    expected = {f"figures/{name}.{kind}" for name in FIGURES for kind in ("png", "svg")}
    expected |= {f"tables/{name}.{kind}" for name in TABLES for kind in ("csv", "md", "tex")}
    written = {str(path.relative_to(out)) for path in out.rglob("*.*") if path.is_file()}
    assert written == expected | {"index.html"}
    linked = {str(link["href"]) for link in page_of(hostile_report).all("a")}
    assert expected <= linked


@pytest.mark.filterwarnings("error::UserWarning", "error::RuntimeWarning")
@pytest.mark.parametrize(
    ("states", "words"),
    [
        (["completed"], "1 configuration was tried"),
        (["diverged"] * 3, "there is no best one"),
        (["running"], "The command that continues it"),
    ],
)
def test_runs_with_little_to_show(tmp_path: Path, states: list[str], words: str) -> None:
    status = "interrupted" if "running" in states else "complete"
    run = write_run(tmp_path / "run", states, tables=False, status=status)
    page = page_of(write_report([run], tmp_path / "report"))
    assert words in page.text
    assert f"needs {MIN_COMPLETED} or more completed trials" in page.text
    assert "nan" not in page.text.lower().split()


def test_what_was_asked_for_and_has_no_epoch_is_not_counted_as_tried(tmp_path: Path) -> None:
    states = ["completed", "pruned", "running", "running", "running"]
    directory = write_run(tmp_path / "run", states, status="interrupted", tables=False)
    for trial in (5, 6):
        start = {
            "event": "start",
            "trial": trial,
            "config": configuration(0, np.random.default_rng(0)),
        }
        journal_file.append(directory, start)
    run = load_run(directory)
    (line,) = unfinished(run)
    assert ": 2 of 16 trials ended; 3 are unfinished; 2 have no epoch yet, begun or" in line
    trials = ordered_trials(run)
    found = summary(run, trials, best_trial(trials))
    assert (
        "5 configurations were tried: 1 ran to the end, 1 stopped early (pruned) and 3 unfinis"
        in found
    )


def test_a_damaged_sample_file_is_named_and_the_rest_is_written(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", ["completed", "pruned"])
    (run / SAMPLES).write_bytes(b"PK not an archive")
    page = page_of(write_report([run], tmp_path / "report"))
    assert "samples.npz is damaged" in page.text
    assert len(page.all("img")) == 4


def test_runs_on_different_data_stand_side_by_side_with_the_difference_named(
    tmp_path: Path,
) -> None:
    svhn = manifest().data | {"name": "svhn", "content_hash": "ff00"}
    runs = [
        write_run(tmp_path / "a", ["completed", "completed"]),
        write_run(tmp_path / "b", ["completed", "pruned"], seed=3, run_id="b", data=svhn),
    ]
    index = write_report(runs, tmp_path / "report")
    page = page_of(index)
    assert "different data sets: their rows must not be compared" in page.text
    assert "Data: street_digits and svhn." in page.text
    assert [a["id"] for tag, a in page.tags if tag == "section"][-1] == "comparison"
    assert "Holm" not in page.text
    assert (index.parent / "tables" / "b-trials.csv").exists()
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_models_that_differ_are_named_beside_what_is_the_same(tmp_path: Path) -> None:
    runs = [load_run(write_run(tmp_path / name, ["completed"], run_id=name)) for name in "ab"]
    same = "Data, objective and seeds are the same in all of these runs."
    assert differences(runs) == [same]
    runs[1].manifest.space["model"] = "cnn"
    assert differences(runs) == [same, "Different models: a: resnet18; b: cnn."]


def test_a_search_without_a_best_trial_has_whole_numbers_beside_it(tmp_path: Path) -> None:
    runs = [
        load_run(write_run(tmp_path / state, [state], run_id=state))
        for state in ("completed", "diverged")
    ]
    csv, *_ = write_table(comparison_table(runs), tmp_path, "comparison")
    table = pd.read_csv(csv, dtype=str)
    assert table["best trial"].tolist()[0] == "0"
    assert table["epochs"].tolist()[0] == "6"


def test_a_best_value_at_the_edge_of_its_range_is_said(mixed_run: Path) -> None:
    run = load_run(mixed_run)
    best = best_trial(ordered_trials(run))
    assert best is not None
    best = best.copy()
    high = run.dimensions["learning_rate"].high
    best["config.learning_rate"], best["config.augment_strength"] = high, 0.5
    best["config.epochs"], best["config.weight_decay"] = 2, 1e-3
    warnings = edge_warnings(run, best)
    assert len(warnings) == 2
    rate = run.dimensions["learning_rate"]
    assert f"({high}) lies at the upper end of its range {describe(rate)}" in warnings[0]
    assert "epochs (2) lies at the lower end" in warnings[1]


@pytest.mark.parametrize(
    ("space", "strength", "words"),
    [
        ("resnet18_aug", 0.02, "compare it with the plain space, `resnet18`."),
        ("mlp_aug", 0.02, "compare it with the same space without augmentation."),
        ("resnet18_aug", 0.99, ", and 1 is the strongest augmentation there is."),
    ],
)
def test_no_strength_beyond_the_ends_is_advised(
    mixed_run: Path, space: str, strength: float, words: str
) -> None:
    run = load_run(mixed_run)
    run.manifest.space["model"] = space.removesuffix("_aug")
    best = ordered_trials(run).iloc[0].copy()
    best["config.augment_strength"] = strength
    (line,) = [line for line in edge_warnings(run, best) if "augment strength" in line]
    assert line.endswith(words)
    assert "Widen" not in line


@pytest.mark.parametrize(("space", "said"), [("resnet18_aug", True), ("resnet18", False)])
def test_only_what_is_augmented_is_said_to_start_slowly_by_it(
    tmp_path: Path, space: str, said: bool
) -> None:
    run = load_run(write_run(tmp_path / "run", MIXED, space=manifest(space).space))
    lines = " ".join(caveats(run, None))
    assert ("slow starters, strongly augmented ones above all, can be lost" in lines) == said
    assert "slow starters" in lines


def test_caveats_come_from_the_manifest(tmp_path: Path) -> None:
    git = {"commit": "abc", "dirty": True}
    run = load_run(write_run(tmp_path / "run", MIXED, seeds=[0, 7], git=git))
    lines = " ".join(caveats(run, best_trial(ordered_trials(run))))
    for words in (
        "optimizer AdamW, schedule one cycle, loss cross-entropy",
        "Seeds 0 and 7.",
        "adaptive and not independent",
        "optimistic",
        "uncommitted changes",
        "4 trials were stopped early",
        "1,200 training and 360 validation images",
    ):
        assert words in lines


@pytest.mark.parametrize(
    ("second", "differs"),
    [
        ({"cpus": 8, "gpus": 2, "gpu_kinds": ["L4"], "memory_gib": 3.0}, False),  # fewer nodes
        ({"cpus": 0.0, "gpus": 0.0, "gpu_kinds": []}, False),  # ended before a node was there
        ({"cpus": 32, "gpus": 8, "gpu_kinds": ["T4"]}, True),
    ],
)
def test_other_machines_are_those_of_another_kind(tmp_path: Path, second, differs) -> None:
    first = {"cpus": 32, "gpus": 8, "gpu_kinds": ["L4"], "memory_gib": 9.0}
    sessions = [{"git": {}, "packages": {}, "hardware": found} for found in (first, second)]
    run = load_run(write_run(tmp_path / "run", MIXED, sessions=sessions))
    assert ("different machines" in " ".join(caveats(run, None))) == differs


def report(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "analysis.report", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_command_says_errors_in_one_line(tmp_path: Path) -> None:
    result = report("--out", str(tmp_path / "out"), str(tmp_path / "no"))
    assert result.returncode == 2
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    (tmp_path / "file").write_text("")
    run = write_run(tmp_path / "run", ["completed"])
    result = report(str(run), "--out", str(tmp_path / "file"))
    assert result.returncode == 1
    assert "cannot write the report" in result.stderr


def test_a_run_of_another_kind_is_refused_by_name(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", ["completed"], kind="survey")
    with pytest.raises(UserError, match="survey"):
        write_report([run], tmp_path / "out")


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, analysis.report; "
        "print({'pandas', 'matplotlib', 'numpy', 'optuna', 'torch', 'ray'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_best_trial_that_only_guesses_is_said_to(mixed_run: Path) -> None:
    run = load_run(mixed_run)
    run.trials["val_accuracy"] = 0.1
    trials = ordered_trials(run)
    said = summary(run, trials, best_trial(trials))
    assert said.count("Even the best is no better than always answering") == 1
    assert "the most frequent class (0.1750)." in said


def test_a_range_of_one_value_is_fixed_and_in_no_slice(tmp_path: Path) -> None:
    described = manifest()
    epochs = {"kind": "int", "low": 6, "high": 6, "default": 6, "role": "scientific", "log": True}
    described.space["dimensions"]["epochs"] = epochs
    run = load_run(write_run(tmp_path / "run", space=described.space))
    run.trials["config.epochs"] = 6
    trials = ordered_trials(run)
    best = best_trial(trials)
    assert best is not None
    assert "epochs" not in run.searched
    picture = slices(run, trials, best)
    assert picture is not None
    assert "epochs" not in picture.alt
    row = best_table(run, best).frame.set_index("hyperparameter").loc["epochs"]
    assert row[["searched", "scale"]].tolist() == ["6", "fixed"]
    assert "epochs 6" in next(line for line in caveats(run, best) if "Not searched" in line)
    assert "epochs" not in importance(run, trials).shares


def test_dots_of_a_batch_size_stand_in_its_band_and_the_caption_says_that_they_are_moved(
    mixed_run: Path,
) -> None:
    run = load_run(mixed_run)
    picture = slices(run, ordered_trials(run), None)
    assert picture is not None
    (panel,) = [a for a in picture.figure.axes if a.get_xlabel() == "batch size (images)"]
    assert [label.get_text() for label in panel.get_xticklabels()] == ["32", "64", "128"]
    drawn = np.concatenate([np.asarray(marks.get_offsets())[:, 0] for marks in panel.collections])
    shifts = drawn - drawn.round()
    assert 0 < np.abs(shifts).max() <= 0.3
    for option in range(3):
        assert shifts[drawn.round() == option].sum() == pytest.approx(0)
    assert "Of batch size only the labelled values were tried: dots are moved" in picture.caption
    assert "For batch size, one band an option" in picture.alt


def test_the_share_of_a_log_scaled_range_is_said_to_be_one(tmp_path: Path) -> None:
    run = load_run(write_run(tmp_path / "run", ["completed"] * 12))
    trials = ordered_trials(run)
    for name, scale in (("learning_rate", " on a log scale. "), ("augment_strength", ". ")):
        spread = trials.assign(**{f"config.{other}": np.nan for other in run.dimensions})
        spread[f"config.{name}"] = trials[f"config.{name}"]
        picture = slices(run, spread, None)
        assert picture is not None
        assert f"agree most on {text.dimension(name)}:" in picture.caption
        assert f"of the range searched{scale}Dotted" in picture.caption


def test_the_course_of_a_search_says_what_its_trials_are_counted_by(mixed_run: Path) -> None:
    picture = best_so_far(load_run(mixed_run))
    assert picture is not None
    assert picture.figure.axes[0].get_xlabel() == "trials, in the order they were proposed"
    assert picture.caption.startswith("Trials are counted in the order they were proposed.")


def test_a_dot_alone_is_not_moved() -> None:
    assert options.jitter(np.array([0.0, 2.0, 1.0, 2.0]))[[0, 2]].tolist() == [0, 0]


def test_two_runs_of_one_title_are_told_apart(mixed_run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(mixed_run, other)
    page = write_report([mixed_run, other], tmp_path / "out").read_text()
    titles = re.findall(r"<h2[^>]*>([^<]*)</h2>", page)
    assert len(set(titles)) == len(titles) > 1
