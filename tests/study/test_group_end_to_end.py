"""Trials of two workers through Tune and Ray Train: stopped, killed, and equal to one worker."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ray
import torch
import torch.distributed
from ray.tune.schedulers import FIFOScheduler

from study import cluster, orchestrate
from study.cells import CellQueue
from study.journal import Journal
from study.metrics import METRICS
from study.resources import Resources
from tests.trainables.scenes import dataset as scenes
from trainables import loop
from trainables.cell import CellJob
from trainables.data import load_dataset
from trainables.jobs import TrainingJob
from trainables.ray_train import GroupJob
from trainables.reporting import Record, Report
from trainables.storage import Folder
from trainables.workers import SOLO, Workers

pytestmark = pytest.mark.slow

ENDLESS, DIGITS, SCENES, ORPHANS = range(4)
TIMES = ("seconds", "images_per_second", "trial", "event")
CONFIG = {"epochs": 3, "learning_rate": 0.01, "batch_size": 15, "precision": "fp32"}
CELL = {"phase": "confirm", "arm": "tiny", "budget": 3, "drawn": True}
TRIALS = {
    ENDLESS: {**CONFIG, "model": "tiny", "epochs": 1_000},
    # At a higher rate rounding alone, in one process too, changes its losses by half a percent.
    DIGITS: {**CONFIG, "model": "tiny", "train_size": 100, "learning_rate": 0.002},
    SCENES: {**CONFIG, "model": "tiny_scenes", **CELL},
    ORPHANS: {**CONFIG, "model": "tiny", "train_size": 100, "epochs": 1},
}


@dataclass(frozen=True)
class Both:
    """A search's trainings of digits, and a cell of scenes whose worker 1 dies in epoch 2.

    Of the orphans the trainer dies before their first report.
    """

    digits: TrainingJob
    scenes: CellJob
    folder: Path

    @property
    def checkpoints(self) -> Path:
        return self.digits.checkpoints

    def __call__(
        self, number: int, params: dict[str, Any], report: Report, workers: Workers = SOLO
    ) -> None:
        def told(record: Record) -> None:
            died = self.folder / "died"
            with open(self.folder / f"{number}-{workers.rank}", "a") as file:
                file.write(json.dumps(record) + "\n")
            if number == ORPHANS and not workers.rank:
                trainer = self.folder / "trainer"
                if trainer.exists():
                    pid = int(trainer.read_text())
                    trainer.unlink()
                    os.kill(pid, signal.SIGKILL)
                    time.sleep(60)  # Ray ends its workers, too
            if number == SCENES and workers.rank and record["epoch"] == 2 and not died.exists():
                died.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            report(record)

        loop.SAVE_EVERY_SECONDS = 0.0
        job = self.scenes if number == SCENES else self.digits
        job(number, params, told, workers)


@dataclass(frozen=True)
class Trained:
    """A group's job, of which the first process that trains the orphans leaves its number."""

    group: Any
    folder: Path

    def __call__(self, number: int, params: dict[str, Any], report: Report) -> None:
        begun = self.folder / "begun"
        if number == ORPHANS and not begun.exists():
            begun.touch()
            (self.folder / "trainer").write_text(str(os.getpid()))
        self.group(number, params, report)


class StopsTheEndless(FIFOScheduler):
    """Stops one trial after its first epoch, as ASHA would."""

    def on_trial_result(self, tune_controller: Any, trial: Any, result: Record) -> str:
        stop = trial.config["trial"] == ENDLESS
        return self.STOP if stop else self.CONTINUE


@dataclass(frozen=True)
class Found:
    journal: Journal
    folder: Path
    free: dict[str, float]


def both(folder: Path) -> Both:
    digits, storage = load_dataset("uci_digits"), Folder(str(folder))
    return Both(
        TrainingJob(digits, {}, storage / "checkpoints", threads=1),
        CellJob(TrainingJob(scenes(), {}, storage / "checkpoints", threads=1), storage / "cells"),
        folder,
    )


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> Found:
    """All trials, two at once, on two CPUs, of which each worker has half a one."""
    folder = tmp_path_factory.mktemp("group")
    resources = Resources(workers_per_trial=2, cpus_per_trial=0.5, concurrency=2)
    journal = Journal(folder)
    queue = CellQueue(TRIALS, journal, METRICS["val_loss"])
    with cluster.connected(resources, len(TRIALS), folder / cluster.LOG) as slots:
        assert (slots.count, slots.workers) == (2, 2)
        job = Trained(orchestrate._on(slots, both(folder)), folder)
        orchestrate.run_trials(job, queue, len(TRIALS), StopsTheEndless(), slots, journal)
        deadline = time.monotonic() + 30
        while ray.available_resources().get("CPU") != slots.cluster["CPU"]:
            assert time.monotonic() < deadline, ray.available_resources()
            time.sleep(0.5)
        return Found(journal, folder, ray.available_resources())


