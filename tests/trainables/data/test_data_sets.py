"""The table of data sets, and what `check` refuses; tests/contracts has what all promise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from trainables.data import DATASETS, check_image_size, load_dataset, require_directory
from trainables.data.base import SEGMENTATION, DataError, Split, check
from trainables.data.masks import VOID
from trainables.errors import UserError


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(UserError, match="did you mean street_digits"):
        load_dataset("street_digit")


@pytest.mark.parametrize("name", ["street_digits", "uci_digits", "street_scenes"])
def test_options_that_make_no_sense_are_refused(name: str, tmp_path: Path):
    with pytest.raises(UserError, match="--data-dir"):
        load_dataset(name, data_dir=tmp_path)
    with pytest.raises(UserError, match="--download"):
        load_dataset(name, download=True)


@pytest.mark.parametrize(
    ("name", "size", "said"),
    [
        ("street_digits", 64, "street_digits images are 32x32; leave it out"),
        ("street_scenes", 60, "--image-size 60: must be a multiple of 8 from 32 to 1024"),
        ("street_scenes", 24, "multiple of 8 from 32"),
        ("voc", 1032, "to 1024"),
        ("voc2009", 0, "--image-size 0"),
    ],
)
def test_image_sizes_that_can_not_be_are_refused(name: str, size: int, said: str):
    for refuse in (check_image_size, lambda name, size: load_dataset(name, image_size=size)):
        with pytest.raises(UserError, match=said) as caught:
            refuse(name, size)
        assert caught.value.exit_code == 2


def test_image_sizes_that_can_be_are_taken():
    for name, entry in DATASETS.items():
        check_image_size(name, None)
        if entry.task == SEGMENTATION:
            check_image_size(name, entry.image_size[0])
            check_image_size(name, 1024)


def test_a_folder_that_a_download_makes_need_not_be_there(tmp_path: Path):
    new, file = tmp_path / "new", tmp_path / "file"
    file.write_text("")
    require_directory("svhn", new, download=True)
    for name, folder, download in (("svhn", new, False), ("svhn", file, True)):
        with pytest.raises(UserError, match="no such folder"):
            require_directory(name, folder, download)


def test_the_table_is_read_without_numpy():
    script = (
        "import sys; from trainables.data import check_image_size, DATASETS;"
        "check_image_size('voc', 512);"
        "assert not {'numpy', 'torch', 'PIL', 'trainables.data.base'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


@pytest.mark.parametrize(
    ("images", "labels", "said"),
    [
        (np.zeros((2, 32, 32, 3)), np.zeros(2, np.int64), "uint8"),
        (np.zeros((2, 32, 32), np.uint8), np.zeros(2, np.int64), r"\(2, 32, 32\)"),
        (np.zeros((2, 32, 32, 3), np.uint8), np.zeros(3, np.int64), "2 images"),
        (np.zeros((0, 32, 32, 3), np.uint8), np.zeros(0, np.int64), "no images"),
        (np.zeros((2, 32, 32, 3), np.uint8), np.array([0, 10]), r"0\.\.10"),
        (np.zeros((2, 32, 32, 3), np.uint8), np.zeros(2), "labels must be int64, found float64"),
    ],
)
def test_check_refuses(images: np.ndarray, labels: np.ndarray, said: str):
    with pytest.raises(DataError, match=said):
        check("some data", Split(images, labels), 10)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (np.zeros((100, 8), np.uint8), r"labels of shape \(100, 8\)"),
        (np.full((100, 8, 8), VOID, np.uint8), "every pixel is void"),
        (np.arange(100, dtype=np.uint8)[:, None, None].repeat(8, 1).repeat(8, 2), r"0\.\.99"),
    ],
)
def test_check_refuses_masks(labels: np.ndarray, said: str):
    with pytest.raises(DataError, match=said):
        check("some data", Split(np.zeros((100, 8, 8, 3), np.uint8), labels), 99, SEGMENTATION)


def test_check_looks_past_void():
    labels = np.full((100, 8, 8), VOID, np.uint8)
    labels[70, 3, 3] = 4
    check("some data", Split(np.zeros((100, 8, 8, 3), np.uint8), labels), 5, SEGMENTATION)
