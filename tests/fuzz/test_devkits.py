"""VOC devkits: pictures and masks as they lie there, or one line that names the file."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.fuzz import answer, damaged, examples
from tests.trainables.data.conftest import write_devkit
from trainables.data import load_dataset
from trainables.data.base import Dataset
from trainables.data.masks import VOID

IMAGE, MASK = "JPEGImages/a1.jpg", "SegmentationClass/a1.png"
TRAIN, VAL = "ImageSets/Segmentation/train.txt", "ImageSets/Segmentation/val.txt"
CLASSES = "classes.txt"


@pytest.fixture(scope="module")
def devkit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torchvision.datasets  # takes seconds, and no input is to blame  # noqa: F401

    names = {"train": ["a0", "a1", "a2"], "val": ["b0"]}
    return write_devkit(tmp_path_factory.mktemp("devkit"), names, (24, 16), [0, 5, 20])


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CROSSOVER_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def load(devkit: Path, changes: dict[str, bytes | None]) -> Dataset | None:
    """The devkit with files replaced or (None) deleted, which are put back afterwards."""
    kept = {name: (devkit / name).read_bytes() for name in changes if (devkit / name).exists()}
    try:
        for name, content in changes.items():
            if content is None:
                (devkit / name).unlink(missing_ok=True)
            else:
                (devkit / name).write_bytes(content)
        found = answer(lambda: load_dataset("voc", data_dir=devkit, image_size=32))
    finally:
        for name in changes:
            (devkit / name).unlink(missing_ok=True)
        for name, content in kept.items():
            (devkit / name).write_bytes(content)
        shutil.rmtree(devkit.parents[2] / "cache", ignore_errors=True)
    if found is not None:
        assert found.test is not None
        for split in (found.pool, found.test):
            counted = split.labels[split.labels != VOID]
            assert counted.max() < len(found.classes)
    return found


MODES = ["1", "L", "P", "RGB", "RGBA", "I;16", "I", "F", "LA", "CMYK"]


def picture(mode: str, size: tuple[int, int], kind: str, value: int) -> bytes | None:
    """A file of that mode; None where the kind of file has none of it."""
    base = Image.fromarray(np.full((size[1], size[0]), value, np.uint8))
    buffer = io.BytesIO()
    try:
        if mode == "P":
            base.putpalette(list(range(256)) * 3)
        (base if mode in ("L", "P") else base.convert(mode)).save(buffer, kind)
    except (OSError, ValueError):
        return None
    return buffer.getvalue()


pictures = st.builds(
    picture,
    st.sampled_from(MODES),
    st.tuples(st.sampled_from([24, 1, 16, 300]), st.sampled_from([16, 24, 1])),
    st.sampled_from(["PNG", "JPEG", "TIFF", "GIF", "BMP"]),
    st.sampled_from([0, 5, 20, 21, 255]),
).filter(lambda content: content is not None)


@examples(60)
@given(st.dictionaries(st.sampled_from([IMAGE, MASK]), pictures, min_size=1))
def test_pictures_of_any_kind(devkit: Path, changes: dict[str, bytes]) -> None:
    found = load(devkit, changes)
    if found is not None:
        with (
            Image.open(io.BytesIO(changes[MASK]))
            if MASK in changes
            else Image.open(devkit / MASK) as mask
        ):
            assert set(np.unique(found.pool.labels[1])) <= {*np.unique(np.asarray(mask)), VOID}


@examples(80)
@given(st.data())
def test_damaged_pictures(devkit: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([IMAGE, MASK]))
    load(devkit, {name: data.draw(damaged((devkit / name).read_bytes()))})


entries = st.sampled_from(["a0", "a1", "a2", "b0", "b0 ", "", "../a0", "/etc/passwd", "x" * 300])
lists = (
    st.lists(entries | st.text(max_size=5), max_size=5)
    .map("\n".join)
    .map(lambda text: text.encode("utf-8", "surrogatepass"))
)
contents = st.none() | lists | st.binary(max_size=20)


@examples(100)
@given(st.dictionaries(st.sampled_from([TRAIN, VAL, CLASSES]), contents, min_size=1))
def test_lists_of_anything(devkit: Path, changes: dict[str, bytes | None]) -> None:
    found = load(devkit, changes)
    if found is not None:
        for name, split in ((TRAIN, found.pool), (VAL, found.test)):
            said = changes.get(name, (devkit / name).read_bytes())
            assert said is not None
            assert len(split) == len(said.decode().split())


@pytest.mark.parametrize("name", [IMAGE, MASK, TRAIN, VAL, CLASSES])
def test_a_folder_where_a_file_belongs(devkit: Path, tmp_path: Path, name: str) -> None:
    copy = shutil.copytree(devkit.parents[1], tmp_path / "copy") / "VOCdevkit" / "VOC2012"
    (copy / name).unlink(missing_ok=True)
    (copy / name).mkdir()
    assert load(copy, {}) is None
