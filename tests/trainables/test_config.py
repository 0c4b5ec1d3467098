"""The training configuration: all that is wrong is said at once."""

from __future__ import annotations

import math

import pytest

from trainables.config import TrainConfig
from trainables.errors import UserError

GOOD = {"model": "tiny", "epochs": 2, "learning_rate": 0.01}


def test_plain_values_come_back() -> None:
    config = TrainConfig.from_dict(GOOD)
    assert TrainConfig.from_dict(config.to_dict()) == config


def test_every_problem_is_named_in_one_line() -> None:
    with pytest.raises(UserError) as caught:
        TrainConfig("tiny", epochs=0, learning_rate=math.nan, augment_strength=2, batch_size=True)
    message = str(caught.value)
    for name in ("epochs", "learning_rate", "augment_strength", "batch_size"):
        assert name in message
    assert "\n" not in message


def test_unknown_and_missing_keys_are_refused() -> None:
    with pytest.raises(UserError, match=r"unknown training option 'lr'.*missing.*'epochs'"):
        TrainConfig.from_dict({"model": "tiny", "lr": 1, "learning_rate": 1})
