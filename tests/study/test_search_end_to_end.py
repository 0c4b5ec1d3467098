"""Whole searches through Ray: run, killed, interrupted, continued, asked for again."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import time
from collections import Counter, defaultdict
from pathlib import Path

import optuna
import pytest
import torch
from tensorboardX.proto.event_pb2 import Event

from study import journal_file, records, run_tables
from study.plan import SearchSpec, run_id
from tests.study.commands import ROOT, command, last_json, run, wait_until
from trainables.models import build_model

TRIALS = 4
OPTIONS = {"data": "uci_digits", "train_size": 400, "trials": TRIALS, "max_epochs": 6}
ARGUMENTS = [
    word
    for key, value in {"space": "tiny_aug", **OPTIONS}.items()
    for word in (f"--{key.replace('_', '-')}", str(value))
]
RUN_ID = run_id(SearchSpec("tiny_aug", **OPTIONS))
TIMES = ["seconds", "images_per_second"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[Path, dict, str]:
    """A search run to its end on one slot: (directory, its JSON line, stdout)."""
    storage = tmp_path_factory.mktemp("finished")
    relative = os.path.relpath(storage, ROOT)  # as the default, "runs", is
    done = run(*ARGUMENTS, "--storage", relative, "--concurrency", "1", "--json")
    return storage / RUN_ID, last_json(done), done.stdout


def numbers_of(run_dir: Path) -> list[dict]:
    table = run_tables.read(run_dir / records.EPOCHS).drop(columns=TIMES)
    return table.sort_values(["trial", "epoch"]).to_dict("records")


def states_in_optuna(run_dir: Path) -> Counter:
    study = optuna.load_study(study_name=RUN_ID, storage=f"sqlite:///{run_dir / records.OPTUNA_DB}")
    return Counter(trial.state.name for trial in study.trials)


def test_a_run_leaves_everything_it_promises(finished) -> None:
    run_dir, told, _ = finished
    for name in (
        records.MANIFEST,
        records.EPOCHS,
        records.TRIALS,
        records.OPTUNA_DB,
        records.BEST_WEIGHTS,
        records.SAMPLES,
        "report/index.html",
    ):
        assert (run_dir / name).stat().st_size > 0, name
    assert list((run_dir / "tune").glob("trial-*/events.out.tfevents*"))
    assert not (run_dir / "checkpoints").exists()
    assert told["run_id"] == RUN_ID
    assert sum(told["counts"].values()) == TRIALS
    assert told["best"]["config"].keys() == records_of_best(run_dir).keys()


def scalars(path: Path) -> dict[str, list[float]]:
    """By tag what TensorBoard would draw: records of length, its checksum, event, checksum."""
    data, at, found = path.read_bytes(), 0, defaultdict(list)
    while at < len(data):
        (length,) = struct.unpack_from("<Q", data, at)
        event = Event.FromString(data[at + 12 : at + 12 + length])
        for value in event.summary.value:
            found[value.tag].append(value.simple_value)
        at += 16 + length
    return found


def test_tensorboard_finds_every_trial_s_curves(finished) -> None:
    run_dir, _, _ = finished
    epochs = run_tables.read(run_dir / records.EPOCHS).set_index("trial")
    for trial in range(TRIALS):
        (path,) = (run_dir / "tune").glob(f"trial-{trial:05d}-*/events.out.tfevents*")
        found = scalars(path)
        for name in ("train_loss", "val_loss", "val_accuracy"):
            expected = epochs.loc[[trial], name].tolist()
            assert found[f"ray/tune/{name}"] == pytest.approx(expected, nan_ok=True), trial


def records_of_best(run_dir: Path) -> dict:
    trials = run_tables.read(run_dir / records.TRIALS)
    return {c.removeprefix("config."): 0 for c in trials if c.startswith("config.")}


def test_the_manifest_says_on_what_it_was_run(finished) -> None:
    manifest = records.read_manifest(finished[0])
    assert manifest.status == "complete"
    assert manifest.objective == {"name": "val_accuracy", "direction": "max"}
    assert manifest.seeds == [0]
    assert manifest.data["name"] == "uci_digits"
    assert len(manifest.data["content_hash"]) == 64
    assert manifest.data["train_size"] == 400
    assert manifest.space["dimensions"]["epochs"]["high"] == 6
    assert {"torch", "ray", "optuna", "python"} <= set(manifest.packages)


def test_the_best_weights_are_those_of_the_best_trial(finished) -> None:
    run_dir, told, _ = finished
    trials = run_tables.read(run_dir / records.TRIALS)
    completed = trials[trials["state"] == "completed"]
    assert told["best"]["metrics"]["val_accuracy"] == completed["val_accuracy"].max()
    weights = torch.load(run_dir / records.BEST_WEIGHTS, weights_only=True)
    build_model("tiny", 10, seed=1).load_state_dict(weights)


def test_output_fits_80_columns_and_has_a_line_a_trial(finished) -> None:
    _, _, stdout = finished
    *shown, _ = stdout.splitlines()
    lines = [line for line in shown if line.startswith("trial ") and ", strength" in line]
    assert len(lines) == TRIALS
    paths = ("report ",)
    assert max(len(line) for line in shown if not line.startswith(paths)) <= 80
    assert "Ray" in stdout
    assert "WARNING" not in stdout


def test_asking_again_reports_without_training(finished) -> None:
    run_dir, told, _ = finished
    start = time.monotonic()
    relative = os.path.relpath(run_dir.parent, ROOT)
    again = last_json(run(*ARGUMENTS, "--storage", relative, "--json", "--quiet", timeout=60))
    assert again == told
    assert time.monotonic() - start < 30


def test_deleted_tables_and_report_come_back(finished) -> None:
    run_dir, told, _ = finished
    before = run_tables.read(run_dir / records.EPOCHS)
    (run_dir / records.EPOCHS).unlink()
    (run_dir / "report" / "index.html").unlink()
    relative = os.path.relpath(run_dir.parent, ROOT)
    again = last_json(run(*ARGUMENTS, "--storage", relative, "--json", "--quiet"))
    assert again == told
    assert run_tables.read(run_dir / records.EPOCHS).equals(before)
    assert (run_dir / "report" / "index.html").exists()


def test_a_killed_search_is_finished_by_the_same_command(finished, tmp_path: Path) -> None:
    """kill -9 of the whole process group, then the same command: the same numbers."""
    arguments = [*ARGUMENTS, "--storage", str(tmp_path), "--concurrency", "1"]
    process = subprocess.Popen(
        command(*arguments), cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True
    )
    run_dir = tmp_path / RUN_ID
    wait_until(lambda: _mid_second_trial(run_dir), process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = journal_file.read(run_dir)
    assert any(line["event"] == "epoch" for line in before)
    told = last_json(run(*arguments, "--json"))
    assert sum(told["counts"].values()) == TRIALS
    after = journal_file.read(run_dir)
    assert after[: len(before)] == before
    events = Counter((x["event"], x["trial"], x.get("epoch")) for x in after)
    assert set(events.values()) == {1}
    assert states_in_optuna(run_dir) == states_in_optuna(finished[0])
    assert not {"RUNNING", "WAITING"} & set(states_in_optuna(run_dir))
    assert numbers_of(run_dir) == numbers_of(finished[0])


@pytest.mark.parametrize("notice", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_search_keeps_what_it_has_and_says_how_to_go_on(
    tmp_path: Path, notice: signal.Signals
) -> None:
    arguments = [*ARGUMENTS, "--storage", str(tmp_path)]
    process = subprocess.Popen(
        command(*arguments),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    run_dir = tmp_path / RUN_ID
    wait_until(lambda: _mid_second_trial(run_dir), process)
    process.send_signal(notice)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "python -m study.run --space tiny_aug" in stderr.partition("To continue: ")[2]
    assert len(stderr.strip().splitlines()) == 1  # after click's own end of the ^C line
    assert records.read_manifest(run_dir).status == "interrupted"
    assert len(run_tables.read(run_dir / records.EPOCHS)) > 0


def _mid_second_trial(run_dir: Path) -> bool:
    if not (run_dir / records.JOURNAL).exists():
        return False
    lines = journal_file.read(run_dir)
    ended = {x["trial"] for x in lines if x["event"] == "end"}
    return any(x["event"] == "epoch" and x["trial"] not in ended for x in lines if ended)
