"""SVHN's files: the official ones, a user's own, and bad ones."""

from __future__ import annotations

import hashlib
import io
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from tests.trainables.made_up import write_svhn
from trainables.data import load_dataset, svhn
from trainables.data.base import DataError

TRAIN = "train_32x32.mat"


def test_a_folder_one_level_off_is_offered(tmp_path: Path):
    (tmp_path / "data" / "svhn" / "images").mkdir(parents=True)
    folder = write_svhn(tmp_path / "data" / "svhn")
    for near in (folder.parent, folder / "images"):
        with pytest.raises(DataError, match=rf"did you mean --data-dir {folder}\?"):
            load_dataset("svhn", data_dir=near)


def test_the_official_file_is_known_by_its_size(svhn_folder: Path):
    assert svhn.peek(svhn_folder) is None
    os.truncate(svhn_folder / TRAIN, svhn.TRAIN_BYTES)
    assert svhn.peek(svhn_folder) == 73_257 - 5_000


def test_own_files_are_read_with_a_notice(svhn_folder: Path):
    dataset = load_dataset("svhn", data_dir=svhn_folder)
    raw = loadmat(svhn_folder / TRAIN)
    assert np.array_equal(dataset.pool.images[7], raw["X"][..., 7])
    assert dataset.pool.labels[:12].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2]
    (notice,) = dataset.notices
    assert notice == "not SVHN's own files (other md5): train 100 images, test 30 images"
    longest = notice.replace("100", "531,131").replace("30 i", "26,032 i")
    assert len(f"note: {longest}") <= 80  # a line, whatever its folder is called


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def cut_in_the_header(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("<html>404 Not Found</html>\n" * 40)


def hdf5(path: Path) -> None:
    header = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    path.write_bytes(header.ljust(512, b"\x00") + b"\x89HDF\r\n\x1a\n" + bytes(100))


@pytest.mark.parametrize("damage", [truncated, cut_in_the_header, empty, text, hdf5])
def test_a_damaged_file_is_named(svhn_folder: Path, damage: Callable[[Path], None]):
    damage(svhn_folder / TRAIN)
    with pytest.raises(DataError, match="not a readable") as caught:
        load_dataset("svhn", data_dir=svhn_folder)
    assert_helpful(caught.value, svhn_folder / TRAIN)


def assert_helpful(error: DataError, path: Path) -> None:
    assert str(path) in str(error)
    assert "\n" not in str(error)
    assert len(str(error).replace(str(path), "")) < 300
    assert error.exit_code == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"X": None}, "holds no X"),
        ({"y": None}, "holds no y"),
        ({"X": np.zeros((32, 32, 100), np.uint8)}, r"X is uint8 \(32, 32, 100\)"),
        ({"X": np.zeros((100, 32, 32, 3), np.uint8)}, r"X is uint8 \(100, 32"),
        ({"X": np.zeros((32, 32, 3, 100))}, "X is float64"),
        ({"X": np.zeros((32, 32, 3, 99), np.uint8)}, "99 images but 100 labels"),
        ({"y": np.ones((10, 10), np.uint8)}, r"y is uint8 \(10, 10\)"),
        ({"y": np.array(["a"] * 100, object)[:, None]}, "y is object"),
        ({"y": np.full((100, 1), 11, np.uint8)}, "100 labels are out of range, the first 11"),
        ({"y": np.full((100, 1), -1, np.int8)}, "the first -1"),
        ({"y": np.full((100, 1), np.nan)}, "the first nan"),
        ({"y": np.full((100, 1), 1.5)}, "the first 1.5"),
    ],
)
def test_arrays_that_are_not_svhns(
    svhn_folder: Path, make_arrays: Callable, change: dict, said: str
):
    arrays = {**make_arrays(100, 0), **change}
    savemat(svhn_folder / TRAIN, {n: a for n, a in arrays.items() if a is not None})
    with pytest.raises(DataError, match=said) as caught:
        load_dataset("svhn", data_dir=svhn_folder)
    assert_helpful(caught.value, svhn_folder / TRAIN)


def test_missing_files_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(DataError, match="add --download") as caught:
        load_dataset("svhn", data_dir=tmp_path)
    assert_helpful(caught.value, tmp_path / TRAIN)
    monkeypatch.setenv("CROSSOVER_CACHE", str(tmp_path))
    with pytest.raises(DataError, match="--data-dir or --download") as caught:
        load_dataset("svhn")
    assert_helpful(caught.value, tmp_path / "svhn" / TRAIN)


