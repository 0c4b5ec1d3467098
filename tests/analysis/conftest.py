"""Synthetic runs and their reports, made once a session."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.report import write_report

from .synthetic import HOSTILE, manifest, write_run


@pytest.fixture(scope="session")
def mixed_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen trials in every state but running."""
    return write_run(tmp_path_factory.mktemp("runs") / "mixed")


@pytest.fixture(scope="session")
def hostile_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a run whose names try to be markup."""
    folder = tmp_path_factory.mktemp("hostile")
    data = manifest().data | {"name": HOSTILE, "classes": [HOSTILE] * 10}
    run = write_run(folder / "run", run_id=HOSTILE, data=data, command=f"study.run {HOSTILE}")
    return write_report([run], folder / "report")
