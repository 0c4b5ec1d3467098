"""Weights & Biases: whole runs read back with W&B's own reader, crashes, no network, no secrets."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import math
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from study import records, tracking
from study.cell_evidence import ROWS
from study.handover import Ledger, Trials, outstanding
from study.journal import Journal
from study.publish import POLL_SECONDS
from study.tracking import OFF, OFFLINE, ONLINE, decide, tracked
from tests.study.commands import run
from tests.study.test_records import epoch, manifest
from trainables.errors import UserError

KEY, SECRET = "0123456789abcdef0123456789abcdef01234567", "planted/secret+access/key"
PLANTED = {"WANDB_API_KEY": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}
TRIALS = 3
SEARCH = [
    *("--space", "tiny_aug", "--data", "uci_digits", "--train-size", "400"),
    *("--trials", str(TRIALS), "--max-epochs", "3"),
]


def read_back(run_dir: Path) -> dict[str, list[dict]]:
    """The records of every W&B run in a run directory by its id; each has one folder only."""
    core = Path(str(importlib.util.find_spec("wandb").origin)).parent / "bin" / "wandb-core"
    found: dict[str, list[dict]] = {}
    for path in sorted((run_dir / "wandb").glob("offline-run-*/run-*.wandb")):
        inspect = [core, "leet", "inspect", "--no-observability", "--json", "--run-file", path]
        done = subprocess.run([*inspect, path.parents[1]], capture_output=True, check=True)
        name = path.stem.removeprefix("run-")
        assert name not in found
        found[name] = [json.loads(line) for line in done.stdout.splitlines()]
    return found


def history(lines: list[dict]) -> list[dict]:
    """What was logged, step by step, without W&B's own columns but the step."""
    items = [line["history"]["item"] for line in lines if line["type"] == "history"]
    return [{k: v for k, v in x.items() if k == "_step" or k[0] != "_"} for x in items]


def record_of(lines: list[dict], kind: str) -> dict:
    (found,) = [line[kind] for line in lines if line["type"] == kind]
    return found


def summary(lines: list[dict]) -> dict:
    values: dict = {}
    for line in lines:
        values |= line.get("summary", {}).get("update", {})
    return values


