"""A cache folder of the tests' own, and .mat files in SVHN's format."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

Arrays = dict[str, np.ndarray]


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One folder for the session, so that images are rendered once."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CROSSOVER_CACHE", str(folder))
        yield folder


def svhn_arrays(count: int, seed: int) -> Arrays:
    """Random images and labels 1..10 as SVHN's files hold them, every class present."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.uint8) % 10 + 1
    return {"X": rng.integers(0, 256, (32, 32, 3, count), np.uint8), "y": labels[:, None]}


def write_svhn(folder: Path) -> Path:
    """A made-up train and test file in `folder`."""
    savemat(folder / "train_32x32.mat", svhn_arrays(100, 0))
    savemat(folder / "test_32x32.mat", svhn_arrays(30, 1))
    return folder


@pytest.fixture
def make_arrays() -> Callable[[int, int], Arrays]:
    return svhn_arrays


@pytest.fixture
def svhn_folder(tmp_path: Path) -> Path:
    return write_svhn(tmp_path)


@pytest.fixture(scope="session")
def made_up_svhn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_svhn(tmp_path_factory.mktemp("svhn"))
