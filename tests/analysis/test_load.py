"""What can be read, and the one clear line for what cannot."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from analysis.load import load_run
from study import journal_file, records
from trainables.errors import UserError

from .synthetic import manifest, write_run


@pytest.fixture
def run(mixed_run: Path, tmp_path: Path) -> Path:
    """A copy that may be damaged, with its times kept."""
    return Path(shutil.copytree(mixed_run, tmp_path / "copy"))


def test_tables_and_journal_give_the_same_run(run: Path) -> None:
    fast = load_run(run)
    (run / records.EPOCHS).unlink()
    slow = load_run(run)
    pd.testing.assert_frame_equal(fast.epochs, slow.epochs, check_dtype=False)
    pd.testing.assert_frame_equal(fast.trials, slow.trials, check_dtype=False)


def test_a_journal_newer_than_the_tables_is_read_instead(run: Path) -> None:
    before = load_run(run).epochs
    line = before.drop(columns="progress").iloc[-1].to_dict() | {"epoch": 99}
    journal_file.append(run, {"event": "epoch", **line})
    later = (run / records.EPOCHS).stat().st_mtime + 5
    os.utime(run / records.JOURNAL, (later, later))
    assert len(load_run(run).epochs) == len(before) + 1


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    run = write_run(tmp_path / "torn", ["completed", "running"], tables=False)
    whole = len(load_run(run).epochs)
    with open(run / records.JOURNAL, "a") as journal:
        journal.write('{"event": "epoch", "tri')
    assert len(load_run(run).epochs) == whole


def test_direction_is_read_from_the_manifest(tmp_path: Path) -> None:
    objective = {"name": "val_accuracy", "direction": "min"}
    run = load_run(write_run(tmp_path / "run", ["completed"], objective=objective))
    assert run.objective.direction == "min"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda run: shutil.rmtree(run), "no such directory"),
        (lambda run: (run / records.MANIFEST).unlink(), "not a run directory"),
        (lambda run: (run / records.MANIFEST).write_text("{"), "damaged"),
        (lambda run: (run / records.EPOCHS).write_bytes(b"PAR1 no"), "epochs.parquet is damaged"),
        (lambda run: edit(run, schema_version=99), "newer"),
        (lambda run: edit(run, objective={"name": "speed", "direction": "max"}), "'speed'"),
        (lambda run: edit(run, objective={"name": "val_f1", "direction": "up"}), "'up'"),
        (lambda run: edit(run, objective={"name": "test_f1", "direction": "max"}), "no record of"),
        (lambda run: edit(run, space={"dimensions": {"x": {"kind": "?"}}}), "space"),
    ],
)
def test_what_cannot_be_read_is_named_in_one_line(run: Path, damage, words: str) -> None:
    damage(run)
    with pytest.raises(UserError, match=words) as raised:
        load_run(run)
    assert "\n" not in str(raised.value)


def test_a_run_without_an_epoch_is_empty(tmp_path: Path) -> None:
    records.write_manifest(tmp_path, manifest(status="running"))
    with pytest.raises(UserError, match="no epoch yet"):
        load_run(tmp_path)
    journal_file.append(tmp_path, {"event": "start", "trial": 0, "config": {"epochs": 3}})
    with pytest.raises(UserError, match="no epoch yet"):
        load_run(tmp_path)


def edit(run: Path, **changes: object) -> None:
    """Change fields of a manifest on disk."""
    path = run / records.MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
