"""What tests of the study share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from study import plugins
from study.spaces import SPACES
from trainables.data import DATASETS
from trainables.models import MODELS


@pytest.fixture
def plugins_forgotten() -> Iterator[None]:
    """The tables as they were, after the test."""
    before = [dict(table) for table in (MODELS, DATASETS, SPACES)]
    yield
    for name in list(plugins._LOADED):
        plugins._forget(plugins._LOADED.pop(name))
    assert before == [MODELS, DATASETS, SPACES]