@pytest.fixture(autouse=True, scope="module")
def patience() -> Iterator[None]:
    """As long as a machine with other work may take."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tracking, "PATIENCE", 300.0)
        patch.setattr(tracking, "PATIENCE_INTERRUPTED", 300.0)
        yield


def spoken(lines: list[str]) -> list[str]:
    """What is said on any machine, however slow."""
    return [line for line in lines if not line.startswith("waiting for W&B")]


# A whole search, several trials at once, with secrets in its environment.


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[Path, str]:
    """(the run directory, all that the command said)."""
    storage = tmp_path_factory.mktemp("tracked")
    arguments = [*SEARCH, "--storage", str(storage), "--wandb", "offline"]
    done = run(*arguments, **PLANTED, WANDB_RUN_ID="of-something-else")
    assert done.returncode == 0, done.stderr
    (run_dir,) = storage.iterdir()
    return run_dir, done.stdout + done.stderr


NO_METRICS = ("event", "trial")


def test_every_metric_of_every_epoch_is_there_once(finished) -> None:
    run_dir, _ = finished
    read, journal = read_back(run_dir), Journal(run_dir)
    assert len(read) == TRIALS + 1  # and the report
    for number in journal.configs():
        expected = [
            {"_step": line["epoch"], **{k: v for k, v in line.items() if k not in NO_METRICS}}
            for line in journal.epochs_of(number)
        ]
        assert history(read[f"{run_dir.name}-{number:05d}"]) == expected


def test_a_run_has_its_configuration_group_tags_and_end(finished) -> None:
    run_dir, _ = finished
    read, journal = read_back(run_dir), Journal(run_dir)
    for number, config in journal.configs().items():
        lines = read[f"{run_dir.name}-{number:05d}"]
        begun = record_of(lines, "run")
        assert begun["run_group"] == run_dir.name
        assert begun["project"] == tracking.PROJECT
        assert set(begun["tags"]) == {"space:tiny_aug", "seed:0", "data:uci_digits"}
        assert begun["config"]["update"].items() >= config.items()
        assert summary(lines)["state"] == journal.ended()[number]
        assert record_of(lines, "exit")["exit_code"] == 0


def test_the_report_is_one_artifact_with_figures_and_tables(finished) -> None:
    run_dir, _ = finished
    lines = read_back(run_dir)[f"{run_dir.name}-report"]
    artifact = record_of(lines, "artifact")
    assert artifact["type"] == "report"
    paths = {entry["path"] for entry in artifact["manifest"]["contents"]}
    report = run_dir / records.REPORT
    assert paths == {p.relative_to(report).as_posix() for p in report.rglob("*") if p.is_file()}


def test_it_is_said_in_one_line_and_nothing_of_wandb_is_on_the_terminal(finished) -> None:
    _, said = finished
    about = [line for line in said.splitlines() if "wandb" in line.lower() or "W&B" in line]
    assert spoken(about) == [decide(OFFLINE).line]


def test_no_secret_of_the_environment_is_written_or_said(finished) -> None:
    run_dir, said = finished
    for secret in PLANTED.values():
        assert secret not in said
        assert_not_written(secret, run_dir)


def assert_not_written(secret: str, folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path


def test_what_was_handed_over_is_not_again(finished) -> None:
    run_dir, _ = finished
    assert not outstanding(run_dir)
    said: list[str] = []
    tracking.hand_over(run_dir, decide(OFFLINE), said.append)
    assert said == []  # no process was started


# The publishing process alone, on a run that no training writes.


def empty_run(folder: Path) -> Journal:
    """The journal of a run with two classes and no trials yet."""
    run_dir = folder / "run-1"
    run_dir.mkdir()
    data = {"name": "d", "content_hash": "h", "train_size": 9, "classes": ["cat", "dog"]}
    records.write_manifest(run_dir, manifest(run_id="run-1", kind="experiment", data=data))
    return Journal(run_dir)


CELL = {"phase": "confirm", "arm": "tiny_aug", "seed": 4, "budget": 2, "epochs": 2}


def cell(journal: Journal, number: int, **arrays: np.ndarray) -> None:
    """A finished cell that left these arrays; without any, they are still on their way."""
    journal.start(number, CELL)
    for at in (1, 2):
        journal.epoch(number, epoch(at, of=2, val_loss=math.nan if at == 1 else 0.5))
    if arrays:
        leave(journal.run, number, arrays)
    journal.end(number, "completed")


def leave(run_dir: Path, number: int, arrays: dict[str, np.ndarray]) -> None:
    (run_dir / records.CELLS).mkdir(exist_ok=True)
    np.savez(run_dir / records.CELLS / f"{number:05d}.npz", **arrays)


def classified(images: int) -> dict[str, np.ndarray]:
    labels = np.arange(images) % 2
    probabilities = np.full((images, 2), 0.4, dtype=np.float16)
    probabilities[:, 0] = 0.6  # every dog is read as a cat
    return {
        "test_probabilities": probabilities,
        "test_labels": labels,
        "test_images": np.zeros((2, 8, 8, 3), dtype=np.uint8),
        "test_images_at": np.array([1, 3]),
    }


def segmented() -> dict[str, np.ndarray]:
    masks = np.zeros((1, 8, 8), dtype=np.uint8)
    masks[0, 0, 0] = 255
    return {
        "test_confusions": np.array([[[40, 2], [3, 4]]] * 3, dtype=np.int32),
        "test_images": np.zeros((1, 8, 8, 3), dtype=np.uint8),
        "test_truths": masks,
        "test_predictions": np.ones((1, 8, 8), dtype=np.uint8),
        "test_images_at": np.array([2]),
        "test_inside": np.array([[6, 8]]),
    }


@pytest.fixture(scope="module")
def cells(tmp_path_factory) -> tuple[Path, dict[str, list[dict]]]:
    """A classifier's cell and a segmentation's: (the run directory, their records)."""
    journal = empty_run(tmp_path_factory.mktemp("cells"))
    said: list[str] = []
    with tracked(journal.run, decide(OFFLINE), said.append):
        cell(journal, 0, **classified(images=3 * ROWS))
        cell(journal, 1)
        _wait_for(lambda: list(journal.run.glob("wandb/offline-run-*-run-1-00001")))
        time.sleep(3 * POLL_SECONDS)  # in which nothing must be given up
        leave(journal.run, 1, segmented())
    assert spoken(said) == [decide(OFFLINE).line]
    return journal.run, read_back(journal.run)


def file_of(run_dir: Path, name: str, path: str) -> Path:
    (folder,) = (run_dir / "wandb").glob(f"offline-run-*-{name}")
    return folder / "files" / path


def rows_of(run_dir: Path, name: str, table: str, media: dict) -> list[list]:
    text = file_of(run_dir, name, media[f"{table}.path"]).read_text()
    rows: list[list] = json.loads(text)["data"]
    return rows


def test_a_cell_has_its_tags_and_metrics_and_then_its_evidence(cells) -> None:
    lines = cells[1]["run-1-00000"]
    assert set(record_of(lines, "run")["tags"]) >= {"arm:tiny_aug", "seed:4", "budget:2"}
    *metrics, media = history(lines)
    assert [row["val_loss"] for row in metrics] == ["NaN", 0.5]
    assert [row["_step"] for row in (*metrics, media)] == [1, 2, 3]


def test_a_classifier_shows_confusions_bounded_predictions_and_mistakes(cells) -> None:
    run_dir, read = cells
    media = history(read["run-1-00000"])[-1]
    counts = rows_of(run_dir, "run-1-00000", "confusion_matrix_table", media)
    assert counts[2:] == [["dog", "cat", 3 * ROWS // 2], ["dog", "dog", 0]]
    predictions = rows_of(run_dir, "run-1-00000", "predictions", media)
    assert len(predictions) == ROWS
    assert predictions[1] == [1, "dog", "cat", pytest.approx(0.6, abs=1e-3)]
    assert media["test_images.captions"] == ["dog read as cat (0.60)"] * 2


def test_a_segmentation_shows_scenes_with_truth_and_prediction(cells) -> None:
    run_dir, read = cells
    media = history(read["run-1-00001"])[-1]
    counts = rows_of(run_dir, "run-1-00001", "confusion_matrix_table", media)
    assert [count for *_, count in counts] == [120, 6, 9, 12]
    (masks,) = media["test_images.all_masks"]
    assert masks.keys() == {"truth", "prediction"}
    assert (media["test_images.height"], media["test_images.width"]) == (6, 8)  # the picture
    predictions = rows_of(run_dir, "run-1-00001", "predictions", media)
    assert predictions[0] == [0, pytest.approx((40 / 45 + 4 / 9) / 2, abs=1e-3), 0.898]


def test_crashes_and_interruptions_leave_neither_gaps_nor_repetitions(
    tmp_path, monkeypatch
) -> None:
    """The publisher killed, then the run interrupted, then continued to its end."""
    journal, said, started = empty_run(tmp_path), [], []
    start = tracking._start
    monkeypatch.setattr(tracking, "_start", lambda *a: started.append(start(*a)) or started[-1])
    with tracked(journal.run, decide(OFFLINE), said.append):
        journal.start(1, CELL)
        journal.epoch(1, epoch(1))
        _wait_for(lambda: list(journal.run.glob("wandb/offline-run-*/*.wandb")))
        started[0].kill()
    assert "not everything was handed over" in said[-1]
    with contextlib.suppress(KeyboardInterrupt), tracked(journal.run, decide(OFFLINE), said.append):
        cell(journal, 0, **classified(images=4))
        journal.epoch(1, epoch(2))
        raise KeyboardInterrupt
    before = read_back(journal.run)
    assert record_of(before["run-1-00001"], "exit")["exit_code"] == 1
    with tracked(journal.run, decide(OFFLINE), said.append):
        journal.epoch(1, epoch(3))
        journal.end(1, "failed")
    after = read_back(journal.run)
    assert after["run-1-00000"] == before["run-1-00000"]  # not touched
    assert [row["epoch"] for row in history(after["run-1-00001"])] == [1, 2, 3]
    assert record_of(after["run-1-00001"], "exit")["exit_code"] == 1
    assert summary(after["run-1-00001"])["state"] == "failed"


def _wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_wandb_sync_finds_every_run(cells) -> None:
    done = run("sync", "--dry-run", str(cells[0] / "wandb"), module="wandb")
    assert "Would sync 2 run(s)" in done.stderr


def test_without_a_network_the_run_goes_on_offline_and_says_so_once(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    journal, said = empty_run(tmp_path), []
    with tracked(journal.run, decide(ONLINE), said.append):
        cell(journal, 0, **classified(images=4))
    online, away = spoken(said)
    assert online == "W&B: online, project crossover"
    assert away.startswith("W&B: online failed")
    assert "wandb sync" in away
    assert [row["_step"] for row in history(read_back(journal.run)["run-1-00000"])] == [1, 2, 3]
    assert_not_written(KEY, journal.run)


def test_an_online_run_that_is_resumed_gets_only_what_it_lacks(tmp_path, monkeypatch) -> None:
    from study.wandb_runs import WandbRuns

    journal, logged = empty_run(tmp_path), []
    cell(journal, 0, **classified(images=4))
    (trial,) = Trials(journal.run).news()
    resumed = SimpleNamespace(
        starting_step=2,  # W&B has the first epoch
        log=lambda values, step: logged.append((step, values.get("val_loss"))),
        summary={},
        finish=lambda exit_code: logged.append(exit_code),
    )
    monkeypatch.setattr(WandbRuns, "_start", lambda *_, **__: resumed)
    runs = WandbRuns(journal.run, ONLINE)
    runs.bring_up_to_date(trial)
    runs.end(trial)
    assert logged == [(2, 0.5), (3, None), 0]


def test_a_publisher_that_fails_or_hangs_costs_a_line(tmp_path, monkeypatch) -> None:
    journal, said = empty_run(tmp_path), []
    monkeypatch.setattr(tracking, "PATIENCE", 0.0)
    with tracked(journal.run, decide(OFFLINE), said.append):
        cell(journal, 0, **classified(images=4))
    assert len(said) == 2
    assert "not everything was handed over" in said[1]
    assert outstanding(journal.run)


# What is decided without W&B.


@pytest.mark.parametrize(
    ("asked", "environment", "mode"),
    [
        ("off", {"WANDB_API_KEY": KEY}, OFF),
        ("offline", {"WANDB_API_KEY": KEY}, OFFLINE),
        ("online", {"WANDB_API_KEY": KEY}, ONLINE),
        ("auto", {"WANDB_API_KEY": KEY}, ONLINE),
        ("auto", {}, OFF),
        ("auto", {"WANDB_API_KEY": KEY, "WANDB_MODE": "disabled"}, OFF),
        ("auto", {"WANDB_MODE": "offline"}, OFFLINE),
        ("online", {"WANDB_API_KEY": KEY, "WANDB_MODE": "offline"}, ONLINE),
    ],
)
def test_what_the_option_means(asked, environment, mode, clean_environment) -> None:
    for name, value in environment.items():
        clean_environment.setenv(name, value)
    assert decide(asked).mode == mode


@pytest.fixture
def clean_environment(monkeypatch, tmp_path) -> pytest.MonkeyPatch:
    """An account without anything of W&B's."""
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path))
    return monkeypatch


