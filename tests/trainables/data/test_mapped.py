"""Arrays in files: pickled by name, parts of them by value."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from trainables.data.base import DataError
from trainables.data.mapped import Mapped, open_mapped, write_header


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "values.npy"
    with path.open("wb") as file:
        write_header(file, (50, 20, 30))
        for index in range(50):
            file.write(np.full((20, 30), index, np.uint8).data)
    return path


def test_what_is_written_piece_by_piece_is_an_ordinary_file(path: Path):
    assert np.array_equal(np.load(path), open_mapped(path))
    assert np.load(path).shape == (50, 20, 30)


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_a_pickle_holds_the_name_and_not_the_values(path: Path, protocol: int):
    array = open_mapped(path)
    sent = pickle.dumps({"images": array}, protocol=protocol)
    assert len(sent) < 1000
    received = pickle.loads(sent)["images"]
    assert isinstance(received, Mapped)
    assert np.array_equal(received, array)
    assert pickle.dumps(received, protocol=protocol)  # and on to the next


def test_parts_and_results_are_pickled_with_their_values(path: Path):
    array = open_mapped(path)
    for part in (array[3:5], array[[1, 4]], array + 1, array.copy(), array.reshape(-1)):
        received = pickle.loads(pickle.dumps(part, protocol=5))
        assert type(received) is np.ndarray
        assert np.array_equal(received, part)
    assert np.array_equal(copy.deepcopy(array), array)


def test_nobody_can_write_into_the_file(path: Path):
    with pytest.raises(ValueError, match="read-only"):
        open_mapped(path)[0] = 1


@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
def test_torch_shares_its_memory(path: Path):
    array = open_mapped(path)
    assert torch.from_numpy(array).data_ptr() == array.ctypes.data


def test_a_file_that_is_not_there_says_where_it_should_be(path: Path):
    sent = pickle.dumps(open_mapped(path))
    path.unlink()
    with pytest.raises(DataError, match=r"CROSSOVER_CACHE") as caught:
        pickle.loads(sent)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("shape", [(10, 20, 30), None])
def test_another_file_in_its_place_is_noticed(path: Path, shape: tuple[int, ...] | None):
    sent = pickle.dumps(open_mapped(path))
    if shape is None:
        path.write_bytes(b"")
    else:
        np.save(path, np.zeros(shape, np.uint8))
    with pytest.raises(DataError, match="delete its folder") as caught:
        pickle.loads(sent)
    assert str(path) in str(caught.value)
