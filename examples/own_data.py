"""Images of your own: PATH/train/<class>/*.png, and PATH/test/<class>/*.png to test on.

uv run python -m study.run --plugin examples/own_data.py --space cnn --data folders --data-dir PATH
"""

from pathlib import Path

import numpy as np
from PIL import Image

from study.plugins import add_data
from trainables.data.base import Dataset, Split


def read(folder: Path, classes: list[str]) -> Split:
    """Images uint8 (N, 32, 32, 3) and labels int64 (N,)."""
    found = [(file, c) for c in classes for file in sorted((folder / c).glob("*.png"))]
    images = [Image.open(file).convert("RGB").resize((32, 32)) for file, _ in found]
    labels = [classes.index(c) for _, c in found]
    return Split(np.array([np.asarray(image) for image in images]), np.array(labels))


def load(data_dir: Path, download: bool, train_size: int | None) -> Dataset:
    classes = sorted(folder.name for folder in (data_dir / "train").glob("*/"))
    pool, test = read(data_dir / "train", classes), read(data_dir / "test", classes)
    return Dataset("folders", tuple(classes), pool, test if len(test) else None, val_fraction=0.2)


add_data("folders", "images in a folder a class", load, takes_directory=True)
