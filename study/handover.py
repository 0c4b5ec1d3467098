"""What there is to hand over to W&B, read from the run directory, and what was already.

Knows nothing of W&B itself: the run's own process asks it whether anything is left to do.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from study import records

FOLDER = "wandb"
LEDGER = "handed_over.json"


@dataclass
class Trial:
    """What the journal says of a trial so far.

    epochs: records by `study.records.EPOCH_COLUMNS`. state: None while it runs. error: of a
    failed one.
    """

    number: int
    config: dict[str, Any] = field(default_factory=dict)
    epochs: list[dict[str, Any]] = field(default_factory=list)
    state: str | None = None
    error: str = ""

    def take(self, line: dict[str, Any]) -> None:
        """Take in one line of the journal."""
        if line["event"] == "start":
            self.config = line["config"]
        elif line["event"] == "epoch":
            self.epochs.append({k: v for k, v in line.items() if k not in ("event", "trial")})
            self.state = None  # a failed trial that is tried again
        elif line["event"] == "end":
            self.state = line["state"]
        else:
            self.error = line["error"]


class Trials:
    """The trials of a run, level with its journal, which may be growing."""

    def __init__(self, run: Path) -> None:
        self._path = run / records.JOURNAL
        self._at = 0
        self._trials: dict[int, Trial] = {}

    def news(self) -> list[Trial]:
        """Read on; the trials of which there is something new. A torn last line can wait."""
        if not self._path.exists():
            return []
        with open(self._path, "rb") as file:
            file.seek(self._at)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._at += len(whole)
        lines = [json.loads(line) for line in whole.splitlines()]
        for line in lines:
            self._trials.setdefault(line["trial"], Trial(line["trial"])).take(line)
        return [self._trials[number] for number in dict.fromkeys(x["trial"] for x in lines)]


class Ledger:
    """What was handed over whole: {"trials": {number: [state, epochs]}, "report": hash}."""

    def __init__(self, run: Path) -> None:
        self._run = run
        self._path = run / FOLDER / LEDGER
        self._noted: dict[str, Any] = {"trials": {}, "report": ""}
        if self._path.exists():
            self._noted = json.loads(self._path.read_text())

    def lacks(self, trial: Trial) -> bool:
        """Whether a trial, as it is now, is not handed over yet."""
        return bool(self._noted["trials"].get(str(trial.number)) != _state(trial))

    def lacks_report(self) -> bool:
        """Whether there is a report that is not handed over yet."""
        return _digest(self._run) not in ("", self._noted["report"])

    def note(self, trials: Iterable[Trial] = (), report: bool = False) -> None:
        """These trials, as they are now, and the report are handed over."""
        for trial in trials:
            self._noted["trials"][str(trial.number)] = _state(trial)
        if report:
            self._noted["report"] = _digest(self._run)
        records.replace_file(self._path, json.dumps(self._noted).encode())


def outstanding(run: Path) -> bool:
    """Whether W&B has not got all of a run that has ended."""
    ledger = Ledger(run)
    return ledger.lacks_report() or any(map(ledger.lacks, Trials(run).news()))


def _state(trial: Trial) -> list[Any]:
    return [trial.state, len(trial.epochs)]


def _digest(run: Path) -> str:
    page = run / records.REPORT / "index.html"
    return hashlib.sha256(page.read_bytes()).hexdigest() if page.exists() else ""
