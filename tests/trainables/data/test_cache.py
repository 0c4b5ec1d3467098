"""The cache: atomic, able to heal, never in the way."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest

from trainables.data.cache import Arrays, cache_dir, cached


def make() -> Arrays:
    return {"values": np.arange(1_000)}


def valid(arrays: Arrays) -> bool:
    return arrays.keys() == {"values"} and arrays["values"].shape == (1_000,)


def never() -> Arrays:
    raise AssertionError("made although it was stored")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "values.npz"


def test_what_is_stored_is_not_made_again(path: Path):
    cached(path, make, valid)
    arrays, error = cached(path, never, valid)
    assert error is None
    assert np.array_equal(arrays["values"], make()["values"])


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def fill_with_text(path: Path) -> None:
    path.write_text("not an archive\n" * 100)


def store_other_arrays(path: Path) -> None:
    np.savez(path, values=np.arange(3))


def store_objects(path: Path) -> None:
    np.savez(path, values=np.array([{}] * 1_000))


def store_a_plain_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.arange(1_000))


@pytest.mark.parametrize(
    "damage",
    [
        truncate,
        flip_a_bit,
        empty,
        fill_with_text,
        store_other_arrays,
        store_objects,
        store_a_plain_array,
    ],
)
def test_a_damaged_file_is_made_anew(path: Path, damage):
    cached(path, make, valid)
    damage(path)
    arrays, error = cached(path, make, valid)
    assert error is None
    assert np.array_equal(arrays["values"], make()["values"])
    cached(path, never, valid)


def test_no_flipped_bit_goes_unnoticed_or_stops_a_run(path: Path):
    cached(path, make, valid)
    content = path.read_bytes()
    headers = [*range(120), *range(len(content) - 120, len(content))]
    for position in headers:
        changed = bytearray(content)
        changed[position] ^= 1
        path.write_bytes(changed)
        arrays, _ = cached(path, make, valid)
        assert np.array_equal(arrays["values"], make()["values"])


def test_a_full_disk_leaves_nothing_half_written(path: Path, monkeypatch: pytest.MonkeyPatch):
    def half(file, **arrays: np.ndarray) -> None:
        file.write(b"PK half of an archive")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", half)
    arrays, error = cached(path, make, valid)
    assert np.array_equal(arrays["values"], make()["values"])
    assert error is not None
    assert error.errno == errno.ENOSPC
    assert list(path.parent.iterdir()) == []


def test_an_interrupt_keeps_the_file_that_was_there(path: Path, monkeypatch: pytest.MonkeyPatch):
    cached(path, make, valid)
    before = path.read_bytes()

    def interrupted(file, **arrays: np.ndarray) -> None:
        file.write(b"PK half of an archive")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cached(path, make, lambda arrays: False)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_the_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CROSSOVER_CACHE", "")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_dir() == tmp_path / ".cache" / "crossover"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "xdg" / "crossover"
    monkeypatch.setenv("CROSSOVER_CACHE", str(tmp_path / "own"))
    assert cache_dir() == tmp_path / "own"
