"""Contracts also for a plugin's: `uv run pytest tests/contracts --plugin examples/own_model.py`.

Of a plugin's data set that reads a folder, `--data-dir` names one.
"""

from __future__ import annotations

import pytest


@pytest.fixture
def plugins(pytestconfig: pytest.Config) -> list[str]:
    """What was given as --plugin, for other processes to load."""
    return list(pytestconfig.getoption("--plugin"))
