"""The folder of a Ray of this machine's own: who may look into it, and when it stays."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from study import loopback


@pytest.mark.parametrize(
    ("ending", "stays"), [(None, False), (KeyboardInterrupt, False), (KeyError, True)]
)
def test_only_an_error_leaves_rays_folder(ending, stays: bool, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    with contextlib.suppress(KeyboardInterrupt, KeyError), loopback.closed() as options:
        Path(options["_temp_dir"]).mkdir()
        (private,) = tmp_path.iterdir()
        assert private.stat().st_mode & 0o077 == 0
        if ending:
            raise ending
    assert bool(list(tmp_path.iterdir())) == stays
