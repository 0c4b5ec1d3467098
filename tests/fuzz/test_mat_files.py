""".mat files: the images and labels that were saved, or one line that names the file."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import sparse
from scipy.io import savemat

from tests.fuzz import answer, damaged, examples
from trainables.data.base import Split, check
from trainables.data.matfile import read_here, read_mat

COUNT = 6


def saved(variables: dict[str, Any], compressed: bool = False) -> bytes:
    buffer = io.BytesIO()
    savemat(buffer, variables, do_compression=compressed)
    return buffer.getvalue()


def good() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (32, 32, 3, COUNT), np.uint8)
    return {"X": images, "y": (np.arange(COUNT, dtype=np.uint8) + 5)[:, None]}


def read(
    tmp_path_factory: pytest.TempPathFactory,
    content: bytes,
    reader: Callable[[Path], Split] = read_mat,
) -> Split | None:
    path = Path(tmp_path_factory.getbasetemp()) / "train_32x32.mat"
    path.write_bytes(content)
    found = answer(lambda: reader(path))
    if found is not None:
        check("a file", found, 10)
    return found


kinds = st.sampled_from(["u1", "i1", "u2", "i4", "i8", "f4", "f8", "c16", "?"])
odd_arrays = st.one_of(
    kinds.flatmap(lambda kind: arrays(kind, array_shapes(max_dims=5, max_side=5))),
    st.sampled_from(
        [
            np.zeros((32, 32, 3, COUNT), np.uint8),
            np.zeros((32, 32, 3), np.uint8),
            np.zeros((32, 32, 3, 0), np.uint8),
            np.zeros((0, 1)),
            sparse.csc_array(np.eye(COUNT)),
            np.array(["a", "bc"], object),
            {"X": np.arange(3)},
            "text",
        ]
    ),
    arrays("f8", (COUNT, 1), elements=st.sampled_from([0.0, 1.0, 10.0, 11.0, 1.5, np.nan, np.inf])),
)


@examples(150)
@given(st.fixed_dictionaries({}, optional={"X": odd_arrays, "y": odd_arrays, "z": odd_arrays}))
def test_arrays_of_any_kind(tmp_path_factory, odd: dict[str, Any]) -> None:
    variables = good() | odd
    found = read(tmp_path_factory, saved(variables), read_here)  # whole files end no process
    if found is not None:
        assert np.array_equal(found.images, variables["X"].transpose(3, 0, 1, 2))
        assert np.array_equal(found.labels, variables["y"].ravel() % 10)


@examples(8)
@given(st.one_of(damaged(saved(good())), damaged(saved(good(), compressed=True))))
def test_a_damaged_file(tmp_path_factory, content: bytes) -> None:
    read(tmp_path_factory, content)


@examples(4)
@given(damaged(saved(good())[:400]), st.binary(max_size=60))
def test_a_damaged_header(tmp_path_factory, header: bytes, rest: bytes) -> None:
    read(tmp_path_factory, header + rest)


@pytest.mark.parametrize("code", [0x5C, 0xC2])
def test_a_type_code_that_is_none_of_matlabs(tmp_path_factory, code: int) -> None:
    """scipy's own reader ends its process at both."""
    content = bytearray(saved(good()))
    assert content[184] == 2  # unsigned bytes, of X
    content[184] = code
    assert read(tmp_path_factory, bytes(content)) is None
