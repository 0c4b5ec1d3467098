"""Pascal VOC devkits: real ones, tiny ones, bad ones, and what becomes of their images."""

from __future__ import annotations

import io
import os
import tarfile
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets.voc import DATASET_YEAR_DICT

from trainables.data import decoded, load_dataset
from trainables.data.base import SEGMENTATION, DataError, Dataset, content_hash
from trainables.data.devkit import layout, peek
from trainables.data.labelled_image import PADDING
from trainables.data.mapped import Mapped
from trainables.data.masks import VOID
from trainables.data.voc import CLASSES

REAL = Path(__file__).parents[4] / "shared" / "data"
MakeDevkit = Callable[..., Path]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CROSSOVER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def load(folder: Path, image_size: int = 32) -> Dataset:
    return load_dataset("voc", data_dir=folder, image_size=image_size)


@pytest.mark.parametrize(("name", "pool", "test"), [("camvid", 40, 20), ("voc", 2, 1)])
def test_real_devkits_are_read(name: str, pool: int, test: int):
    if not (REAL / name).is_dir():
        pytest.skip(f"no real devkit at ../shared/data/{name}")
    dataset = load(REAL / name, 64)
    assert dataset.test is not None
    assert (len(dataset.pool), len(dataset.test)) == (pool, test)
    assert dataset.classes == CLASSES
    assert dataset.task == SEGMENTATION
    for split in (dataset.pool, dataset.test):
        assert split.images.shape == (len(split), 64, 64, 3)
        assert split.labels.shape == (len(split), 64, 64)
        assert split.images[:, :40].std() > 20
        assert split.full is not None
        for index, mask in enumerate(split.labels):
            height, width = split.full.inside[index]
            assert 64 in (height, width)
            assert (mask[height:] == VOID).all()
            assert (mask[:, width:] == VOID).all()
            assert split.full[index].shape == tuple(split.full.sizes[index])
    train, val = dataset.split_indices(0, None)
    assert (len(train), len(val)) == (pool - max(1, pool // 5), max(1, pool // 5))
    assert dataset.content_hash == content_hash(dataset.pool, dataset.test)


def test_an_image_is_scaled_into_the_top_left_of_a_square(make_devkit: MakeDevkit):
    folder = make_devkit(size=(60, 40))
    dataset = load(folder)
    with Image.open(folder / "JPEGImages" / "a0.jpg") as file:
        expected = np.asarray(file.convert("RGB").resize((32, 21), Image.Resampling.BILINEAR))
    assert np.array_equal(dataset.pool.images[0, :21], expected)
    assert (dataset.pool.images[0, 21:] == PADDING).all()
    assert set(np.unique(dataset.pool.labels[0, :21])) == {0, 5, 15, 20, VOID}
    assert (dataset.pool.labels[:, 21:] == VOID).all()


def test_masks_at_their_own_size_come_along(make_devkit: MakeDevkit):
    folder = make_devkit(size=(40, 60))
    pool = load(folder).pool
    assert pool.full is not None
    assert pool.full.sizes.tolist() == [[60, 40]] * 4
    assert pool.full.inside.tolist() == [[32, 21]] * 4
    taken = pool.take(np.array([2, 0])).full
    assert taken is not None
    for index, name in enumerate(("a2", "a0")):
        with Image.open(folder / "SegmentationClass" / f"{name}.png") as file:
            assert np.array_equal(taken[index], np.asarray(file))


def test_small_images_are_not_enlarged(make_devkit: MakeDevkit):
    folder = make_devkit(size=(24, 20))
    pool = load(folder).pool
    assert pool.full is not None
    assert pool.full.inside.tolist() == [[20, 24]] * 4
    assert np.array_equal(pool.labels[0, :20, :24], pool.full[0])


def test_no_masks_are_kept_twice(make_devkit: MakeDevkit):
    assert load(make_devkit(size=(32, 32))).pool.full is None


@pytest.mark.parametrize("part", ["", "VOCdevkit", "VOCdevkit/VOC2012"])
def test_the_folder_may_be_the_devkit_or_hold_it(make_devkit: MakeDevkit, part: str):
    root = make_devkit().parents[1]
    assert len(load(root / part).pool) == 4


def test_years_have_entries_of_their_own(make_devkit: MakeDevkit, tmp_path: Path):
    folder = make_devkit()
    with pytest.raises(DataError, match="VOC2007: no such folder"):
        load_dataset("voc2007", data_dir=folder.parents[1])
    folder.rename(folder.with_name("VOC2007"))
    assert load_dataset("voc2007", data_dir=folder.parents[1]).name == "voc2007"
    nested = tmp_path / "TrainVal" / "VOCdevkit" / "VOC2011"  # as the archive of 2011 has it
    nested.parent.mkdir(parents=True)
    folder.with_name("VOC2007").rename(nested)
    assert load_dataset("voc2011", data_dir=tmp_path).name == "voc2011"


def test_classes_of_ones_own(make_devkit: MakeDevkit):
    folder = make_devkit(classes=(0, 1, 2))
    assert "18 of VOC's 21 classes are in none" in load(folder).notices[0]
    (folder / "classes.txt").write_text("road\nhouse\nsky\n\n")
    dataset = load(folder)
    assert dataset.classes == ("road", "house", "sky")
    assert dataset.notices == ()


def test_two_images_make_one_to_train_and_one_to_validate_on(make_devkit: MakeDevkit):
    train, val = load(make_devkit(train=2)).split_indices(0, None)
    assert (len(train), len(val)) == (1, 1)


def test_decoding_is_done_once_and_follows_the_files(
    make_devkit: MakeDevkit, monkeypatch: pytest.MonkeyPatch
):
    folder = make_devkit()
    first = load(folder)
    with monkeypatch.context() as patch:
        patch.setattr(decoded, "read_labelled", None)
        assert load(folder).content_hash == first.content_hash
    mask = folder / "SegmentationClass" / "a1.png"
    with Image.open(mask) as file:
        changed = np.asarray(file).copy()
    changed[:] = 7
    Image.fromarray(changed).save(mask)
    assert set(np.unique(load(folder).pool.labels[1])) == {7, VOID}
    assert load(folder, 40).pool.images.shape == (4, 40, 40, 3)


@pytest.mark.parametrize("damage", ["cut", "changed", "gone", "masks"])
def test_a_damaged_cache_is_made_anew(make_devkit: MakeDevkit, own_cache: Path, damage: str):
    folder = make_devkit()
    first = load(folder)
    (images,) = own_cache.rglob("train-images.npy")
    if damage == "cut":
        os.truncate(images, images.stat().st_size // 2)
    elif damage == "changed":
        content = bytearray(images.read_bytes())
        content[-100] ^= 1
        images.write_bytes(content)
    elif damage == "gone":
        images.unlink()
    else:
        images.with_name("train-masks.npz").write_bytes(b"PK")
    assert load(folder).content_hash == first.content_hash
    assert load(folder).notices == first.notices
    assert [path.name for path in (own_cache / "decoded").iterdir()] == [images.parent.name]


def test_large_sets_stay_in_their_files(make_devkit: MakeDevkit, monkeypatch: pytest.MonkeyPatch):
    folder = make_devkit()
    small = load(folder)
    assert type(small.pool.images) is np.ndarray
    monkeypatch.setattr(decoded, "MAPPED_ABOVE", 1000)
    large = load(folder)
    assert isinstance(large.pool.images, Mapped)
    assert isinstance(large.pool.labels, Mapped)
    assert large.content_hash == small.content_hash
    assert np.array_equal(large.pool.take(np.array([3, 1])).images, small.pool.images[[3, 1]])


def test_without_a_cache_folder_small_sets_are_read_and_large_ones_refused(
    make_devkit: MakeDevkit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = make_devkit()
    kept = load(folder)
    blocked = tmp_path / "a file, not a folder"
    blocked.write_text("")
    monkeypatch.setenv("CROSSOVER_CACHE", str(blocked))
    made = load(folder)
    assert made.content_hash == kept.content_hash
    assert str(blocked) in made.notices[0]
    monkeypatch.setattr(decoded, "MAPPED_ABOVE", 1000)
    with pytest.raises(DataError, match="cannot be kept") as caught:
        load(folder)
    assert_helpful(caught.value, blocked)


def test_an_interrupt_leaves_nothing_half_decoded(
    make_devkit: MakeDevkit, own_cache: Path, monkeypatch: pytest.MonkeyPatch
):
    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(decoded, "content_hash", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load(make_devkit())
    assert list((own_cache / "decoded").iterdir()) == []


def assert_helpful(error: DataError, path: Path) -> None:
    assert str(path) in str(error)
    assert "\n" not in str(error)
    assert len(str(error).replace(str(path), "")) < 250
    assert error.exit_code == 1


def save_mask(path: Path, mode: str, size: tuple[int, int] = (60, 40), value: int = 1) -> None:
    Image.new(mode, size, value if mode in ("L", "P") else None).save(path)


IMAGE, MASK = "JPEGImages/a1.jpg", "SegmentationClass/a1.png"
TRAIN, VAL = (f"ImageSets/Segmentation/{name}.txt" for name in ("train", "val"))
BAD: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "missing image": (IMAGE, lambda p: p.unlink(), "No such file .*; train.txt names it"),
    "missing mask": (MASK, lambda p: p.unlink(), "No such file .*; train.txt names it"),
    "cut image": (
        IMAGE,
        lambda p: os.truncate(p, p.stat().st_size // 2),
        "not a readable image .*truncated",
    ),
    "empty image": (IMAGE, lambda p: p.write_bytes(b""), "not a readable image"),
    "text for an image": (IMAGE, lambda p: p.write_text("<html>404"), "not a readable image"),
    "cut mask": (MASK, lambda p: os.truncate(p, p.stat().st_size - 60), "not a readable mask"),
    "text for a mask": (MASK, lambda p: p.write_text("<html>404"), "not a readable mask"),
    "mask of another size": (
        MASK,
        lambda p: save_mask(p, "P", (40, 60)),
        r"has 40x60 pixels, but its image a1.jpg has 60x40",
    ),
    "class beyond the last": (
        MASK,
        lambda p: save_mask(p, "L", value=21),
        r"holds class 21, but the classes end at 20 \(tv/monitor\)",
    ),
    "colours": (MASK, lambda p: save_mask(p, "RGB"), "its mode is RGB, .* P or L"),
    "bits": (MASK, lambda p: save_mask(p, "1"), "its mode is 1, "),
    "missing list": (TRAIN, lambda p: p.unlink(), "No such file"),
    "missing test list": (VAL, lambda p: p.unlink(), "No such file"),
    "empty list": (VAL, lambda p: p.write_text("\n\n"), "names no images"),
    "list that is no text": (TRAIN, lambda p: p.write_bytes(b"\xff\xfe\x80"), "not text"),
    "list of one": (TRAIN, lambda p: p.write_text("a0\n"), "names one image"),
    "image in both lists": (VAL, lambda p: p.write_text("a2\n"), "names a2, which train.txt"),
    "image twice": (TRAIN, lambda p: p.write_text("a0\na1\na0\n"), "names a0, which train.txt"),
    "one class": ("classes.txt", lambda p: p.write_text("road\n"), "names 1 classes"),
    "no classes": ("classes.txt", lambda p: p.write_text(""), "names 1 classes"),
    "too many classes": (
        "classes.txt",
        lambda p: p.write_text("".join(f"c{i}\n" for i in range(256))),
        "names 256 classes; there can be 2 to 255",
    ),
    "class twice": ("classes.txt", lambda p: p.write_text("a\nb\na\n"), "names 'a' twice"),
    "unnamed class": ("classes.txt", lambda p: p.write_text("a\n\nb\n"), "line 2 is empty"),
    "classes in bytes": ("classes.txt", lambda p: p.write_bytes(b"\xff\xfe"), "cannot be read"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_said_in_a_line_that_names_the_file(make_devkit: MakeDevkit, case: str):
    part, damage, said = BAD[case]
    folder = make_devkit()
    damage(folder / part)
    with pytest.raises(DataError, match=said) as caught:
        load(folder)
    assert_helpful(caught.value, folder / part)


def test_too_few_own_classes_for_the_masks_are_said(make_devkit: MakeDevkit):
    folder = make_devkit(classes=(0, 1, 2))
    (folder / "classes.txt").write_text("road\nhouse\n")
    with pytest.raises(DataError, match=r"holds class 2, but the classes end at 1 \(house\)"):
        load(folder)


def test_masks_of_nothing_but_void_are_refused(make_devkit: MakeDevkit):
    with pytest.raises(DataError, match="every pixel is void"):
        load(make_devkit(classes=(VOID,)))


def test_a_missing_devkit_says_what_to_do(tmp_path: Path, own_cache: Path):
    with pytest.raises(DataError, match="--data-dir names the folder that holds VOCd") as caught:
        load(tmp_path)
    assert_helpful(caught.value, tmp_path / "VOCdevkit" / "VOC2012")
    with pytest.raises(DataError, match="with --data-dir, or --download it") as caught:
        load_dataset("voc")
    assert_helpful(caught.value, own_cache / "voc" / "VOCdevkit" / "VOC2012")


def test_years_lie_where_torchvision_has_them():
    for year, entry in DATASET_YEAR_DICT.items():
        if year != "2007-test":
            assert layout(year) == Path(entry["base_dir"])


@pytest.mark.parametrize(("names", "known"), [("", None), ("a0\n", None), ("a0\n\na1\n", 1)])
def test_a_list_that_no_run_takes_has_no_size(
    make_devkit: MakeDevkit, names: str, known: int | None
):
    folder = make_devkit()
    path = folder / "ImageSets" / "Segmentation" / "train.txt"
    path.write_text(names)
    assert peek(folder, "2012") == known


def test_folders_that_cannot_be_looked_into_are_not_offered(tmp_path: Path, monkeypatch):
    (tmp_path / "lost+found").mkdir()
    stat = os.stat

    def denied(path, *args, **kwargs):
        if "lost+found" + os.sep in str(path):
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, *args, **kwargs)

    monkeypatch.setattr(os, "stat", denied)
    with pytest.raises(DataError, match="--data-dir names the folder that holds VOCdevkit"):
        load(tmp_path)


def test_a_folder_one_level_off_is_offered(make_devkit: MakeDevkit, tmp_path: Path):
    make_devkit(tmp_path / "a" / "camvid")
    make_devkit(tmp_path / "a" / "voc")
    both = " or ".join(str(tmp_path / "a" / name) for name in ("camvid", "voc"))
    with pytest.raises(DataError, match=rf"did you mean --data-dir {both}\?") as caught:
        load(tmp_path / "a")
    assert_helpful(caught.value, tmp_path / "a" / "VOCdevkit" / "VOC2012")


class Server:
    """Stands for the official server, which has one archive, or none."""

    def __init__(self, archive: bytes | None):
        self.archive, self.asked = archive, 0

    def __call__(self, request: urllib.request.Request, *args: object, **kwargs: object):
        self.asked += 1
        if self.archive is None:
            raise urllib.error.URLError("Name or service not known")
        response = io.BytesIO(self.archive)
        response.url, response.length = request.full_url, len(self.archive)  # type: ignore[attr-defined]
        return response


@pytest.fixture
def serve(make_devkit: MakeDevkit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Makes a server whose VOC 2012 is a tiny devkit; whole: or half of it."""
    import hashlib

    from torchvision.datasets.voc import DATASET_YEAR_DICT

    root = make_devkit(tmp_path / "served").parents[1]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(root / "VOCdevkit", "VOCdevkit")
    content = buffer.getvalue()
    entry = {**DATASET_YEAR_DICT["2012"], "url": "http://host.test/VOC.tar"}
    monkeypatch.setitem(
        DATASET_YEAR_DICT, "2012", {**entry, "md5": hashlib.md5(content).hexdigest()}
    )

    def start(there: bool = True, whole: bool = True) -> Server:
        part = content if whole else content[: len(content) // 2]
        server = Server(part if there else None)
        monkeypatch.setattr(urllib.request, "urlopen", server)
        return server

    return start


def test_download_fetches_once(serve: Callable[..., Server], tmp_path: Path):
    server = serve()
    folder = tmp_path / "new" / "folder"
    fetched = load_dataset("voc", data_dir=folder, download=True, image_size=32)
    asked = server.asked
    assert asked > 0
    assert [path.name for path in folder.iterdir()] == ["VOCdevkit"]
    inner = folder / "VOCdevkit" / "VOC2012"
    again = load_dataset("voc", data_dir=inner, download=True, image_size=32)
    assert server.asked == asked
    assert again.content_hash == fetched.content_hash


@pytest.mark.parametrize("state", [{"there": False}, {"whole": False}])
def test_a_failed_download_leaves_nothing_behind(serve, tmp_path: Path, state: dict[str, bool]):
    serve(**state)
    folder = tmp_path / "new"
    with pytest.raises(DataError, match="cannot be fetched") as caught:
        load_dataset("voc", data_dir=folder, download=True)
    assert "\n" not in str(caught.value)
    assert "put VOCdevkit/VOC2012 there yourself" in str(caught.value)
    assert list(folder.iterdir()) == []
