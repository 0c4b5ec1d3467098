"""The search for secrets would find one, also inside of what packs its content."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from tests.security.sightings import sightings

SECRET = "hf_planted0000"


def _sqlite(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("create table t (v text)")
        database.execute("insert into t values (?)", (SECRET,))
    database.close()


WAYS: dict[str, Callable[[Path], object]] = {
    "text": lambda path: path.write_text(f"key={SECRET}"),
    "parquet": lambda path: pd.DataFrame({"a": [SECRET] * 9}).to_parquet(path, compression="gzip"),
    "npz": lambda path: np.savez_compressed(
        path.open("wb"), a=np.frombuffer(SECRET.encode() * 50, dtype=np.uint8)
    ),
    "weights": lambda path: torch.save({SECRET: torch.zeros(1)}, path),
    "sqlite": _sqlite,
    "gzip": lambda path: path.write_bytes(gzip.compress(SECRET.encode() * 9)),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_secret_is_found(tmp_path: Path, way: str) -> None:
    WAYS[way](tmp_path / "file")
    assert sightings(tmp_path, [SECRET, "absent"]) == [f"file: {SECRET}"]


def test_a_name_counts(tmp_path: Path) -> None:
    (tmp_path / SECRET).touch()
    assert sightings(tmp_path, [SECRET])
