"""The loop: deterministic, resumable after any epoch, clean where it says clean."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from study.records import EPOCH_COLUMNS
from trainables import loop
from trainables import training as training_module
from trainables.augment import augment
from trainables.checkpoint import STATE, CheckpointStore
from trainables.config import TrainConfig
from trainables.data.base import Dataset, Split, content_hash
from trainables.jobs import WEIGHTS
from trainables.loop import train
from trainables.models import build_model
from trainables.storage import Folder
from trainables.train_data import TrainData
from trainables.training import Training

CONFIG = TrainConfig(
    "tiny",
    epochs=4,
    learning_rate=0.01,
    batch_size=32,
    augment_strength=0.5,
    precision="fp32",  # what is compared agrees to float32, also where bfloat16 is the default
)
TIMES = ("seconds", "images_per_second")


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Two bright-or-dark classes: learnable in an epoch or two."""
    rng = np.random.default_rng(0)
    labels = np.arange(120) % 2
    images = rng.integers(0, 120, (120, 32, 32, 3)) + 100 * labels[:, None, None, None]
    pool = Split(images.astype(np.uint8), labels)
    return Dataset("bright", ("dark", "bright"), pool, None, 1 / 3, content_hash(pool))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def records_of(config: TrainConfig, dataset: Dataset, store: CheckpointStore | None = None):
    told: list[dict] = []
    train(config, dataset, told.append, store=store)
    return [{k: v for k, v in record.items() if k not in TIMES} for record in told]


def test_every_epoch_has_every_column(dataset: Dataset) -> None:
    told: list[dict] = []
    train(CONFIG, dataset, told.append)
    assert [record["epoch"] for record in told] == [1, 2, 3, 4]
    assert all({*record, "trial"} == set(EPOCH_COLUMNS) for record in told)
    assert told[-1]["progress"] == 100
    assert told[-1]["val_accuracy"] > 0.9


def test_the_same_seed_gives_the_same_numbers_whatever_ran_before(dataset: Dataset) -> None:
    first = records_of(CONFIG, dataset)
    torch.rand(17)
    assert records_of(CONFIG, dataset) == first
    assert records_of(replace(CONFIG, seed=1), dataset) != first


class Cut(Exception):
    """Stands for a kill between two epochs."""


@pytest.mark.parametrize("pause", [0.0, 10.0])  # saving every epoch, and hardly ever
@pytest.mark.parametrize("after", [1, 2, 3, 4])
def test_a_training_cut_after_any_epoch_goes_on_as_if_uncut(
    dataset, tmp_path, monkeypatch, after: int, pause: float
) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY_SECONDS", pause)
    uncut = records_of(CONFIG, dataset)
    store = CheckpointStore(Folder(str(tmp_path)))

    def cut(record: dict) -> None:
        if record["epoch"] == after:
            raise Cut

    with pytest.raises(Cut):
        train(CONFIG, dataset, cut, store=store)
    assert (store.load() is None) == (pause > 0 and after < 4)
    assert records_of(CONFIG, dataset, store) == uncut
    assert (tmp_path / WEIGHTS).exists()


def test_a_finished_training_saves_no_optimizer(dataset, tmp_path: Path) -> None:
    store = CheckpointStore(Folder(str(tmp_path)))
    train(CONFIG, dataset, lambda record: None, store=store)
    state = store.load()
    assert state is not None
    assert len(state["history"]) == CONFIG.epochs
    assert "optimizer" not in state


def test_a_state_of_another_configuration_is_not_continued(dataset, tmp_path: Path) -> None:
    store = CheckpointStore(Folder(str(tmp_path)))
    train(CONFIG, dataset, lambda record: None, store=store)
    other = replace(CONFIG, learning_rate=0.02)
    assert records_of(other, dataset, store) == records_of(other, dataset)


def test_a_damaged_state_starts_the_training_anew(dataset, tmp_path: Path) -> None:
    (tmp_path / STATE).write_bytes(b"half a file")
    assert records_of(CONFIG, dataset, CheckpointStore(Folder(str(tmp_path)))) == records_of(
        CONFIG, dataset
    )


def test_the_weights_load_without_executing_anything(dataset, tmp_path: Path) -> None:
    training = train(
        CONFIG, dataset, lambda record: None, store=CheckpointStore(Folder(str(tmp_path)))
    )
    weights = torch.load(tmp_path / WEIGHTS, weights_only=True)
    model = build_model("tiny", 2, seed=99)
    model.load_state_dict(weights)
    image = torch.rand(3, 3, 32, 32)
    training.model.eval()
    torch.testing.assert_close(model.eval()(image), training.model(image))