class Response(io.BytesIO):
    """What urlopen returns, as far as torchvision looks."""

    url, length = "", 0


class Server:
    """Stands for the official server: serves `files` by name."""

    def __init__(self, files: dict[str, bytes]):
        self.files, self.asked = files, 0

    def __call__(self, request: urllib.request.Request, *args: object, **kwargs: object):
        self.asked += 1
        name = request.full_url.rsplit("/", 1)[-1]
        if name not in self.files:
            raise urllib.error.URLError("Name or service not known")
        response = Response(self.files[name])
        response.length, response.url = len(self.files[name]), request.full_url
        return response


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, svhn_folder: Path) -> Callable[..., Server]:
    """Makes a server whose official files are the made-up ones."""
    from torchvision.datasets import SVHN

    files = {path.name: path.read_bytes() for path in svhn_folder.glob("*.mat")}
    for split in svhn.MD5:
        name = f"{split}_32x32.mat"
        md5 = hashlib.md5(files[name]).hexdigest()
        monkeypatch.setitem(svhn.MD5, split, md5)
        monkeypatch.setitem(SVHN.split_list, split, [f"http://host.test/{name}", name, md5])

    def start(**changed: bytes | None) -> Server:
        served = {**files, **{f"{split}_32x32.mat": c for split, c in changed.items()}}
        server = Server({name: c for name, c in served.items() if c is not None})
        monkeypatch.setattr(urllib.request, "urlopen", server)
        return server

    return start


def test_download_fetches_once_and_official_files_need_no_notice(serve, tmp_path: Path):
    server = serve()
    folder = tmp_path / "new" / "folder"
    fetched = load_dataset("svhn", data_dir=folder, download=True)
    assert server.asked > 0
    assert fetched.notices == ()
    assert sorted(path.name for path in folder.iterdir()) == ["test_32x32.mat", TRAIN]
    asked = server.asked
    again = load_dataset("svhn", data_dir=folder, download=True)
    assert server.asked == asked
    assert again.content_hash == fetched.content_hash


def test_torchvision_and_our_reader_agree(serve, svhn_folder: Path, monkeypatch):
    official = load_dataset("svhn", data_dir=svhn_folder)
    monkeypatch.setitem(svhn.MD5, "train", "0" * 32)
    own = load_dataset("svhn", data_dir=svhn_folder)
    assert (len(official.notices), len(own.notices)) == (0, 1)
    assert official.content_hash == own.content_hash


@pytest.mark.parametrize("content", [None, b"half a file"])
def test_a_failed_download_leaves_nothing_behind(serve, tmp_path: Path, content: bytes | None):
    serve(train=content)
    folder = tmp_path / "cache"
    with pytest.raises(DataError, match="cannot be fetched") as caught:
        load_dataset("svhn", data_dir=folder, download=True)
    assert "\n" not in str(caught.value)
    assert "put train_32x32.mat there yourself" in str(caught.value)
    assert list(folder.iterdir()) == []


def test_download_does_not_replace_a_users_own_file(serve, svhn_folder: Path):
    server = serve()
    (svhn_folder / TRAIN).write_bytes(b"mine")
    with pytest.raises(DataError, match="--download would replace it"):
        load_dataset("svhn", data_dir=svhn_folder, download=True)
    assert (svhn_folder / TRAIN).read_bytes() == b"mine"
    assert server.asked == 0


def test_download_mends_the_cache_folders_file(
    serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    serve()
    monkeypatch.setenv("CROSSOVER_CACHE", str(tmp_path / "cache"))
    load_dataset("svhn", download=True)
    (tmp_path / "cache" / "svhn" / TRAIN).write_bytes(b"damaged")
    assert load_dataset("svhn", download=True).notices == ()


def test_validation_stays_small_on_the_full_set(monkeypatch: pytest.MonkeyPatch, svhn_folder: Path):
    assert load_dataset("svhn", data_dir=svhn_folder).val_fraction == svhn.VAL_FRACTION
    monkeypatch.setattr(svhn, "VAL_MOST", 10)
    dataset = load_dataset("svhn", data_dir=svhn_folder)
    assert len(dataset.split_indices(0, None)[1]) == 10
