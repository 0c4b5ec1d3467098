"""Every test on one thread, with a cache of its own, and no cluster of somebody else's."""

from __future__ import annotations

import os
import signal
import tempfile

import pytest
from hypothesis import settings

_CACHE = tempfile.TemporaryDirectory(prefix="crossover-cache-")

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["CROSSOVER_CACHE"] = _CACHE.name
os.environ.pop("RAY_ADDRESS", None)
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # each process would compile all of torch
os.environ["WANDB_MODE"] = "disabled"  # whatever key this machine has

# A shell's job in the background ignores ^C, and so would all that tests send it to.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples in every run, as many as each test says; `tests/fuzz` can be asked for more.
settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--plugin", action="append", default=[], help="as of study.run")
    parser.addoption("--data-dir", help="folder of a plugin's data set, for tests/contracts")


def pytest_configure(config: pytest.Config) -> None:
    """Before tests are collected, so that tests/contracts asks a plugin's models, too."""
    if named := config.getoption("--plugin"):
        from study.plugins import load

        load(named)


def pytest_unconfigure() -> None:
    _CACHE.cleanup()
