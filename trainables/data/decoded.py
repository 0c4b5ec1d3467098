"""Labelled photographs decoded once: square arrays in the cache folder, mapped where large."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainables.data.base import DataError, Split, content_hash
from trainables.data.cache import cache_dir
from trainables.data.labelled_image import LabelledImage, read_labelled
from trainables.data.mapped import open_mapped, write_header
from trainables.data.masks import FullMasks

VERSION = 1  # raised whenever decoding gives other arrays, so that caches are made anew
MAPPED_ABOVE = 256 * 2**20  # bytes: less is read into memory

Pair = tuple[Path, Path]  # image, mask


@dataclass(frozen=True)
class Pairs:
    """The files of each list, what their masks may hold, and the square's side in pixels."""

    splits: dict[str, tuple[Pair, ...]]
    classes: tuple[str, ...]
    side: int

    @property
    def size(self) -> int:
        """Bytes of all decoded images and masks."""
        return 4 * self.side**2 * sum(len(pairs) for pairs in self.splits.values())

    def key(self) -> str:
        """Names the files and how they are decoded; DataError for a file that is missing."""
        digest = hashlib.sha256(repr((VERSION, self.side, self.classes)).encode())
        for name, pairs in self.splits.items():
            for path in (path for pair in pairs for path in pair):
                try:
                    found = path.stat()
                except OSError as error:
                    raise DataError(f"{path}: {error.strerror}; {name}.txt names it") from None
                digest.update(repr((name, str(path), found.st_size, found.st_mtime_ns)).encode())
        return digest.hexdigest()[:24]

    def read(self, name: str) -> Iterator[LabelledImage]:
        """The images of a split, in its order, decoded and scaled; DataError for a bad file."""
        for image, mask in self.splits[name]:
            yield read_labelled(image, mask, self.classes, self.side)


def decoded(pairs: Pairs) -> tuple[list[Split], str, OSError | None]:
    """The splits in order, their content hash, and what kept them from being stored.

    What is stored is checked against its hash, and made again where it is damaged. Raises
    DataError for bad files, and where the arrays are too large for memory and for the cache
    folder.
    """
    folder = cache_dir() / "decoded" / pairs.key()
    found = _stored(folder, pairs)
    if found is not None:
        return *found, None
    try:
        _store(folder, pairs)
        found = _stored(folder, pairs)
        if found is None:
            raise OSError("what was written reads differently")
        return *found, None
    except OSError as error:
        if pairs.size > MAPPED_ABOVE:
            raise DataError(
                f"{folder.parent}: {pairs.size / 1e9:.1f} GB of decoded images cannot be kept "
                f"there ({error.strerror or error}); make room, set CROSSOVER_CACHE to another "
                "folder, or choose a smaller --image-size"
            ) from None
        splits = [_in_memory(pairs, name) for name in pairs.splits]
        return splits, content_hash(*splits), error


def _stored(folder: Path, pairs: Pairs) -> tuple[list[Split], str] | None:
    """What `_store` wrote; None where there is nothing, or something else."""
    try:
        splits = [_open(folder, name, pairs) for name in pairs.splits]
        expected = (folder / "content_hash").read_text()
    except Exception:  # missing; or damaged, on which numpy's parsers raise nearly anything
        return None
    found = content_hash(*splits)
    return (splits, found) if found == expected else None


def _open(folder: Path, name: str, pairs: Pairs) -> Split:
    paths = [folder / f"{name}-{what}.npy" for what in ("images", "labels")]
    if pairs.size > MAPPED_ABOVE:
        images, labels = (open_mapped(path) for path in paths)
    else:
        images, labels = (np.load(path, allow_pickle=False) for path in paths)
    with np.load(folder / f"{name}-masks.npz", allow_pickle=False) as masks:
        ends = np.cumsum(masks["lengths"])
        joined = masks["packed"].tobytes()
        starts = (ends - masks["lengths"]).tolist()
        packed = tuple(joined[start:end] for start, end in zip(starts, ends.tolist(), strict=True))
        full = FullMasks(packed, masks["sizes"], masks["inside"])
    return Split(images, labels, _where_needed(full, pairs.side))


def _where_needed(full: FullMasks, side: int) -> FullMasks | None:
    """None where every mask fills its square as it was drawn: that is then kept already."""
    return None if (full.sizes == side).all() else full


def _store(folder: Path, pairs: Pairs) -> None:
    """Decode everything, one image at a time, into a new folder, moved into place whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".decoding-"))
    try:
        for name in pairs.splits:
            _write(made, name, pairs)
        splits = [_open(made, name, pairs) for name in pairs.splits]
        (made / "content_hash").write_text(content_hash(*splits))
        if folder.exists():
            shutil.rmtree(folder)
        try:
            os.rename(made, folder)
        except OSError:
            if not folder.exists():  # if it does, another process has just put its own there
                raise
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _write(folder: Path, name: str, pairs: Pairs) -> None:
    shape = (len(pairs.splits[name]), pairs.side, pairs.side)
    with (
        (folder / f"{name}-images.npy").open("wb") as images,
        (folder / f"{name}-labels.npy").open("wb") as labels,
    ):
        write_header(images, (*shape, 3))
        write_header(labels, shape)

        def written() -> Iterator[LabelledImage]:
            for item in pairs.read(name):
                images.write(item.image.data)
                labels.write(item.mask.data)
                yield item

        full = _packed(written())
    np.savez(
        folder / f"{name}-masks.npz",
        packed=np.frombuffer(b"".join(full.packed), np.uint8),
        lengths=np.array([len(packed) for packed in full.packed], np.int64),
        sizes=full.sizes,
        inside=full.inside,
    )


def _packed(items: Iterable[LabelledImage]) -> FullMasks:
    rows = [(FullMasks.pack(item.full), item.full.shape, item.inside) for item in items]
    packed, sizes, inside = zip(*rows, strict=True)
    return FullMasks(packed, np.array(sizes, np.int64), np.array(inside, np.int64))


def _in_memory(pairs: Pairs, name: str) -> Split:
    items = list(pairs.read(name))
    images, labels = np.stack([i.image for i in items]), np.stack([i.mask for i in items])
    return Split(images, labels, _where_needed(_packed(items), pairs.side))
