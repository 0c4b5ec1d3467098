"""Two workers with half the batch each are one worker with the whole batch.

Two processes and Gloo, without Ray, whose part tests/study/test_group_end_to_end.py has.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from tests.trainables.scenes import dataset as scenes
from tests.trainables.scenes import larger, squares
from trainables.batch_norm import share_batch_norm
from trainables.checkpoint import CheckpointStore
from trainables.config import TrainConfig
from trainables.data.base import Dataset, Split, content_hash
from trainables.errors import UserError
from trainables.loop import train
from trainables.storage import Folder
from trainables.workers import SOLO, Workers

CPU = torch.device("cpu")
TIMES = ("seconds", "images_per_second")
# float32, also where bfloat16 is the default: its rounding alone moves a loss by 0.2%.
CLASSES = TrainConfig("tiny", epochs=4, learning_rate=0.01, batch_size=16, precision="fp32")
SCENES = replace(CLASSES, model="tiny_scenes", batch_size=8)
# At a higher rate rounding alone, in one process too, changes its losses by a third.
RESIDUAL = replace(CLASSES, model="resnet18", epochs=2, learning_rate=1e-4)


def digits(count: int) -> Dataset:
    """Noise whose brightness tells three classes apart, a third of it to validate."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 3
    images = rng.integers(0, 120, (count, 32, 32, 3)) + 50 * labels[:, None, None, None]
    pool = Split(images.astype(np.uint8), labels)
    return Dataset("grey", ("a", "b", "c"), pool, None, 1 / 3, content_hash(pool))


@dataclass(frozen=True)
class Case:
    """deep: without dropout, of which every worker draws its own, and within 0.3%, not 0.1%."""

    config: TrainConfig
    data: Dataset
    deep: bool = False


CASES = {
    # 60 images in batches of 15 and shares of 8 and 7; 30 to validate: 15 and 15
    "classification": Case(CLASSES, digits(90)),
    # 61 of validation: 31 and 30
    "uneven": Case(replace(CLASSES, batch_size=13), digits(183)),
    "without batch-norm": Case(replace(CLASSES, model="cnn"), digits(90)),
    "residual": Case(RESIDUAL, digits(48)),
    # batches of 1 and 2 images: worker 1 has none of some
    "fewer images than workers": Case(replace(CLASSES, batch_size=1, epochs=2), digits(9)),
    "a batch of one and a half": Case(replace(CLASSES, batch_size=2, epochs=2), digits(9)),
    "segmentation": Case(SCENES, scenes()),
    "at the labels' size": Case(replace(SCENES, batch_size=7), scenes(larger(squares(61)))),
    # one to validate, two to train on
    "fewer scenes than workers": Case(replace(SCENES, batch_size=1, epochs=2), scenes(squares(3))),
}
# Fifty layers of batch-norm on 32 pixels: the order of additions alone moves a loss by 0.1%.
DEEP_CASES = {
    model: Case(
        replace(SCENES, model=model, epochs=2, learning_rate=1e-5, batch_size=4),
        scenes(squares(9)),
        deep=True,
    )
    for model in ("fcn_resnet50", "deeplabv3_resnet50")
}
ALL = CASES | DEEP_CASES


def records_of(case: Case, workers: Workers = SOLO) -> list[dict[str, Any]]:
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        if case.deep:
            patch.setattr(nn.Dropout, "forward", lambda self, x: x)
        training = train(case.config, case.data, lambda record: None, workers=workers)
    found = [{k: v for k, v in r.items() if k not in TIMES} for r in training.history]
    values = [value.double().abs().sum() for value in training.model.state_dict().values()]
    found[-1]["weights"] = float(sum(values))  # with the statistics of batch-norm
    return found


def as_worker(rank: int, folder: str, names: list[str]) -> None:
    """One of two processes: train these cases, and leave the records."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/rendezvous", rank=rank, world_size=2
    )
    workers = Workers(rank, 2, wrap=together, sum=summed, device=CPU)
    found = {name: records_of(ALL[name], workers) for name in names}
    torch.save(found, f"{folder}/{rank}.pt")
    torch.save(refusal(rank, folder, workers), f"{folder}/refusal-{rank}.pt")
    torch.distributed.barrier()  # whoever leaves first takes the other's connections down
    torch.distributed.destroy_process_group()  # or its threads may abort the process as it ends


def together(model: nn.Module) -> nn.Module:
    """As `trainables.ray_train` does, whose prepare_model needs Ray."""
    return DistributedDataParallel(share_batch_norm(model, CPU))


def summed(value: torch.Tensor) -> torch.Tensor:
    total = value.clone()
    torch.distributed.all_reduce(total)
    return total


def refusal(rank: int, folder: str, workers: Workers) -> str:
    """What is said where only worker 0 finds the checkpoint of an interrupted training."""
    store = CheckpointStore(Folder(folder) / f"store-{rank}")
    case = CASES["classification"]
    if rank == 0:
        train(case.config, case.data, lambda record: None, store=store)
    try:
        train(case.config, case.data, lambda record: None, store=store, workers=workers)
    except UserError as error:
        return str(error)
    return "nothing"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("group")
    torch.multiprocessing.spawn(as_worker, (str(path), [*CASES]), nprocs=2)
    return path


@pytest.fixture(scope="module")
def deep(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("deep")
    torch.multiprocessing.spawn(as_worker, (str(path), [*DEEP_CASES]), nprocs=2)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("name", DEEP_CASES)
def test_two_workers_are_one_with_the_real_networks_too(deep: Path, name: str) -> None:
    test_two_workers_are_one_with_the_whole_batch(deep, name)


@pytest.mark.parametrize("name", CASES)
def test_two_workers_are_one_with_the_whole_batch(folder: Path, name: str) -> None:
    alone = records_of(ALL[name])
    group, other = (torch.load(folder / f"{rank}.pt")[name] for rank in (0, 1))
    assert other == group  # every worker has the group's numbers, to the last bit
    assert len(group) == ALL[name].config.epochs
    for one, two in zip(alone, group, strict=True):
        if name == "residual" or ALL[name].deep:  # predictions, after so few steps, nearly tie
            one, two = ({k: r[k] for k in ("train_loss", "val_loss")} for r in (one, two))
        assert two == pytest.approx(one, rel=3e-3 if ALL[name].deep else 1e-3, abs=1e-4)


def test_it_is_a_test_of_training(folder: Path) -> None:
    """The losses that are compared move, and by far more than the tolerance."""
    for name in ("classification", "segmentation"):
        losses = [record["train_loss"] for record in torch.load(folder / "0.pt")[name]]
        assert losses[0] - losses[-1] > 0.1


def test_workers_that_do_not_find_the_same_checkpoint_refuse(folder: Path) -> None:
    for rank in (0, 1):
        assert "--storage must be on a file system" in torch.load(folder / f"refusal-{rank}.pt")


def test_moments_are_float32_whatever_the_network_runs_in(monkeypatch) -> None:
    model = nn.Sequential(nn.BatchNorm2d(3)).to(torch.bfloat16)
    (norm,) = share_batch_norm(model, torch.device("cuda"))
    given: list[torch.dtype] = []
    monkeypatch.setattr(nn.SyncBatchNorm, "forward", lambda self, x: given.append(x.dtype) or x)
    assert norm(torch.zeros(2, 3, 1, 1, dtype=torch.bfloat16)).dtype == torch.bfloat16
    assert given == [torch.float32]
