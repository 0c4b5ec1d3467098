"""Segmentation through the same commands: a search on a devkit, an experiment on scenes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from study import records, run_tables
from tests.study.commands import ROOT, last_json, run

CAMVID = ROOT.parent / "shared" / "data" / "camvid"

CLAIMS = """
[[claim]]
id = "tiny_beats_aug"
sentence = "Trained briefly, the plain network has a higher mean IoU."
decided_by = "paired_difference"
arms = ["tiny_scenes", "tiny_scenes_aug"]
metric = "test_miou"
direction = "higher"
budgets = [1, 2]
at = "short"
smallest_effect = 0.02
seeds = 2

[[claim]]
id = "tiny_gap"
sentence = "Augmentation makes the gap smaller."
decided_by = "paired_difference"
arms = ["tiny_scenes_aug", "tiny_scenes"]
metric = "gap"
direction = "lower"
budgets = [1, 2]
smallest_effect = 0.05
seeds = 2

[[claim]]
id = "tiny_crossover"
sentence = "Not lower at first, lower in the end."
decided_by = "crossover"
arms = ["tiny_scenes_aug", "tiny_scenes"]
metric = "val_loss"
direction = "lower"
budgets = [1, 2]
smallest_effect = 0.05
seeds = 2
"""


def test_the_three_claims_are_decided_and_shown(tmp_path: Path) -> None:
    (tmp_path / "claims.toml").write_text(CLAIMS)
    told = last_json(
        run(
            "--claims",
            str(tmp_path / "claims.toml"),
            "--no-tune",
            "--train-size",
            "32",
            "--storage",
            str(tmp_path),
            "--json",
            module="study.confirm",
        )
    )
    assert told["counts"] == {"completed": 8}
    assert {v["claim"]: v["verdict"] for v in told["verdicts"]} == dict.fromkeys(
        ("tiny_beats_aug", "tiny_gap", "tiny_crossover"), "inconclusive"
    )  # two seeds decide nothing
    run_dir = Path(told["run_dir"])
    trials = run_tables.read(run_dir / records.TRIALS)
    for name in ("val_miou", "test_miou", "test_precision", "test_recall", "test_ap"):
        assert trials[name].between(0, 1).all(), name
    data = records.read_manifest(run_dir).data
    assert data["task"] == "segmentation"
    assert len(data["classes"]) == len(data["class_images"]["train"]) == 21
    with np.load(run_dir / records.CELLS / "00000.npz") as cell:
        counted = cell["test_confusions"].sum()
        assert counted == sum(data["class_counts"]["test"])
    page = (run_dir / "report" / "index.html").read_text()
    for wanted in ("average precision", "weighted by pixels", "lamp post", "background"):
        assert wanted in page


def test_a_search_runs_on_a_devkit_of_real_scenes(tmp_path: Path) -> None:
    if not CAMVID.is_dir():
        pytest.skip(f"real road scenes are not at {CAMVID}")
    told = last_json(
        run(
            "--space",
            "tiny_scenes_aug",
            "--data",
            "voc",
            "--data-dir",
            str(CAMVID),
            "--image-size",
            "64",
            "--trials",
            "2",
            "--max-epochs",
            "2",
            "--json",
            "--storage",
            str(tmp_path),
        )
    )
    assert sum(told["counts"].values()) == 2
    assert 0 < told["best"]["metrics"]["val_miou"] < 1
    run_dir = Path(told["run_dir"])
    assert records.read_manifest(run_dir).objective == {"name": "val_miou", "direction": "max"}
    with np.load(run_dir / records.SAMPLES) as samples:
        assert samples["masks"].shape == samples["images"].shape[:-1]
    assert (run_dir / "report" / "index.html").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--space", "resnet18", "--data", "voc"], "voc is for segmentation"),
        (["--space", "tiny_scenes", "--image-size", "100"], "--image-size"),
        (["--space", "tiny_scenes", "--data", "voc", "--data-dir", "nowhere"], "no such folder"),
    ],
)
def test_a_wrong_request_is_one_line(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = run(*arguments, "--storage", str(tmp_path))
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())
