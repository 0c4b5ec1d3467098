"""Manifests, journals and Parquet files of a run: read right, or refused in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study import records, run_tables
from study.journal import Journal
from tests.fuzz import answer, changed, damaged, examples, runs

KINDS = ("search", "experiment")


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("originals")
    return {
        "search": runs.small_search(folder / "search"),
        "experiment": runs.small_experiment(folder / "experiment"),
    }


@pytest.fixture(scope="module")
def verdicts(originals: dict[str, Path]) -> dict[str, str]:
    """The verdicts on the experiment as it was written."""
    found = runs.verdicts(originals["experiment"])
    assert "supported" in found.values()
    return found


def read_damaged(
    run: Path,
    damage: Callable[[Path], object],
    look: Callable[[Path], Any] = runs.read,
    without_tables: bool = False,
) -> Any:
    with runs.copy_of(run, without_tables) as copy:
        damage(copy)
        return answer(lambda: look(copy))


def write(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda run: (run / name).write_bytes(content)


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("kind", KINDS)
@examples(40)
@given(data=st.data())
def test_a_manifest_of_any_values(originals, kind: str, data: st.DataObject) -> None:
    values = json.loads((originals[kind] / records.MANIFEST).read_text())
    content = as_json(data.draw(changed(values)))
    read_damaged(originals[kind], write(records.MANIFEST, content))


READERS = (runs.read_as_result, runs.read_as_source, runs.read_as_stored)


@pytest.mark.parametrize("look", READERS)
def test_commands_read_the_search_as_it_is(originals, look) -> None:
    with runs.copy_of(originals["search"]) as copy:
        look(copy)


@pytest.mark.parametrize("look", READERS)
@examples(40)
@given(data=st.data())
def test_commands_read_a_manifest_of_any_values(originals, look, data: st.DataObject) -> None:
    values = json.loads((originals["search"] / records.MANIFEST).read_text())
    content = as_json(data.draw(changed(values)))
    read_damaged(originals["search"], write(records.MANIFEST, content), look)


@pytest.mark.parametrize("look", READERS)
@pytest.mark.parametrize(
    ("table", "name"), [("data", "name"), ("space", "model"), ("objective", "name"), ("", "seeds")]
)
@pytest.mark.parametrize("value", [None, "unheard_of"])
def test_commands_read_a_manifest_that_lacks_a_name(
    originals, look, table: str, name: str, value: str | None
) -> None:
    values = json.loads((originals["search"] / records.MANIFEST).read_text())
    holder = values[table] if table else values
    holder.pop(name)
    if value:
        holder[name] = value if table else []
    read_damaged(originals["search"], write(records.MANIFEST, as_json(values)), look)


@pytest.mark.parametrize("kind", KINDS)
@examples(2)
@given(data=st.data())
def test_a_report_of_a_manifest_of_any_values(originals, kind: str, data: st.DataObject) -> None:
    values = json.loads((originals[kind] / records.MANIFEST).read_text())
    content = as_json(data.draw(changed(values)))
    read_damaged(originals[kind], write(records.MANIFEST, content), runs.write_sections)


@examples(40)
@given(data=st.data())
def test_a_damaged_manifest(originals, data: st.DataObject) -> None:
    content = data.draw(damaged((originals["search"] / records.MANIFEST).read_bytes()))
    for look in (runs.read, *READERS):
        read_damaged(originals["search"], write(records.MANIFEST, content), look)


def open_journal(run: Path) -> None:
    """What a command that continues the run does with it."""
    journal = Journal(run)
    run_tables.from_journal(journal.lines)
    again = Journal(run)
    assert str(again.lines) == str(journal.lines)  # NaN is not equal to itself
    assert again.ended() == journal.ended()


@pytest.mark.parametrize("kind", KINDS)
@examples(40)
@given(data=st.data())
def test_a_damaged_journal(originals, kind: str, data: st.DataObject) -> None:
    damage = write(
        records.JOURNAL, data.draw(damaged((originals[kind] / records.JOURNAL).read_bytes()))
    )
    read_damaged(originals[kind], damage, without_tables=True)
    read_damaged(originals[kind], damage, open_journal)


@examples(60)
@given(data=st.data())
def test_journal_lines_of_any_values(originals, data: st.DataObject) -> None:
    lines = (originals["search"] / records.JOURNAL).read_bytes().splitlines()
    at = data.draw(st.integers(0, len(lines) - 1))
    lines[at] = as_json(data.draw(changed(json.loads(lines[at]))))
    damage = write(records.JOURNAL, b"\n".join(lines) + b"\n")
    read_damaged(originals["search"], damage, without_tables=True)
    read_damaged(originals["search"], damage, open_journal)


@examples(10)
@given(data=st.data())
def test_lost_and_repeated_lines_change_no_verdict_but_to_withheld(
    originals, verdicts, data: st.DataObject
) -> None:
    lines = (originals["experiment"] / records.JOURNAL).read_bytes().splitlines()
    places = st.lists(st.integers(0, len(lines) - 1), max_size=4, unique=True)
    lost, twice = set(data.draw(places)), set(data.draw(places))
    kept = [
        line
        for at, line in enumerate(lines)
        for _ in range(2 if at in twice else 1)
        if at not in lost
    ]
    torn = b'{"event": "epoch", "tri' if data.draw(st.booleans()) else b""
    damage = write(records.JOURNAL, b"\n".join(kept) + b"\n" + torn)
    found = read_damaged(originals["experiment"], damage, runs.verdicts, without_tables=True)
    assert found is not None
    for claim, verdict in found.items():
        assert verdict in (verdicts[claim], "withheld")


tables = st.sampled_from([records.EPOCHS, records.TRIALS])


@pytest.mark.parametrize("kind", KINDS)
@examples(40)
@given(name=tables, data=st.data())
def test_a_damaged_parquet_file(originals, kind: str, name: str, data: st.DataObject) -> None:
    content = data.draw(damaged((originals[kind] / name).read_bytes()))
    read_damaged(originals[kind], write(name, content))


ODD: dict[str, Callable[[pd.Series], Any]] = {
    "text": lambda column: column.astype(str),
    "nothing": lambda column: None,
    "infinite": lambda column: np.inf,
    "negative": lambda column: -1,
    "complex": lambda column: 1 + 2j,
    "a list": lambda column: pd.Series([[1, 2]] * len(column), index=column.index),
    "a time": lambda column: pd.Timestamp(0),
    "true": lambda column: True,
    "a constant": lambda column: column.iloc[0],
    "a category": lambda column: column.astype(str).astype("category"),
    "far": lambda column: 2**62,
}


@st.composite
def altered(draw: st.DrawFn, table: pd.DataFrame) -> pd.DataFrame:
    """The table with columns replaced or dropped, or rows dropped, doubled or in another order."""
    for _ in range(draw(st.integers(1, 2))):
        what = draw(st.sampled_from(["values", "values", "drop", "rows"]))
        if table.empty:
            return table
        column = draw(st.sampled_from(list(table)))
        if what == "drop":
            table = table.drop(columns=column)
        elif what == "rows":
            rows = st.lists(st.integers(0, len(table) - 1), max_size=len(table))
            table = table.iloc[draw(rows)].reset_index(drop=True)
        else:
            table = table.assign(**{column: ODD[draw(st.sampled_from(list(ODD)))](table[column])})
    return table


def replace(name: str, table: pd.DataFrame) -> Callable[[Path], object]:
    def damage(run: Path) -> None:
        try:
            run_tables.write(run / name, table)
        except Exception:  # of a kind that Parquet has not: nobody can write it
            (run / name).unlink()

    return damage


@pytest.mark.parametrize("kind", KINDS)
@examples(40)
@given(name=tables, data=st.data())
def test_a_parquet_file_of_any_values(originals, kind: str, name: str, data: st.DataObject) -> None:
    table = data.draw(altered(run_tables.read(originals[kind] / name)))
    read_damaged(originals[kind], replace(name, table))


@pytest.mark.parametrize("kind", KINDS)
@examples(2)
@given(name=tables, data=st.data())
def test_a_report_of_tables_of_any_values(
    originals, kind: str, name: str, data: st.DataObject
) -> None:
    table = data.draw(altered(run_tables.read(originals[kind] / name)))
    read_damaged(originals[kind], replace(name, table), runs.write_sections)


@examples(6)
@given(data=st.data())
def test_lost_rows_change_no_verdict_but_to_withheld(
    originals, verdicts, data: st.DataObject
) -> None:
    trials = run_tables.read(originals["experiment"] / records.TRIALS)
    rows = st.lists(st.integers(0, len(trials) - 1), max_size=5, unique=True)
    fewer = trials.drop(index=data.draw(rows))
    epochs = run_tables.read(originals["experiment"] / records.EPOCHS)

    def damage(run: Path) -> None:
        run_tables.write(run / records.TRIALS, fewer)
        kept = epochs[epochs["trial"].isin(fewer["trial"])]
        run_tables.write(run / records.EPOCHS, kept)

    found = read_damaged(originals["experiment"], damage, runs.verdicts)
    assert found is not None
    for claim, verdict in found.items():
        assert verdict in (verdicts[claim], "withheld")
