"""The files of a Pascal VOC devkit: where it is, what its lists name, what its classes are."""

from __future__ import annotations

from pathlib import Path

from trainables.data.base import DataError, elsewhere
from trainables.data.cache import cache_dir
from trainables.data.decoded import Pair
from trainables.data.masks import VOID

OWN_CLASSES = "classes.txt"
LISTS = ("train", "val")
VAL_FRACTION = 0.2  # of the train list


def layout(year: str) -> Path:
    """Where torchvision expects a year: VOCdevkit/VOC2012, say."""
    # As in torchvision.datasets.voc.DATASET_YEAR_DICT, which takes seconds to import.
    return Path("TrainVal" if year == "2011" else "", "VOCdevkit", f"VOC{year}")


def peek(data_dir: Path | None, year: str) -> int | None:
    """How many images validation leaves of those that train.txt names.

    Raises DataError for a folder that is not there; None where the list cannot be used.
    """
    folder = existing(data_dir, year)
    try:
        names = _list(folder, "train").read_text().split("\n")
    except (OSError, UnicodeDecodeError):
        return None  # `listed_pairs` says what is wrong with it
    count = sum(bool(name.strip()) for name in names)
    return count - max(1, round(VAL_FRACTION * count)) if count > 1 else None


def root_of(data_dir: Path | None) -> Path:
    """The user's folder, or the cache's where none is named; absolute."""
    return (cache_dir() / "voc" if data_dir is None else data_dir.expanduser()).resolve()


def existing(data_dir: Path | None, year: str) -> Path:
    """The folder VOC{year}; DataError where it is not there."""
    root, wanted = root_of(data_dir), layout(year)
    if folder := find(root, year):
        return folder
    holder = f"the folder that holds {wanted.parts[0]}"
    if data_dir is None:
        advice = f"name {holder} with --data-dir, or --download it"
    else:
        advice = elsewhere(root, wanted) or f"--data-dir names {holder}, or add --download"
    raise DataError(f"{root / wanted}: no such folder; {advice}")


def find(root: Path, year: str) -> Path | None:
    """The folder VOC{year}, from itself or one of the folders around it (absolute)."""
    parts = layout(year).parts
    for depth in range(min(len(parts), len(root.parents)) + 1):
        top = root if depth == 0 else root.parents[depth - 1]
        folder = top.joinpath(*parts)
        if root == top.joinpath(*parts[:depth]) and folder.is_dir():
            return folder
    return None


def own_classes(folder: Path) -> tuple[str, ...]:
    """The user's own class names, one a line of classes.txt; none where that is not there."""
    path = folder / OWN_CLASSES
    if not path.exists():
        return ()
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as text ({error})") from None
    names = tuple(line.strip() for line in text.rstrip().split("\n"))
    if not 2 <= len(names) <= VOID:
        raise DataError(f"{path}: names {len(names)} classes; there can be 2 to {VOID}")
    if "" in names:
        raise DataError(f"{path}: line {names.index('') + 1} is empty; give one class name a line")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise DataError(f"{path}: names {twice[0]!r} twice; give one class name a line")
    return names


def listed_pairs(folder: Path, year: str) -> dict[str, tuple[Pair, ...]]:
    """Image and mask of every entry of the official lists, by list; no image is in two.

    Raises DataError for a list that is missing, empty or names an image again.
    """
    splits: dict[str, tuple[Pair, ...]] = {}
    taken: dict[Path, str] = {}
    for name in LISTS:
        path = _list(folder, name)
        splits[name] = _listed(path, folder, year)
        for image, _ in splits[name]:
            if image in taken:
                raise DataError(
                    f"{path}: names {image.stem}, which {taken[image]} has named already; an image "
                    "listed twice could be trained on and tested on"
                )
            taken[image] = path.name
        if name == "train" and len(splits[name]) < 2:
            raise DataError(f"{path}: names one image; training and validation need one each")
    return splits


def _list(folder: Path, name: str) -> Path:
    return folder / "ImageSets" / "Segmentation" / f"{name}.txt"


def _listed(path: Path, folder: Path, year: str) -> tuple[Pair, ...]:
    """What torchvision makes of one list."""
    from torchvision.datasets import VOCSegmentation

    root = folder.parents[len(layout(year).parts) - 1]
    try:
        entries = VOCSegmentation(str(root), year, path.stem)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise DataError(f"{path}: cannot be read ({reason}); VOC has its lists there") from None
    odd = [name for name in map(_name, entries.images) if not name.isprintable()]
    if odd:
        raise DataError(f"{path}: names {odd[0]!r}, which is no file's name; give one name a line")
    files = zip(entries.images, entries.masks, strict=True)
    pairs = tuple((Path(image), Path(mask)) for image, mask in files)
    named = tuple(pair for pair in pairs if pair[0].name != ".jpg")  # an empty line's
    if not named:
        raise DataError(f"{path}: names no images")
    return named


def _name(image: str) -> str:
    return Path(image).stem
