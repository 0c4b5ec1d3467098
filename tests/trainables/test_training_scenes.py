"""Segmentation through the same loop: void, label size, batch-norm, records."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, jaccard_score, log_loss

from study.records import EPOCH_COLUMNS, SEGMENTATION_COLUMNS
from tests.trainables.scenes import dataset, larger, squares
from trainables import training as training_module
from trainables.augment_scenes import augment_scenes
from trainables.config import TrainConfig
from trainables.data.masks import VOID
from trainables.errors import UserError
from trainables.loop import train
from trainables.objective import AUXILIARY, summed_loss, training_loss
from trainables.train_data import TrainData
from trainables.training import Training

CPU = torch.device("cpu")
CONFIG = TrainConfig(
    "tiny_scenes",
    epochs=3,
    learning_rate=0.02,
    batch_size=8,
    precision="fp32",  # what is compared agrees to float32, also where bfloat16 is the default
)


def trained(config: TrainConfig = CONFIG, data=None) -> Training:
    return train(config, data or dataset(), lambda record: None)


def test_it_learns_and_every_record_has_a_mean_iou() -> None:
    training = trained(replace(CONFIG, epochs=12))
    first, last = training.history[0], training.history[-1]
    assert {*first, "trial"} == {*EPOCH_COLUMNS, *SEGMENTATION_COLUMNS}
    assert last["val_loss"] < first["val_loss"]
    assert last["val_miou"] > first["val_miou"]
    assert 0.5 < last["val_miou"] < last["val_accuracy"] <= 1


def test_dropout_is_drawn_from_the_seed(monkeypatch) -> None:
    """torchvision's segmentation heads drop features; a seed must give the same numbers."""

    def dropping(*arguments, **options) -> torch.nn.Module:
        model = build(*arguments, **options)
        model.backbone.append(torch.nn.Dropout(0.5))
        return model

    def losses(config: TrainConfig) -> list[float]:
        return [record["train_loss"] for record in trained(config).history]

    build = training_module.build_model
    monkeypatch.setattr(training_module, "build_model", dropping)
    first = losses(CONFIG)
    torch.rand(17)  # somebody else draws from the global generator
    state = torch.get_rng_state()
    assert losses(CONFIG) == first
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("full", [False, True])
def test_what_is_recorded_agrees_with_scikit_learn_at_the_labels_size(full: bool) -> None:
    data = dataset(larger(squares(60))) if full else dataset()
    training = trained(data=data)
    training.model.eval()
    truth, scores = [], []
    for index in training.data.val.tolist():
        image = torch.from_numpy(data.pool.images[index])[None]
        with torch.no_grad():
            logits = training.model(training.normalised(image))["out"]
        mask = data.pool.labels[index]
        if full:
            height, width = data.pool.full.inside[index]
            mask = data.pool.full[index]
            logits = torch.nn.functional.interpolate(
                logits[:, :, :height, :width], mask.shape, mode="bilinear"
            )
        truth.append(mask.ravel())
        scores.append(logits[0].flatten(1).softmax(0).T.numpy())
    labels, probabilities = np.concatenate(truth), np.concatenate(scores).astype(np.float64)
    counted = labels != VOID
    labels, probabilities = labels[counted], probabilities[counted]
    probabilities /= probabilities.sum(1, keepdims=True)
    predicted = probabilities.argmax(1)
    record = training.history[-1]
    assert record["val_accuracy"] == pytest.approx(accuracy_score(labels, predicted))
    assert record["val_f1"] == pytest.approx(f1_score(labels, predicted, average="macro"))
    assert record["val_miou"] == pytest.approx(jaccard_score(labels, predicted, average="macro"))
    loss = log_loss(labels, probabilities, labels=range(4))
    assert record["val_loss"] == pytest.approx(loss, rel=1e-4)


def test_void_pixels_neither_train_nor_count() -> None:
    logits = torch.randn(2, 4, 3, 3, requires_grad=True)
    labels = torch.randint(0, 4, (2, 3, 3), dtype=torch.uint8)
    labels[0] = VOID
    loss = summed_loss(logits, labels)
    loss.backward()
    assert loss.item() > 0
    assert logits.grad[0].abs().sum() == 0
    assert logits.grad[1].abs().sum() > 0


def test_a_split_without_a_labelled_pixel_is_refused() -> None:
    pool = squares(6)
    blank = replace(pool, labels=np.full_like(pool.labels, VOID))
    with pytest.raises(UserError, match="no training image of split 0 has a labelled pixel"):
        TrainData.of(dataset(blank), CONFIG, CPU)


def test_the_auxiliary_head_joins_the_loss() -> None:
    logits = torch.randn(2, 4, 3, 3)
    labels = torch.randint(0, 4, (2, 3, 3), dtype=torch.uint8)
    plain = training_loss({"out": logits}, labels)
    both = training_loss({"out": logits, "aux": logits}, labels)
    torch.testing.assert_close(both, plain * (1 + AUXILIARY))


def test_labels_are_augmented_with_their_images_and_only_in_training(monkeypatch) -> None:
    seen: list[int] = []

    def spy(images, masks, strength, generator):
        seen.append(len(images))
        return images, masks

    monkeypatch.setattr(training_module, "augment_scenes", spy)
    plain = trained(replace(CONFIG, epochs=1))
    assert not seen
    augmented = trained(replace(CONFIG, epochs=1, augment_strength=0.5))
    assert sum(seen) == len(augmented.data.train)
    assert augmented.history[0]["val_loss"] == plain.history[0]["val_loss"]


def test_masks_are_moved_with_their_images() -> None:
    config = replace(CONFIG, augment_strength=1.0)
    training = Training(config, TrainData.of(dataset(), config, CPU), CPU)
    some = training.data.train[:8]
    trained_on, masks = training.augmented(some, torch.Generator().manual_seed(1))
    images = training.data.pool.images[some].permute(0, 3, 1, 2).float() / 255
    drawn = training.data.pool.labels[some]
    moved = augment_scenes(images, drawn, 1.0, torch.Generator().manual_seed(1))
    torch.testing.assert_close(trained_on, training._standardised(moved[0]))
    assert torch.equal(masks, moved[1])
    assert not torch.equal(masks, drawn)


@pytest.mark.parametrize("name", ["deeplabv3_resnet50", "tiny_scenes"])
def test_an_image_alone_trains_despite_batch_norm(name: str) -> None:
    """DeepLabV3 pools to a single value a channel, which batch-norm cannot take from one image."""
    data = dataset(squares(3))
    config = replace(CONFIG, model=name, epochs=1, batch_size=1, learning_rate=1e-3)
    training = Training(config, TrainData.of(data, config, CPU), CPU)
    training.run_epoch()
    assert not training.history[-1]["diverged"]


def test_a_training_resumed_equals_an_uncut_one() -> None:
    config = replace(CONFIG, augment_strength=0.7)
    data = TrainData.of(dataset(), config, CPU)
    uncut = Training(config, data, CPU)
    while not uncut.finished:
        uncut.run_epoch()
    first = Training(config, data, CPU)
    first.run_epoch()
    second = Training(config, data, CPU)
    second.restore(first.state())
    while not second.finished:
        second.run_epoch()
    for a, b in zip(uncut.history, second.history, strict=True):
        assert a["val_loss"] == b["val_loss"]
        assert a["val_miou"] == b["val_miou"]
