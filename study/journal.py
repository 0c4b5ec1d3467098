"""The run's journal while it is written: one place that every event of a trial passes."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from study import journal_file, records
from trainables.patience import Say, StorageError, patience, patiently

T = TypeVar("T")

Listener = Callable[[dict[str, Any]], None]


class Journal:
    """Appends events to `journal.jsonl` once each, and tells listeners of them.

    A resumed training reports its epochs again; what the journal has is not repeated.
    Events: {"event": "start", "trial", "config"}, {"event": "epoch", "trial",
    **EPOCH_COLUMNS}, {"event": "end", "trial", "state"}, {"event": "error", "trial",
    "error"}.

    Where storage fails it is waited for, see `patiently`. Once that was in vain nothing is
    taken any more: the run ends, whatever Ray makes of the error.
    """

    def __init__(self, run: Path) -> None:
        self.run = run
        self.say: Say = lambda line: None
        self._patience = patience()
        self._failure: StorageError | None = None
        self._mended = False
        self.lines = journal_file.read(run)
        self.listeners: list[Listener] = []
        self.restarts: list[Listener] = []  # told of the starts that are on record already
        self._seen = {self._key(line) for line in self.lines}
        self._ended = {x["trial"]: x["state"] for x in self.lines if x["event"] == "end"}
        self._epochs: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for line in self.lines:
            if line["event"] == "epoch":
                self._epochs[line["trial"]].append(line)

    def start(self, trial: int, config: dict[str, Any], waits: bool = False) -> None:
        """A trial was given its configuration; again, where it goes on or is tried anew.

        waits: it is on record but begins later, with a start of its own. Listeners find that
        in the event, which has it in memory only.
        """
        line = {"event": "start", "trial": trial, "config": config}
        if not self._append(line, {"waits": True} if waits else None):
            for listener in self.restarts:
                listener(line)

    def epoch(self, trial: int, record: dict[str, Any]) -> bool:
        """A trial finished an epoch; returns whether the journal did not have it yet.

        Keys that are no columns of `study.records` are left out.
        """
        columns = (*records.EPOCH_COLUMNS, *records.SOMETIMES)
        values = {key: record[key] for key in columns if key in record}
        return self._append({"event": "epoch", **values, "trial": trial})

    def end(self, trial: int, state: str) -> None:
        """A trial ended, in one of `records.STATES`; a failed one may end once more."""
        if self._ended.get(trial, "failed") == "failed":
            self._append({"event": "end", "trial": trial, "state": state})

    def error(self, trial: int, error: str) -> None:
        """What a failed trial raised, in one line."""
        self._append({"event": "error", "trial": trial, "error": error})

    def ended(self) -> dict[int, str]:
        """State by number of every trial that has ended; the last one of a retried trial."""
        return dict(self._ended)

    def epochs_of(self, trial: int) -> list[dict[str, Any]]:
        """The epochs on record for one trial, in order."""
        return list(self._epochs.get(trial, ()))

    def configs(self) -> dict[int, dict[str, Any]]:
        """Configuration by number of every trial that has started."""
        return {x["trial"]: x["config"] for x in self.lines if x["event"] == "start"}

    def _append(self, line: dict[str, Any], told: dict[str, Any] | None = None) -> bool:
        once = line["event"] in ("start", "epoch")
        if once and self._key(line) in self._seen:
            return False
        self.check()
        self._write(line)
        self._seen.add(self._key(line))
        self.lines.append(line)
        if line["event"] == "end":
            self._ended[line["trial"]] = line["state"]
        elif line["event"] == "epoch":
            self._epochs[line["trial"]].append(line)
        try:
            for listener in self.listeners:
                listener(line | (told or {}))
        except StorageError as error:
            self.fail(error)
        return True

    def _write(self, line: dict[str, Any]) -> None:
        """Append a line once, however often that is tried."""
        path = self.run / records.JOURNAL
        size: int | None = None

        def attempt() -> None:
            nonlocal size
            if not self._mended:  # only now: reading a run changes nothing of it
                journal_file.mend(self.run)
                self._mended = True
            if size is None:
                size = path.stat().st_size if path.exists() else 0
            else:
                with contextlib.suppress(FileNotFoundError):
                    os.truncate(path, size)  # what a failed attempt left
            journal_file.append(self.run, line)

        self.patiently(attempt)

    def patiently(self, action: Callable[[], T]) -> T:
        """What `action` returns, which may be tried again while storage fails.

        Raises StorageError, and so does everything that follows, where it failed too long.
        """
        self.check()
        try:
            return patiently(action, self.run, self._patience, self.say)
        except StorageError as error:
            self.fail(error)
            raise

    def fail(self, error: StorageError) -> None:
        """End the run: raises the error, now and from `check` on."""
        self._failure = error
        raise error

    def check(self) -> None:
        """StorageError where storage has failed for good."""
        if self._failure:
            raise self._failure

    @staticmethod
    def _key(line: dict[str, Any]) -> tuple[Any, ...]:
        return line["event"], line["trial"], line.get("epoch")


def outcome(record: dict[str, Any] | None) -> str:
    """The state that a trial's last record shows: completed, pruned, diverged or failed."""
    if record is None or "epoch" not in record:
        return "failed"
    if record["diverged"]:
        return "diverged"
    return "completed" if record["epoch"] >= record["epochs"] else "pruned"