@pytest.mark.parametrize(
    ("machine", "server", "found"),
    [
        ("api.wandb.ai", None, True),
        ("github.com", None, False),
        ("wandb.example.org", None, False),
        ("wandb.example.org", "https://wandb.example.org", True),
        ("api.wandb.ai", "https://wandb.example.org", False),
    ],
)
def test_a_key_in_netrc_counts_for_its_server(
    machine, server, found, clean_environment, tmp_path
) -> None:
    (tmp_path / "netrc").write_text(f"machine {machine} login user password {KEY}\n")
    if server:
        (tmp_path / "settings").write_text(f"[default]\nbase_url = {server}\n")
    assert tracking.key_is_configured() == found


def test_online_without_a_key_is_a_mistake_of_one_line(clean_environment) -> None:
    with pytest.raises(UserError, match="no key is configured") as caught:
        decide("online")
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="did you mean online"):
        decide("onlin")


def test_a_report_that_is_not_there_yet_is_nothing_to_hand_over(tmp_path) -> None:
    """An experiment that goes on deletes the old one, and may be interrupted before the new."""
    ledger, page = Ledger(tmp_path), tmp_path / records.REPORT / "index.html"
    (tmp_path / "wandb").mkdir()
    assert not ledger.lacks_report()
    page.parent.mkdir()
    page.write_text("first")
    assert ledger.lacks_report()
    ledger.note(report=True)
    assert not ledger.lacks_report()
    page.unlink()
    assert not ledger.lacks_report()
    page.write_text("second")
    assert ledger.lacks_report()


def test_a_trial_that_has_not_begun_has_no_run(tmp_path) -> None:
    """A search asks for its last trials together, and puts all of them on record."""
    journal = empty_run(tmp_path)
    with tracked(journal.run, decide(OFFLINE), lambda line: None):
        cell(journal, 0, **classified(images=4))
        journal.start(1, CELL)
    assert set(read_back(journal.run)) == {"run-1-00000"}
