"""Records: what is written is what is read, and damage has a name."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study import journal_file, records, run_tables
from study.journal import Journal, outcome
from trainables.errors import UserError


def epoch(number: int, of: int = 3, **values: object) -> dict:
    """A record as the loop reports it."""
    return {
        "epoch": number,
        "epochs": of,
        "val_loss": 1.0 / number,
        "seconds": 0.5,
        "diverged": False,
        **values,
    }


def manifest(**changes: object) -> records.Manifest:
    """The least manifest there can be."""
    empty: dict = {"spec": {}, "data": {}, "git": {}, "packages": {}, "hardware": {}}
    values = {
        "run_id": "r",
        "kind": "search",
        "objective": {"name": "val_loss", "direction": "min"},
        "seeds": [0],
        "created": "",
        "command": "",
    }
    return records.Manifest(**{**empty, **values, **changes})


@given(st.floats(), st.integers(1, 100))
def test_a_journal_gives_back_every_number(tmp_path_factory, value: float, number: int) -> None:
    run = tmp_path_factory.mktemp("run")
    journal = Journal(run)
    journal.start(0, {})
    journal.epoch(0, epoch(number, val_loss=value))
    _, line = journal_file.read(run)
    read = line["val_loss"]
    assert read == value or (math.isnan(read) and math.isnan(value))
    assert line["epoch"] == number


def test_an_event_told_twice_is_written_once(tmp_path: Path) -> None:
    told: list[dict] = []
    journal = Journal(tmp_path)
    journal.start(0, {})
    journal.listeners.append(told.append)
    assert journal.epoch(0, epoch(1))
    assert not journal.epoch(0, epoch(1, val_loss=9.0))
    again = Journal(tmp_path)
    assert not again.epoch(0, epoch(1, val_loss=9.0))
    assert len(told) == 1
    assert [line.get("val_loss") for line in journal_file.read(tmp_path)] == [None, 1.0]


def test_a_torn_last_line_is_left_out_and_the_journal_goes_on(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.start(0, {})
    journal.epoch(0, epoch(1))
    with open(tmp_path / records.JOURNAL, "a") as file:
        file.write('{"event": "epoch", "tri')
    assert len(journal_file.read(tmp_path)) == 2
    again = Journal(tmp_path)
    again.epoch(0, epoch(2))
    assert [line.get("epoch") for line in journal_file.read(tmp_path)] == [None, 1, 2]


def test_damage_in_the_middle_of_a_journal_is_named(tmp_path: Path) -> None:
    (tmp_path / records.JOURNAL).write_text(
        '{"event": "end", "trial": 0, "state": "failed"}\nnonsense\n{}\n'
    )
    with pytest.raises(UserError, match="damaged in line 2; delete that line"):
        journal_file.read(tmp_path)


def test_a_trial_whose_start_was_deleted_as_damaged_never_was(tmp_path: Path) -> None:
    """Also where it is trained again: the events of before are those of who knows what."""
    journal = Journal(tmp_path)
    for number in (0, 1):
        journal.start(number, {"epochs": 1})
        journal.epoch(number, epoch(1, of=1, val_loss=0.1))
        journal.end(number, "completed")
    lines = (tmp_path / records.JOURNAL).read_text().splitlines(keepends=True)
    (tmp_path / records.JOURNAL).write_text("".join(lines[:3] + lines[4:]))
    again = Journal(tmp_path)
    assert again.ended() == {0: "completed"}
    assert again.epochs_of(1) == []
    again.start(1, {"epochs": 2})
    again.epoch(1, epoch(1, of=2, val_loss=0.3))
    epochs, trials = run_tables.from_journal(Journal(tmp_path).lines)
    assert epochs["val_loss"].tolist() == [0.1, 0.3]
    assert trials["state"].tolist() == ["completed", "running"]


def test_a_completed_trial_whose_last_epoch_was_deleted_has_not_ended(tmp_path: Path) -> None:
    """Its second epoch's loss would pass for that of a finished schedule."""
    journal = Journal(tmp_path)
    journal.start(0, {"epochs": 3})
    for number in (1, 2, 3):
        journal.epoch(0, epoch(number))
    journal.end(0, "completed")
    lines = (tmp_path / records.JOURNAL).read_text().splitlines(keepends=True)
    (tmp_path / records.JOURNAL).write_text("".join(lines[:3] + lines[4:]))
    again = Journal(tmp_path)
    assert again.ended() == {}
    assert run_tables.from_journal(again.lines)[1]["state"].tolist() == ["running"]
    again.epoch(0, epoch(3))
    again.end(0, "completed")
    assert Journal(tmp_path).ended() == {0: "completed"}


