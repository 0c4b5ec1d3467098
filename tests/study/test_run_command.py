"""The face of the search: what it answers without torch or Ray, and how it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from study import records
from study.plan import SearchSpec, run_id
from study.results import SearchResult
from study.run import main
from study.spaces import SPACES
from study.summary import print_best, print_search
from tests.study.commands import heavy_imports, run
from tests.study.test_records import manifest

PLAN = "--space resnet18_aug --dry-run"
QUICK = ["--help", "--list", PLAN, f"{PLAN} --storage s3://bucket/runs"]


@pytest.mark.parametrize("arguments", QUICK)
def test_quick_answers_import_neither_torch_nor_ray(arguments: str) -> None:
    heavy = {"torch", "ray", "wandb", "optuna", "pandas", "numpy", "sklearn"}
    imported, shown = heavy_imports("study.run", arguments.split(), heavy)
    assert not imported
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("module", ["study.run", "study.confirm"])
def test_help_says_what_is_counted_by_worker(module: str) -> None:
    shown = " ".join(run("--help", module=module).stdout.split())
    for option in ("--cpus-per-trial FLOAT", "--gpus-per-trial FLOAT"):
        assert f"{option} Of each worker of a trial;" in shown


def test_list_shows_every_space_and_dimension() -> None:
    shown = run("--list").stdout
    for space in SPACES.values():
        assert space.name in shown
        for name in space.dimensions:
            assert name in shown


def test_a_dry_run_shows_the_plan_and_writes_nothing(tmp_path: Path) -> None:
    arguments = ("--space", "cnn_aug", "--seed", "0", "--dry-run", "--storage", str(tmp_path))
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    assert run_id(SearchSpec("cnn_aug")) in done.stdout
    for word in ("trials", "epochs", "resources", "time"):
        assert word in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("module", ["study.run --space cnn", "study.confirm"])
def test_a_new_folder_can_be_downloaded_into(module: str, tmp_path: Path) -> None:
    name, *arguments = module.split()
    arguments += ["--data", "svhn", "--data-dir", str(tmp_path / "new"), "--dry-run"]
    assert "no such folder" in run(*arguments, module=name).stderr
    done = run(*arguments, "--download", module=name)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "--space NAME is needed"),
        ("--space resnet18_agu", "did you mean resnet18_aug?"),
        ("--space cnn --data svnh", "did you mean svhn?"),
        ("--space cnn --sampler tp", "did you mean tpe?"),
        ("--space cnn --trials 0", "--trials must be a whole number of at least 1, got 0"),
        ("--space cnn --trials x", "--trials"),
        ("--space cnn --train-size 5 --dry-run", "street_digits needs at least 32"),
        ("--space cnn --cpus-per-trial nan", "got nan"),
        ("--space cnn --gpus-per-trial -1", "got -1"),
        ("--space cnn --trails 3", "--trials"),
        ("cnn_aug", "unexpected 'cnn_aug': did you mean --space cnn_aug?"),
        ("--space cnn --address 127.0.0.1:1", "nobody answers there (Connection refused)"),
        ("--space cnn --data svhn --data-dir /nowhere", "/nowhere"),
        ("--space cnn --data-dir /nowhere", "reads no directory"),
        ("--space cnn --data-dir /tmp --dry-run", "leave it out, or name the data with --data"),
        ("--space cnn --storage /proc/none", "cannot write there"),
        ("--space cnn --cpus-per-trial 4096", "needs 4096 CPUs, but there are"),
        ("--space cnn --workers-per-trial 4096", "needs 4096 CPUs, but there are"),
    ],
)
def test_a_wrong_request_is_one_line_on_stderr(arguments: str, message: str, tmp_path) -> None:
    storage = () if "--storage" in arguments else ("--storage", str(tmp_path))
    done = run(*arguments.split(), *storage)
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: ")
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stdout + done.stderr


BEST = {"trial": 3, "config": {}, "metrics": {"val_accuracy": 0.75}}


@pytest.mark.parametrize(
    ("best", "said"),
    [
        (BEST, "best  trial 3  val_accuracy 0.7500"),
        (None, "no trial finished its schedule, so there is no best one"),
    ],
)
def test_quiet_shows_the_result_only(best, said: str, monkeypatch, capsys) -> None:
    tables = (pd.DataFrame(), pd.DataFrame())
    result = SearchResult("tiny-1", Path("r"), best, *tables, {}, 1.0, Path("r/report/index.html"))
    monkeypatch.setattr("study.explore.search", lambda *_, **__: result)
    main.main(["--space", "tiny", "--quiet"], standalone_mode=False)
    assert capsys.readouterr().out.splitlines() == [said, "report  r/report/index.html"]
    main.main(["--space", "tiny", "--quiet", "--json"], standalone_mode=False)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["best"] == best


def test_the_table_of_trials_has_a_line_a_trial(capsys) -> None:
    config = {"learning_rate": 0.00012, "epochs": 12, "augment_strength": 0.55}
    config |= {"weight_decay": 1.2e-05, "batch_size": 128}
    shared = {f"{records.CONFIG}{name}": value for name, value in config.items()}
    shared |= {"state": "completed", "epoch": 12, "epochs": 12}
    rows = [{"trial": n, "val_accuracy": n / 20, **shared} for n in range(12)]
    best = {"trial": 11, "config": config, "metrics": {"val_accuracy": 0.55}}
    counts, page = {"completed": 12}, Path("r/report/index.html")
    result = SearchResult("r", Path("r"), best, pd.DataFrame(rows), pd.DataFrame(), counts, 9, page)
    print_search(Console(width=80), result, "val_accuracy")
    head, *lines = capsys.readouterr().out.splitlines()
    words = " ".join(head.split()), " ".join(lines[0].split())
    assert words[0] == "trial state epochs val_accuracy lr strength wd batch"
    assert words[1] == "11 completed 12/12 0.5500 0.00012 0.55 1.2e-05 128"
    assert lines[10] == "... and 2 more in r/report/tables/trials.csv"
    assert lines[-2] == "best  trial 11  val_accuracy 0.5500; at the defaults (trial 0) 0.0000"


@pytest.mark.parametrize(
    ("guess", "is_said"), [(0.8, True), (0.75, True), (0.7, False), (None, False)]
)
def test_a_best_trial_that_only_guesses_is_said_to(guess, is_said: bool, capsys) -> None:
    tables = (pd.DataFrame(), pd.DataFrame())
    result = SearchResult("r", Path("r"), BEST, *tables, {}, 1.0, Path("r/index.html"), guess)
    print_best(Console(width=80), result, "val_accuracy")
    assert ("most frequent class" in capsys.readouterr().out) == is_said


def test_debug_shows_where() -> None:
    done = run("--space", "nothing", "--debug")
    assert "Traceback" in done.stderr


def test_a_run_of_a_newer_schema_is_left_alone(tmp_path: Path) -> None:
    directory = tmp_path / run_id(SearchSpec("tiny"))
    directory.mkdir()
    newer = manifest(schema_version=records.SCHEMA_VERSION + 1)
    records.write_manifest(directory, newer)
    before = (directory / records.MANIFEST).read_bytes()
    done = run("--space", "tiny", "--storage", str(tmp_path))
    assert done.returncode == 1
    assert "newer than this version" in done.stderr
    assert (directory / records.MANIFEST).read_bytes() == before
