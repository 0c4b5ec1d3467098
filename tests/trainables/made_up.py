"""Files as data sets have them: SVHN's .mat, and devkits of Pascal VOC."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat

Arrays = dict[str, np.ndarray]


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