def test_tables_have_a_row_an_epoch_and_a_row_a_trial(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.start(0, {"learning_rate": 0.1, "epochs": 3})
    journal.start(1, {"learning_rate": 0.2, "epochs": 3})
    for number in (1, 2, 3):
        journal.epoch(0, epoch(number))
    journal.end(0, "completed")
    journal.epoch(1, epoch(1, val_loss=math.nan, diverged=True))
    journal.end(1, "diverged")
    epochs, trials = run_tables.from_journal(journal.lines)
    assert epochs[["trial", "epoch"]].values.tolist() == [[0, 1], [0, 2], [0, 3], [1, 1]]
    assert epochs["config.learning_rate"].tolist() == [0.1, 0.1, 0.1, 0.2]
    assert trials["state"].tolist() == ["completed", "diverged"]
    assert trials["seconds"].tolist() == [1.5, 0.5]
    assert set(records.TRIAL_COLUMNS) <= set(trials)
    for name, table in (("e", epochs), ("t", trials)):
        run_tables.write(tmp_path / name, table)
        pd.testing.assert_frame_equal(run_tables.read(tmp_path / name), table)


def test_a_failed_trial_keeps_what_it_raised(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.start(0, {"epochs": 3})
    journal.end(0, "failed")
    journal.error(0, "ValueError: no")
    _, trials = run_tables.from_journal(journal.lines)
    assert trials[["state", "error"]].values.tolist() == [["failed", "ValueError: no"]]


def test_a_failed_trial_that_succeeds_later_is_a_success(tmp_path: Path) -> None:
    told: list[dict] = []
    journal = Journal(tmp_path)
    journal.listeners.append(told.append)
    journal.start(0, {"epochs": 1})
    for state in ("failed", "failed", "completed", "failed"):
        if state == "completed":
            journal.epoch(0, epoch(1, of=1))
        journal.end(0, state)
        if state == "failed":
            journal.error(0, "OSError: full")
    assert [event["state"] for event in told if event["event"] == "end"] == [
        "failed",
        "failed",
        "completed",
    ]
    assert Journal(tmp_path).ended() == {0: "completed"}
    _, trials = run_tables.from_journal(Journal(tmp_path).lines)
    assert trials[["state", "error"]].values.tolist() == [["completed", ""]]


def test_a_line_that_is_no_event_is_named(tmp_path: Path) -> None:
    (tmp_path / records.JOURNAL).write_text(
        '{"event": "start", "trial": 0, "config": {}}\n[1]\n{}\n'
    )
    with pytest.raises(UserError, match="damaged in line 2"):
        journal_file.read(tmp_path)


def test_no_events_make_empty_tables_with_all_columns() -> None:
    epochs, trials = run_tables.from_journal([])
    assert list(epochs) == list(records.EPOCH_COLUMNS)
    assert list(trials) == list(records.TRIAL_COLUMNS)


def test_a_manifest_comes_back_and_never_holds_nan(tmp_path: Path) -> None:
    records.write_manifest(tmp_path, manifest(spec={"rate": math.nan, "seed": 0}))
    assert records.read_manifest(tmp_path).spec == {"rate": None, "seed": 0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "is not a run directory"),
        ("{", "is damaged"),
        ("[]", "has no schema_version"),
        (json.dumps({"schema_version": records.SCHEMA_VERSION + 1}), "newer than this version"),
        (json.dumps({"schema_version": 1, "x": 1}), "does not fit schema"),
    ],
)
def test_a_bad_manifest_says_what_is_wrong(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / records.MANIFEST).write_text(text)
    with pytest.raises(UserError, match=message):
        records.read_manifest(tmp_path)


def test_a_damaged_table_is_named_with_its_cure(tmp_path: Path) -> None:
    (tmp_path / records.EPOCHS).write_bytes(b"PAR1 and no more")
    with pytest.raises(UserError, match=r"epochs\.parquet is damaged .* delete it"):
        run_tables.read(tmp_path / records.EPOCHS)


@pytest.mark.parametrize(
    ("record", "state"),
    [
        (None, "failed"),
        ({}, "failed"),
        (epoch(3), "completed"),
        (epoch(2), "pruned"),
        (epoch(3, diverged=True), "diverged"),
    ],
)
def test_a_last_record_shows_how_the_trial_ended(record: dict | None, state: str) -> None:
    assert outcome(record) == state


measures = st.fixed_dictionaries(
    {name: st.floats() for name in ("train_loss", "val_loss", "val_accuracy", "seconds")}
)


@given(st.lists(st.lists(measures, min_size=1, max_size=3), min_size=1, max_size=3))
@settings(max_examples=40)
def test_every_number_comes_back_from_journal_and_parquet(tmp_path_factory, trials) -> None:
    run = tmp_path_factory.mktemp("run")
    journal = Journal(run)
    for number, curve in enumerate(trials):
        journal.start(number, {"epochs": len(curve)})
        for at, values in enumerate(curve, start=1):
            journal.epoch(number, epoch(at, of=len(curve), **values))
        journal.end(number, "completed")
    epochs, ended = run_tables.from_journal(journal_file.read(run))
    for name, table in ((records.EPOCHS, epochs), (records.TRIALS, ended)):
        run_tables.write(run / name, table)
        pd.testing.assert_frame_equal(run_tables.read(run / name), table)
    for name in ("train_loss", "val_loss", "val_accuracy", "seconds"):
        given_values = [values[name] for curve in trials for values in curve]
        np.testing.assert_array_equal(epochs[name].to_numpy(float), given_values)
    last = [curve[-1]["val_loss"] for curve in trials]
    np.testing.assert_array_equal(ended["val_loss"].to_numpy(float), last)


plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


def without_nonfinite(value: object) -> object:
    """What JSON can hold of it: null for NaN and infinities."""
    if isinstance(value, dict):
        return {key: without_nonfinite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_nonfinite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@given(st.dictionaries(st.text(max_size=3), plain_values, max_size=3))
def test_any_specification_comes_back_from_a_manifest(tmp_path_factory, spec: dict) -> None:
    run = tmp_path_factory.mktemp("run")
    written = manifest(spec=spec)
    records.write_manifest(run, written)
    assert records.read_manifest(run) == manifest(spec=without_nonfinite(spec))
