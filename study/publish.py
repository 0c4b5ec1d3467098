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
import traceback
from pathlib import Path
from typing import NoReturn

from study.handover import FOLDER, Ledger, Trial, Trials
from study.tracking import KEYS, LOG, OFFLINE, PATIENCE
from study.wandb_runs import WandbRuns

POLL_SECONDS = 0.5
LOCK = "lock"
NICENESS = 10  # trainings first


def main() -> None:
    """Hand a run over until standard input ends; offline from where online fails."""
    run, mode = Path(sys.argv[1]), sys.argv[2]
    os.nice(NICENESS)
    ours = _own_output(run / FOLDER / LOG)
    try:
        with open(run / FOLDER / LOCK, "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # that of a killed run may still be at work
            _follow(run, mode)
    except Exception as error:  # W&B and the network have many kinds
        if mode == OFFLINE:
            raise
        traceback.print_exc()
        _go_on_offline(run, error, ours)


def _follow(run: Path, mode: str) -> None:
    """Keep W&B's runs level with the journal's trials, then hand over the report."""
    trials, ledger, runs = Trials(run), Ledger(run), WandbRuns(run, mode)
    waiting: dict[int, Trial] = {}  # for what a worker wrote, which is on its way from a bucket

    def catch_up(last: bool) -> None:
        news = [trial for trial in trials.news() if trial.epochs or trial.state]  # not yet begun
        waiting.update({trial.number: trial for trial in filter(ledger.lacks, news)})
        for trial in list(waiting.values()):
            runs.bring_up_to_date(trial)
            if trial.state and (last or runs.has_evidence(trial)):
                runs.end(trial)
                ledger.note([trial])
            if not trial.state or not ledger.lacks(trial):
                del waiting[trial.number]

    ended = False
    while not ended:
        catch_up(last=False)
        ended = bool(select.select([sys.stdin], [], [], POLL_SECONDS)[0])
    signal.alarm(round(PATIENCE))  # where the run was killed, nobody else would end this
    catch_up(last=True)
    runs.close()
    if ledger.lacks_report():
        runs.hand_over_report()
        ledger.note(report=True)


def _own_output(log: Path) -> int:
    """Keep standard output for our own lines; what W&B and its service say goes to a file."""
    ours = os.dup(1)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(file, 1)
    os.dup2(file, 2)
    return ours


def _go_on_offline(run: Path, error: Exception, ours: int) -> NoReturn:
    """Become a new process, without a key and without W&B's service, which holds the ids."""
    reason = f"{type(error).__name__}: {error}".splitlines()[0][:80]
    kept = f"going on offline, for `wandb sync {run / FOLDER}`"
    with contextlib.suppress(BrokenPipeError):  # the run is gone
        os.write(ours, f"W&B: online failed ({reason}); {kept}\n".encode())
    os.dup2(ours, 1)
    left_out = {*KEYS, "WANDB_SERVICE"}
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    command = [sys.executable, "-m", "study.publish", str(run), OFFLINE]
    os.execve(sys.executable, command, environment)


if __name__ == "__main__":
    main()
