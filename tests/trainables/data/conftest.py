"""A cache folder of the tests' own, .mat files in SVHN's format and devkits in VOC's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
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


def write_picture(folder: Path, name: str, size: tuple[int, int], classes: list[int]) -> None:
    """A JPEG of blocks and its palette mask: a column a class, void between them."""
    width, height = size
    rng = np.random.default_rng(len(name) + sum(name.encode()))
    blocks = rng.integers(0, 256, (5, 7, 3), np.uint8)
    picture = Image.fromarray(blocks).resize(size, Image.Resampling.BILINEAR)
    picture.save(folder / "JPEGImages" / f"{name}.jpg", quality=95)
    columns = np.array(classes, np.uint8)[np.arange(width) * len(classes) // width]
    columns[1:][np.diff(columns.astype(int)) != 0] = 255
    mask = Image.fromarray(np.repeat(columns[None], height, axis=0))
    mask.putpalette([value for index in range(256) for value in (index, 255 - index, index // 2)])
    mask.save(folder / "SegmentationClass" / f"{name}.png")


def write_devkit(
    root: Path, names: dict[str, list[str]], size: tuple[int, int], classes: list[int]
) -> Path:
    """A Pascal VOC 2012 devkit below `root`, names by list; returns its folder VOC2012."""
    folder = root / "VOCdevkit" / "VOC2012"
    for part in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (folder / part).mkdir(parents=True)
    for listed, members in names.items():
        text = "".join(f"{name}\n" for name in members)
        (folder / "ImageSets" / "Segmentation" / f"{listed}.txt").write_text(text)
        for name in members:
            write_picture(folder, name, size, classes)
    return folder


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