def test_a_loss_that_is_not_finite_ends_the_training_as_diverged(dataset: Dataset) -> None:
    with np.errstate(all="ignore"):
        told = records_of(replace(CONFIG, learning_rate=1e30), dataset)
    assert told[-1]["diverged"]
    assert len(told) < 4
    assert not any(record["diverged"] for record in told[:-1])


def test_training_loss_is_measured_on_clean_images_in_evaluation_mode(dataset, monkeypatch):
    """Augmentation may touch the images that are optimised on, and no others."""
    augmented: list[torch.Tensor] = []

    def spy(images, strength, generator):
        augmented.append(images)
        return torch.zeros_like(images)

    monkeypatch.setattr(training_module, "augment", spy)
    training = Training(
        CONFIG, TrainData.of(dataset, CONFIG, torch.device("cpu")), torch.device("cpu")
    )
    training.run_epoch()
    assert sum(map(len, augmented)) == len(training.data.train)
    record = training.history[-1]
    by_hand = {}
    training.model.eval()
    for name in ("probe", "val"):
        indices = getattr(training.data, name)
        images = training.data.pool.images[indices].permute(0, 3, 1, 2).float() / 255
        images = (images - training.data.mean.view(3, 1, 1)) / training.data.std.view(3, 1, 1)
        with torch.no_grad():
            logits = training.model(images)
        by_hand[name] = float(
            torch.nn.functional.cross_entropy(logits, training.data.pool.labels[indices])
        )
    assert record["train_loss"] == pytest.approx(by_hand["probe"], rel=1e-4)
    assert record["val_loss"] == pytest.approx(by_hand["val"], rel=1e-4)


@pytest.mark.parametrize("strength", [0.0, 0.25, 1.0])
def test_images_are_augmented_as_strongly_as_asked(dataset: Dataset, strength: float) -> None:
    config, cpu = replace(CONFIG, augment_strength=strength), torch.device("cpu")
    training = Training(config, TrainData.of(dataset, config, cpu), cpu)
    some = training.data.train[:8]
    trained_on, _ = training.augmented(some, torch.Generator().manual_seed(1))
    clean = training.data.pool.images[some].permute(0, 3, 1, 2).float() / 255
    expected = augment(clean, strength, torch.Generator().manual_seed(1))
    mean, std = training.data.mean.view(3, 1, 1), training.data.std.view(3, 1, 1)
    torch.testing.assert_close(trained_on, (expected - mean) / std)


def test_train_probe_and_validation_are_what_they_should_be(dataset: Dataset) -> None:
    data = TrainData.of(dataset, CONFIG, torch.device("cpu"))
    train_set, probe, val = (set(x.tolist()) for x in (data.train, data.probe, data.val))
    assert not train_set & val
    assert probe <= train_set
    assert len(probe) == len(val)
    assert train_set | val == set(range(120))
    again = TrainData.of(dataset, replace(CONFIG, seed=5), torch.device("cpu"))
    assert torch.equal(data.probe, again.probe)


@pytest.mark.parametrize("total", [2, 3, 4, 5, 100])
def test_the_schedule_warms_up_and_anneals_to_nearly_nothing(total: int) -> None:
    rates = [training_module.one_cycle(step, total) for step in range(total + 1)]
    assert all(0 < rate <= 1 for rate in rates[:-1])
    peak = rates.index(max(rates))
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert rates[-1] == pytest.approx(0, abs=1e-9)


def test_the_data_set_is_mapped_and_not_copied(dataset: Dataset) -> None:
    data = TrainData.of(dataset, CONFIG, torch.device("cpu"))
    assert data.pool.images.data_ptr() == dataset.pool.images.ctypes.data


@pytest.mark.parametrize("batch_size", [7, 32, 79, 80, 81, 500])
def test_an_epoch_sees_every_image_once_in_even_batches(dataset, batch_size: int) -> None:
    config = replace(CONFIG, batch_size=batch_size)
    training = Training(
        config, TrainData.of(dataset, config, torch.device("cpu")), torch.device("cpu")
    )
    batches = [batch for batch, _ in training.batches(1)]
    assert len(batches) == math.ceil(80 / batch_size)
    sizes = [len(batch) for batch in batches]
    assert max(sizes) - min(sizes) <= 1
    assert sorted(torch.cat(batches).tolist()) == training.data.train.tolist()
    assert [batch.tolist() for batch, _ in training.batches(2)] != [b.tolist() for b in batches]
