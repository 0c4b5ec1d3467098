"""The training loop: from a configuration and a data set to records. Knows nothing of Ray."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from trainables.allocator import keep_freed_memory
from trainables.checkpoint import CheckpointStore
from trainables.config import TrainConfig
from trainables.data.base import Dataset
from trainables.device import pick_device
from trainables.errors import FAILED, UserError
from trainables.reporting import Record, Report
from trainables.train_data import TrainData
from trainables.training import Training
from trainables.workers import SOLO, Workers

Finish = Callable[[Training], Record]

# A state of ResNet18 is 134 MB, half a second to write. Saving it after every epoch of a few
# seconds would keep the disk busy and the processors idle; so short epochs share a save. Young's
# interval (1974), sqrt(2 x 0.5 s x 15 min), is for a machine that fails every quarter of an hour.
SAVE_EVERY_SECONDS = 30.0


def train(
    config: TrainConfig,
    dataset: Dataset,
    report: Report,
    *,
    store: CheckpointStore | None = None,
    workers: Workers = SOLO,
    finish: Finish | None = None,
) -> Training:
    """Train one model to the end of its schedule, reporting a record after every epoch.

    A training that a store knows goes on after its last saved epoch (at most
    SAVE_EVERY_SECONDS before its end), and reports the epochs before it once more: whoever
    keeps records must take the same epoch twice, and a scheduler that has forgotten the
    training learns of it again. Epochs trained twice give the same numbers. A loss that is not
    finite ends the training; its last record says `diverged`. `report` may raise to stop.
    `finish` is called once, after the last epoch of a training that did not diverge, and
    what it returns joins the last record. Of a group of workers every process calls this:
    rank 0 finishes and saves, and its records are the group's.
    """
    keep_freed_memory()
    device = workers.device or pick_device()
    training = Training(config, TrainData.of(dataset, config, device), device, workers)
    state = store.load() if store else None
    if state is not None and state["config"] == config.to_dict():
        training.restore(state)
    _require_same_epoch(training)
    for record in list(training.history):
        report(record)
    saved = time.monotonic()
    while not training.finished:
        training.run_epoch()
        well = training.finished and not training.history[-1]["diverged"]
        if finish and well and workers.rank == 0:
            training.history[-1].update(finish(training))
        due = training.finished or time.monotonic() - saved >= SAVE_EVERY_SECONDS
        if store and workers.rank == 0 and due:
            store.save(training.state(), training.finished)
            saved = time.monotonic()
        report(training.history[-1])
    return training


def _require_same_epoch(training: Training) -> None:
    """UserError where the workers of a group go on from different epochs: they would hang."""
    workers, own = training.workers, len(training.history)
    epochs = workers.sum(torch.tensor([own, own * own], device=training.device))
    total, squares = epochs.tolist()
    if squares * workers.count != total * total:  # the variance of equal numbers is 0
        raise UserError(
            "the workers of a trial do not find the same checkpoint: --storage must be on a file "
            "system that all nodes mount",
            FAILED,
        )
