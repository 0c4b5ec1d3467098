"""Synthetic runs and their reports, made once a session."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from analysis.report import write_report
from study.records import CELLS

from .synthetic import HOSTILE, manifest, write_run
from .synthetic_experiment import CLAIMS, experiment_manifest, write_experiment
from .synthetic_segmentation import STRONGEST, write_segmentation


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


@pytest.fixture(scope="session")
def experiment_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete experiment after a matched search; one cell diverged, names try to be markup."""
    folder = tmp_path_factory.mktemp("experiments") / "complete"
    claims = [*CLAIMS[:-1], dataclasses.replace(CLAIMS[-1], sentence=HOSTILE)]
    return write_experiment(
        folder,
        claims,
        diverged=[("tiny_aug[augment_strength=1.0]", 16, 5)],
        tuning_rates=(1e-3, 3e-3, 1e-2),
        data=experiment_manifest().data | {"classes": [HOSTILE, *"123456789"]},
        command=f"python -m study.confirm {HOSTILE}",
    )


@pytest.fixture(scope="session")
def experiment_report(tmp_path_factory: pytest.TempPathFactory, experiment_run: Path) -> Path:
    """Its report."""
    return write_report([experiment_run], tmp_path_factory.mktemp("experiment_report"))


@pytest.fixture(scope="session")
def segmentation_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete segmentation; one cell diverged, one left no file and one a damaged one."""
    folder = tmp_path_factory.mktemp("segmentations") / "complete"
    write_segmentation(folder, diverged=[(STRONGEST.name, 16, 5)])
    cells = sorted((folder / CELLS).iterdir())
    cells[1].unlink()
    content = cells[2].read_bytes()
    half = len(content) // 2
    cells[2].write_bytes(content[:half] + bytes(64) + content[half + 64 :])
    return folder


@pytest.fixture(scope="session")
def segmentation_report(tmp_path_factory: pytest.TempPathFactory, segmentation_run: Path) -> Path:
    """Its report."""
    return write_report([segmentation_run], tmp_path_factory.mktemp("segmentation_report"))
