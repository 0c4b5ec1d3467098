"""Contracts also for a plugin's: `uv run pytest tests/contracts --plugin examples/own_model.py`."""

from __future__ import annotations

import pytest


@pytest.fixture
def plugins(pytestconfig: pytest.Config) -> list[str]:
    """What was given as --plugin, for other processes to load."""
    return list(pytestconfig.getoption("--plugin"))
