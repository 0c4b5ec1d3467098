"""The process that hands a run to W&B: `python -m study.publish RUN MODE`.

It reads the journal as it grows, as any reader of the run directory may, and ends when its
standard input does. What it says on its standard output are lines for the user.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from study.handover import FOLDER, Ledger, Trial, Trials
from study.tracking import LOG, OFFLINE, PATIENCE, Say
from study.wandb_runs import WandbRuns

POLL_SECONDS = 0.5
LOCK = "lock"
NICENESS = 10  # trainings first


class Publisher:
    """Keeps W&B's runs level with the journal's trials."""

    def __init__(self, run: Path, mode: str, say: Say) -> None:
        self._run, self.mode, self._say = run, mode, say
        self._trials, self._ledger = Trials(run), Ledger(run)
        self._runs = WandbRuns(run, mode)

    def catch_up(self) -> None:
        """Hand over what the journal has to tell since the last time."""
        for trial in self._trials.news():
            if self._ledger.lacks(trial):
                self._hand_over(trial)

    def finish(self) -> None:
        """End what is open, and hand over the report where there is a new one."""
        self._attempt(lambda: self._runs.close())
        if self._ledger.lacks_report():
            self._attempt(lambda: self._runs.hand_over_report())
            self._ledger.note(report=True)

    def _hand_over(self, trial: Trial) -> None:
        self._attempt(lambda: self._runs.bring_up_to_date(trial))
        if trial.state:
            self._ledger.note([trial])

    def _attempt(self, action: Callable[[], None]) -> None:
        """Do it online; from the first failure on, offline. There it has no excuse."""
        try:
            action()
        except Exception as error:  # W&B and the network have many kinds
            if self.mode == OFFLINE:
                raise
            self.mode = OFFLINE
            reason = f"{type(error).__name__}: {error}".splitlines()[0][:80]
            self._say(
                f"W&B: no connection ({reason}); going on offline, for "
                f"`wandb sync {self._run / FOLDER}`"
            )
            self._runs = WandbRuns(self._run, OFFLINE)
            action()


def main() -> None:
    """Follow a run until standard input ends."""
    run, mode = Path(sys.argv[1]), sys.argv[2]
    os.nice(NICENESS)
    say = _own_output(run / FOLDER / LOG)
    with open(run / FOLDER / LOCK, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the publisher of a killed run may still be at work
        publisher = Publisher(run, mode, say)
        ended = False
        while not ended:
            publisher.catch_up()
            ended = bool(select.select([sys.stdin], [], [], POLL_SECONDS)[0])
        signal.alarm(round(PATIENCE))  # where the run was killed, nobody else would end this
        publisher.catch_up()
        publisher.finish()
        if publisher.mode != mode:
            os._exit(0)  # W&B would wait for its online runs, which are kept offline by now


def _own_output(log: Path) -> Say:
    """Keep standard output for our own lines; what W&B and its service say goes to a file."""
    ours = os.fdopen(os.dup(1), "w", buffering=1)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(file, 1)
    os.dup2(file, 2)

    def say(text: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # the run is gone
            print(text, file=ours)

    return say


if __name__ == "__main__":
    main()
