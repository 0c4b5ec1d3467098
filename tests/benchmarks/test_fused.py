"""The fused prototype trains every replica as its solo run would."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from benchmarks.fused import Fused, trainings
from trainables import training
from trainables.config import TrainConfig
from trainables.data import load_dataset
from trainables.data.base import Dataset

REPLICAS = 3

# Average pooling to 1x1 goes through as_strided, which vmap does replica by replica.
pytestmark = pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning")


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return load_dataset("uci_digits", train_size=96)


@pytest.fixture
def in_double(monkeypatch) -> Iterator[None]:
    """In single precision Adam magnifies rounding: it divides by tiny second moments at first."""
    pixels = training._pixels
    monkeypatch.setattr(training, "_pixels", lambda images: pixels(images).double())
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def config(model: str) -> TrainConfig:
    return TrainConfig(
        model=model,
        epochs=2,
        learning_rate=1e-3,
        weight_decay=5e-3,
        batch_size=32,
        augment_strength=0.8,
        train_size=96,
        precision="fp32",
    )


@pytest.mark.parametrize(("model", "epochs"), [("cnn", 2), ("tiny", 2), ("resnet18", 1)])
def test_each_replica_is_its_solo_run(in_double, dataset, model: str, epochs: int) -> None:
    """Batch-norm, shuffling, augmentation, rates and decays included."""
    solo = trainings(dataset, config(model), REPLICAS)
    fused = Fused(trainings(dataset, config(model), REPLICAS))
    for epoch in range(1, epochs + 1):
        losses = torch.tensor([replica.optimise(epoch) for replica in solo])
        torch.testing.assert_close(fused.epoch(epoch), losses, rtol=1e-9, atol=0)
    for number, replica in enumerate(solo):
        state = fused.state_of(number)
        for name, value in replica.model.state_dict().items():
            torch.testing.assert_close(state[name], value, rtol=1e-7, atol=1e-9, msg=name)


def test_replicas_differ(dataset) -> None:
    losses = Fused(trainings(dataset, config("tiny"), REPLICAS)).epoch(1)
    assert len(set(losses.tolist())) == REPLICAS
