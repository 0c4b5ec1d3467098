"""The files of a Pascal VOC devkit: where it is, what its lists name, what its classes are."""

from __future__ import annotations

from pathlib import Path

from trainables.data.base import DataError
from trainables.data.decoded import Pair
from trainables.data.masks import VOID

OWN_CLASSES = "classes.txt"
LISTS = ("train", "val")


def layout(year: str) -> Path:
    """Where torchvision expects a year: VOCdevkit/VOC2012, say."""
    from torchvision.datasets.voc import DATASET_YEAR_DICT  # late: it takes seconds to import

    return Path(DATASET_YEAR_DICT[year]["base_dir"])


def find(root: Path, year: str) -> Path | None:
    """The folder VOC{year}, from itself or one of the folders around it (absolute)."""
    parts = layout(year).parts
    for depth in range(min(len(parts), len(root.parents)) + 1):
        top = root if depth == 0 else root.parents[depth - 1]
        folder = top.joinpath(*parts)
        if root == top.joinpath(*parts[:depth]) and folder.is_dir():
            return folder
    return None


def missing(root: Path, year: str, named: bool) -> DataError:
    """The error for a devkit that is not at `root`; named: the user named it."""
    wanted = layout(year)
    folder = f"the folder that holds {wanted.parts[0]}"
    if named:
        advice = f"--data-dir names {folder}, or add --download"
    else:
        advice = f"name {folder} with --data-dir, or --download it"
    return DataError(f"{root / wanted}: no such folder; {advice}")


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
        path = folder / "ImageSets" / "Segmentation" / f"{name}.txt"
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
