"""The journal on disk: appended line by line, read back as far as it is whole."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from study.records import JOURNAL
from study.schema import is_event
from trainables.errors import FAILED, UserError


def append(run: Path, line: dict[str, Any]) -> None:
    """Append one line to the journal and hand it to the operating system."""
    with open(run / JOURNAL, "a", encoding="utf-8") as file:
        file.write(json.dumps(line, allow_nan=True, default=_scalar) + "\n")


def mend(run: Path) -> None:
    """Cut off a last line that a killed writer left unfinished. For who holds the run only."""
    path = run / JOURNAL
    if not path.exists():
        return
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)


def read(run: Path) -> list[dict[str, Any]]:
    """Every whole line of the journal, in order; what no newline ends is unfinished and left out.

    So is what stands before the start of its trial, or without one: where a damaged line was
    deleted that was a start, nobody knows any more what its trial was. And so is the end of a
    trial that is said to be completed but whose last epoch was deleted: an earlier epoch's
    measures would pass for its result.

    Raises UserError naming the first line that is damaged.
    """
    path = run / JOURNAL
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8", errors="replace")
    records = []
    for number, line in enumerate(text.split("\n")[:-1], start=1):  # what `mend` leaves
        record = _event(line)
        if record is None:
            raise _damaged(path, number)
        records.append(record)
    return list(_of_known(records))


def _event(line: str) -> dict[str, Any] | None:
    """The event that a line is, or None."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if is_event(record) else None


def _of_known(records: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    schedules: dict[int, Any] = {}
    trained: set[tuple[int, int]] = set()
    for record in records:
        trial, event = record["trial"], record["event"]
        if event == "start":
            schedules[trial] = record["config"].get("epochs")
        if trial not in schedules:
            continue
        if event == "epoch":
            trained.add((trial, record["epoch"]))
        last = schedules[trial]
        completed = event == "end" and record["state"] == "completed"
        if not completed or last is None or (trial, last) in trained:
            yield record


def _damaged(path: Path, number: int) -> UserError:
    return UserError(
        f"{path} is damaged in line {number}; delete that line to lose only its event, or its "
        "trial where it was a start",
        FAILED,
    )


def _scalar(value: Any) -> Any:
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"cannot write {type(value).__name__} to the journal")
