"""What a group of workers is said to have broken off with, where several tell."""

from __future__ import annotations

import pytest
import torch
from ray.exceptions import ActorDiedError
from ray.train.v2._internal.exceptions import WorkerHealthCheckFailedError

from trainables import ray_train
from trainables.patience import StorageError
from trainables.ray_train import _train_as_worker, cause

FULL = StorageError("the disk is full")
DIED = ActorDiedError()
MEMORY = torch.OutOfMemoryError("CUDA out of memory")
GLOO = RuntimeError("[/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:5] Connection reset")
NCCL = torch.distributed.DistBackendError("NCCL error: remote process exited")


@pytest.mark.parametrize("consequence", [GLOO, NCCL])
@pytest.mark.parametrize("one", [FULL, DIED, MEMORY])
def test_what_happened_is_told_and_not_that_it_was_noticed(one, consequence) -> None:
    assert cause([consequence, one]) is one
    assert cause([one, consequence]) is one
    assert cause([consequence]) is consequence


def test_storage_comes_first_then_a_death() -> None:
    death = WorkerHealthCheckFailedError("no answer", DIED)  # as Ray Train wraps it
    assert cause([MEMORY, death]) is DIED
    assert cause([death, MEMORY, FULL]) is FULL


@pytest.mark.parametrize(("error", "waits"), [(GLOO, [30.0]), (NCCL, [30.0]), (MEMORY, [])])
def test_a_worker_whose_collective_broke_lets_the_other_be_missed_first(
    monkeypatch, error: Exception, waits: list[float]
) -> None:
    def job(*_: object) -> None:
        raise error

    waited: list[float] = []
    monkeypatch.setattr(ray_train.time, "sleep", waited.append)
    monkeypatch.setattr(ray_train.ray, "get", lambda reference: job)
    monkeypatch.setattr(ray_train.ray.train, "get_context", Context)
    monkeypatch.setattr(ray_train.ray.train.torch, "get_device", lambda: torch.device("cpu"))
    with pytest.raises(RuntimeError) as raised:
        _train_as_worker({"job": None, "number": 0, "params": {}})
    assert raised.value is error
    assert waited == waits


class Context:
    """Ray Train's, of the first of two workers."""

    def get_world_rank(self) -> int:
        return 0

    def get_world_size(self) -> int:
        return 2
