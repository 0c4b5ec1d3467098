"""What a search and an experiment share: data loaded, Ray up, records kept, report written."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study import cluster, journal_file, provenance, records, session
from study.display import Display
from study.interrupts import heeded
from study.journal import Journal
from study.machines import Machines
from study.place import Place
from study.reading import read
from study.request import Request
from study.slots import Slots
from study.tracking import Tracking, hand_over, tracked
from study.words import amount, counted
from trainables.patience import Say

if TYPE_CHECKING:
    from trainables.data.base import Dataset


@dataclass(frozen=True)
class Stage:
    """A run that is ready for its trials."""

    dataset: Dataset
    slots: Slots
    journal: Journal
    display: Display
    manifest: records.Manifest


@contextlib.contextmanager
def staged(
    request: Request,
    before: records.Manifest | None,
    listeners: Callable[[Journal], list[Callable[[dict[str, Any]], None]]],
) -> Iterator[Stage]:
    """Everything around the trials; leaving it writes tables, manifest and report.

    The report is written after an end of its own only: an interrupted run has its tables.
    """
    run, journal = request.run, Journal(request.run)
    with (
        Display(
            request.console,
            request.metric,
            request.trials,
            ranked=request.identity["kind"] == "search",
            quiet=request.quiet,
        ) as display,
        contextlib.ExitStack() as until_reported,
    ):
        display.replay(journal.lines)
        display.note(request.opening)
        dataset = read(request, display.note)
        if before:
            session.check_same_data(run, before, dataset.content_hash)
        address = request.resources.joins
        display.note(f"joining the Ray cluster at {address}" if address else "starting Ray")
        with cluster.connected(request.resources, request.trials, run / cluster.LOG) as slots:
            if before:
                _forget_report(request.place)
            manifest = before or _manifest(request, dataset, slots)
            manifest.sessions.append(provenance.session(slots.cluster))
            journal.say = display.note
            machines = Machines(manifest, cluster.there)
            journal.listeners += [*listeners(journal), machines, display, request.place]
            journal.restarts.append(display)
            with session.recorded(run, manifest, journal):
                display.note(_on_what(slots))
                until_reported.enter_context(tracked(run, request.tracking, display.note))
                yield Stage(dataset, slots, journal, display, manifest)
        if any(line["event"] == "epoch" for line in journal.lines):
            request.place.bring_results()
            display.note("writing the report")
            _write_report(run)


def restore_outputs(run: Path, tracking: Tracking, say: Say) -> None:
    """Make anew what somebody deleted from a complete run: tables, report.

    What W&B has not got of it is handed over.
    """
    if not journal_file.read(run):
        return
    epochs, trials = run / records.EPOCHS, run / records.TRIALS
    if not (epochs.exists() and trials.exists()):
        session.write_tables(run, Journal(run))
    if not (run / records.REPORT / "index.html").exists():
        _write_report(run)
    hand_over(run, tracking, say)


def _forget_report(place: Place) -> None:
    """Delete what an earlier session reported: an experiment's verdicts are about to change.

    Wherever this session ends, a page that is there is of all trials there are.
    """
    shutil.rmtree(place.run / records.REPORT, ignore_errors=True)
    place.once_recorded((place.shared / records.REPORT).delete)


def _write_report(run: Path) -> None:
    from analysis.report import write_report  # the one call into the analysis

    with heeded():
        write_report([run], run / records.REPORT)


def _manifest(request: Request, dataset: Dataset, slots: Slots) -> records.Manifest:
    return records.Manifest(
        run_id=request.run.name,
        data=provenance.describe_data(dataset, request.split_seed, request.train_size),
        created=provenance.now(),
        command=provenance.command_line(),
        git=provenance.git_state(),
        packages=provenance.package_versions(),
        hardware=provenance.hardware(slots.cluster),
        **request.identity,
    )


def _on_what(slots: Slots) -> str:
    where = f"joined the Ray cluster at {slots.joined}" if slots.joined else "Ray is up"
    trials = counted(slots.count, "trial")
    workers = f"{slots.workers} workers of " if slots.workers > 1 else ""
    gpus = f" and {amount(slots.gpus, 'GPU')}" if slots.gpus else ""
    return f"{where}: {trials} at once, {workers}{amount(slots.cpus, 'CPU')}{gpus} each"
