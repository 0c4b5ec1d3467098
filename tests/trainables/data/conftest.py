"""A cache folder of the tests' own, .mat files in SVHN's format and devkits in VOC's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.trainables.made_up import Arrays, svhn_arrays, write_devkit, write_svhn


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One folder for the session, so that images are rendered once."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CROSSOVER_CACHE", str(folder))
        yield folder


@pytest.fixture
def make_arrays() -> Callable[[int, int], Arrays]:
    return svhn_arrays


@pytest.fixture
def svhn_folder(tmp_path: Path) -> Path:
    return write_svhn(tmp_path)


@pytest.fixture(scope="session")
def made_up_svhn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_svhn(tmp_path_factory.mktemp("svhn"))


@pytest.fixture
def make_devkit(tmp_path: Path) -> Callable[..., Path]:
    """Makes a devkit of four images to train and two to test on, or as asked."""

    def make(
        root: Path = tmp_path / "devkit",
        train: int = 4,
        size: tuple[int, int] = (60, 40),
        classes: tuple[int, ...] = (0, 5, 15, 20),
    ) -> Path:
        names = {"train": [f"a{i}" for i in range(train)], "val": ["b0", "b1"]}
        return write_devkit(root, names, size, list(classes))

    return make