def alone(number: int, folder: Path) -> list[Record]:
    """The records of the same trial by one worker, with the whole batch."""
    told: list[Record] = []
    job = both(folder)
    one = job.scenes if number == SCENES else job.digits
    one(number, TRIALS[number], told.append)
    return told


def test_every_trial_ends_and_a_stopped_one_frees_its_workers(found: Found) -> None:
    ended = found.journal.ended()
    assert ended == {ENDLESS: "pruned", **dict.fromkeys((DIGITS, SCENES, ORPHANS), "completed")}
    errors = [line for line in found.journal.lines if line["event"] == "error"]
    assert sorted(line["trial"] for line in errors) == [SCENES, ORPHANS]
    assert {line["error"][:16] for line in errors} == {"its process died"}


@pytest.mark.parametrize("number", [DIGITS, SCENES])
def test_the_records_are_those_of_one_worker(found: Found, tmp_path: Path, number: int) -> None:
    group = found.journal.epochs_of(number)
    assert [record["epoch"] for record in group] == [1, 2, 3]
    for one, two in zip(alone(number, tmp_path), group, strict=True):
        assert {k: v for k, v in two.items() if k not in TIMES} == pytest.approx(
            {k: v for k, v in one.items() if k not in TIMES}, rel=1e-3, abs=1e-4
        )


def test_a_killed_worker_s_group_goes_on_after_the_last_epoch(found: Found) -> None:
    told = [json.loads(line) for line in (found.folder / f"{SCENES}-0").read_text().splitlines()]
    epochs = [record["epoch"] for record in told]
    assert (found.folder / "died").exists()
    again = epochs.index(1, 1)  # the second group begins by telling what the first one did
    assert epochs[again:] == [1, 2, 3]
    for before, after in zip(told[:again], told[again:], strict=False):
        assert before == after  # its duration too: told again, not trained again


def test_a_group_s_cell_sees_the_test_set_once_on_rank_0(found: Found, tmp_path: Path) -> None:
    last = found.journal.epochs_of(SCENES)[-1]
    assert 0 <= last["test_miou"] <= 1
    others = [json.loads(x) for x in (found.folder / f"{SCENES}-1").read_text().splitlines()]
    assert not any("test_miou" in record for record in others)
    alone(SCENES, tmp_path)
    with (
        np.load(found.folder / "cells" / "00002.npz", allow_pickle=False) as group,
        np.load(tmp_path / "cells" / "00002.npz", allow_pickle=False) as one,
    ):
        assert set(group) == set(one)
        assert group["test_confusions"].sum() == one["test_confusions"].sum()
        assert np.abs(group["test_confusions"] - one["test_confusions"]).sum() < 20  # of 9,000


@dataclass(frozen=True)
class Asks:
    """A group's training that notes what its workers exchange messages by."""

    training: TrainingJob

    @property
    def checkpoints(self) -> Folder:
        return self.training.checkpoints

    def __call__(
        self, number: int, params: dict[str, Any], report: Report, workers: Workers
    ) -> None:
        Path(f"{self.checkpoints}-backend").write_text(torch.distributed.get_backend())
        self.training(number, params, report, workers)


@pytest.mark.parametrize(
    ("gpus", "backend"),
    [
        (0.0, "gloo"),
        pytest.param(
            *(1.0, "nccl"),
            marks=[
                pytest.mark.gpu,
                pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
            ],
        ),
    ],
)
def test_a_group_exchanges_by_what_its_devices_have(
    tmp_path: Path, gpus: float, backend: str
) -> None:
    """A group of one, so that one GPU is enough."""
    journal, checkpoints = Journal(tmp_path), Folder(str(tmp_path / "checkpoints"))
    queue = CellQueue({DIGITS: TRIALS[DIGITS]}, journal, METRICS["val_loss"])
    resources = Resources(gpus_per_trial=gpus, concurrency=1)
    with cluster.connected(resources, 1, tmp_path / cluster.LOG) as slots:
        asks = Asks(TrainingJob(load_dataset("uci_digits"), {}, checkpoints, 1, gpus))
        job = GroupJob.of(asks, 1, slots.cpus, gpus)
        grouped = replace(slots, workers=2)  # Tune's part holds no device that the group waits for
        orchestrate.run_trials(job, queue, 1, FIFOScheduler(), grouped, journal)
    assert journal.ended() == {DIGITS: "completed"}
    assert Path(f"{checkpoints}-backend").read_text() == backend
