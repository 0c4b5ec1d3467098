"""What becomes of a trial that broke off, by what broke it."""

from __future__ import annotations

import math
from pathlib import Path
from traceback import format_exc
from types import SimpleNamespace

import pytest
from ray import cloudpickle
from ray.exceptions import (
    ActorDiedError,
    ActorUnavailableError,
    RayActorError,
    RayError,
    RayTaskError,
)

from study.asha import asha
from study.journal import Journal
from study.metrics import METRICS
from study.retries import LOST_NODES, Retries
from tests.study.test_search import METRIC

PREEMPTED = RayActorError(preempted=True)
UNREACHABLE = ActorUnavailableError("no answer", None)
RAISED = RayTaskError("train", "Traceback ...", ValueError("bad\nluck"))


class Source:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def retry(self, trial_id: str) -> None:
        self.told.append("retry")

    def fail(self, trial_id: str) -> None:
        self.told.append("fail")


def broken_off(run: Path, errors: list[Exception]) -> list[str]:
    """What the source is told of one trial that breaks off with these errors in turn."""
    source, journal = Source(), Journal(run)
    journal.start(0, {})
    retries = Retries(source, journal)
    for error in errors:
        path = run / "error.pkl"
        path.write_bytes(cloudpickle.dumps(error))
        trial = SimpleNamespace(config={"trial": 0}, trial_id="a", pickled_error_file=path)
        retries.on_trial_error(0, [], trial)
    return source.told


@pytest.mark.parametrize("error", [RAISED, ActorDiedError()])
def test_a_training_that_breaks_off_by_itself_is_tried_twice_more(tmp_path, error) -> None:
    assert broken_off(tmp_path, [error] * 3) == ["retry", "retry", "fail"]


@pytest.mark.parametrize("error", [PREEMPTED, UNREACHABLE])
def test_lost_nodes_do_not_use_up_the_retries(tmp_path: Path, error: Exception) -> None:
    mixed = [RAISED, error, error, RAISED, error, RAISED]
    assert broken_off(tmp_path, mixed) == ["retry"] * 5 + ["fail"]


def test_a_training_that_fells_every_node_ends_too(tmp_path: Path) -> None:
    lost = LOST_NODES
    assert broken_off(tmp_path, [PREEMPTED] * (lost + 1)) == ["retry"] * lost + ["fail"]


def test_every_reason_is_one_line_of_the_journal(tmp_path: Path) -> None:
    broken_off(tmp_path, [RAISED, PREEMPTED])
    told = [line["error"] for line in Journal(tmp_path).lines[1:]]
    assert told == ["ValueError: bad luck", "lost its node"]


class Arguments(Exception):
    """Pickled, but not made again from what it was pickled to."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} {two}")


def test_an_exception_that_cannot_be_read_back_is_the_trial_s_own(tmp_path: Path) -> None:
    try:
        raise Arguments("no", "luck")
    except Arguments as error:
        read_back = RayError.from_bytes(RayTaskError("f", format_exc(), error).to_bytes())
    (tmp_path / "error.txt").write_text(f"Failure # 1\n{read_back}\n")
    trial = SimpleNamespace(
        config={"trial": 0},
        trial_id="a",
        pickled_error_file=None,
        error_file=tmp_path / "error.txt",
    )
    source, journal = Source(), Journal(tmp_path)
    journal.start(0, {})
    Retries(source, journal).on_trial_error(0, [], trial)
    assert source.told == ["retry"]
    *_, line = Journal(tmp_path).lines
    assert line["error"].endswith("Arguments: no luck")


def test_a_journal_that_cannot_be_written_is_no_fault_of_the_trial(tmp_path: Path) -> None:
    (tmp_path / "error.txt").write_text("Failure # 1\nTraceback\nOSError: no space left\n")
    trial = SimpleNamespace(
        config={"trial": 0}, pickled_error_file=None, error_file=tmp_path / "error.txt"
    )
    retries = Retries(Source(), Journal(tmp_path))
    with pytest.raises(RuntimeError, match="OSError: no space left"):
        retries.on_trial_error(0, [], trial)
    assert Journal(tmp_path).lines == []


def test_asha_takes_no_measure_from_what_diverged(tmp_path: Path) -> None:
    scheduler = asha(METRICS[METRIC.name], Journal(tmp_path))
    for number, value in enumerate([math.nan, math.inf, 0.9, math.nan]):  # numpy warns of NaNs
        trial = SimpleNamespace(config={"trial": number}, trial_id=str(number))
        scheduler.on_trial_add(None, trial)
        scheduler.on_trial_result(None, trial, {"progress": 30, METRIC.name: value})
    (bracket,) = scheduler._brackets
    assert [list(recorded) for _, recorded in bracket._rungs if recorded] == [["2"]]


def test_asha_counts_a_trial_once_however_often_it_is_tried(tmp_path: Path) -> None:
    scheduler = asha(METRICS[METRIC.name], Journal(tmp_path))
    for attempt in range(3):
        trial = SimpleNamespace(config={"trial": 5}, trial_id=f"attempt-{attempt}")
        scheduler.on_trial_add(None, trial)
        scheduler.on_trial_result(None, trial, {"progress": 30, METRIC.name: 0.5})
    (bracket,) = scheduler._brackets
    assert [len(recorded) for _, recorded in bracket._rungs if recorded] == [1]
