"""A whole experiment through Ray: run, killed, finished by the same command, reported."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from study import journal_file, records, run_tables
from tests.study.commands import ROOT, command, last_json, run, tiny_gap, wait_until

CONFIRM = "study.confirm"
CLAIMS = (
    tiny_gap([1, 3])
    + """
[[claim]]
id = "tiny_crossover"
sentence = "Augmentation pays late."
decided_by = "crossover"
arms = ["tiny_aug", "tiny"]
metric = "val_loss"
direction = "lower"
budgets = [1, 3]
smallest_effect = 0.05
"""
)
CELLS, TUNING = 2 * 2 * 5, 2 * 2 * 2  # arms x budgets x seeds; x candidates


@pytest.fixture(scope="module")
def arguments(tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp("experiment")
    (folder / "claims.toml").write_text(CLAIMS)
    return [
        *("--claims", str(folder / "claims.toml"), "--seeds", "5", "--data", "uci_digits"),
        *("--train-size", "300", "--storage", str(folder / "runs")),
    ]


@pytest.fixture(scope="module")
def finished(arguments: list[str]) -> tuple[Path, dict]:
    """An experiment killed among its cells, then finished by the same command."""
    process = subprocess.Popen(
        command(*arguments, module=CONFIRM),
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    runs = Path(arguments[-1])
    wait_until(lambda: _among_the_cells(runs), process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    (run_dir,) = runs.iterdir()
    _make_the_other_candidates_look_better(run_dir)
    before = journal_file.read(run_dir)
    told = last_json(run(*arguments, "--json", module=CONFIRM))
    assert journal_file.read(run_dir)[: len(before)] == before
    return run_dir, told


def test_every_cell_is_trained_once_however_often_it_was_interrupted(finished) -> None:
    run_dir, told = finished
    assert told["counts"] == {"completed": CELLS + TUNING}
    assert told["missing"] == 0
    events = Counter((x["event"], x["trial"], x.get("epoch")) for x in journal_file.read(run_dir))
    assert set(events.values()) == {1}


def test_the_test_set_is_seen_at_the_end_of_cells_and_nowhere_else(finished) -> None:
    run_dir, _ = finished
    trials = run_tables.read(run_dir / records.TRIALS)
    cells = trials[trials["config.phase"] == "confirm"]
    assert len(cells) == CELLS
    assert cells["test_accuracy"].between(0, 1).all()
    assert trials.loc[trials["config.phase"] == "tune", "test_accuracy"].isna().all()
    epochs = run_tables.read(run_dir / records.EPOCHS)
    assert epochs.loc[epochs["epoch"] < epochs["epochs"], "test_accuracy"].isna().all()


def test_seeds_are_shared_between_arms_and_cells_use_one_set_of_parameters(finished) -> None:
    run_dir, _ = finished
    trials = run_tables.read(run_dir / records.TRIALS)
    cells = trials[trials["config.phase"] == "confirm"]
    for (_, budget), group in cells.groupby(["config.arm", "config.budget"]):
        assert sorted(group["config.seed"]) == list(range(5))
        assert group["config.learning_rate"].nunique() == 1
        assert (group["epoch"] == budget).all()
        assert (group["config.split_seed"] == group["config.seed"]).all()


def test_a_choice_once_made_is_kept_whatever_the_tuning_would_say_now(finished) -> None:
    """What `_run_on_ray` reads on continuing is the manifest, not the journal."""
    run_dir, _ = finished
    manifest = records.read_manifest(run_dir)
    assert len(manifest.sessions) == 2
    chosen = {(r["arm"], r["budget"]): r["parameters"] for r in manifest.experiment["nuisance"]}
    trials = run_tables.read(run_dir / records.TRIALS)
    for row in trials[trials["config.phase"] == "confirm"].to_dict("records"):
        for name, value in chosen[row["config.arm"], row["config.budget"]].items():
            assert row[f"config.{name}"] == value


def test_predictions_agree_with_the_recorded_test_accuracy(finished) -> None:
    run_dir, _ = finished
    trials = run_tables.read(run_dir / records.TRIALS)
    files = sorted((run_dir / records.CELLS).glob("*.npz"))
    assert len(files) == CELLS
    for path in files:
        with np.load(path, allow_pickle=False) as arrays:
            predicted = arrays["test_probabilities"].astype(np.float32).argmax(1)
            accuracy = (predicted == arrays["test_labels"]).mean()
        recorded = trials.set_index("trial")["test_accuracy"][int(path.stem)]
        assert accuracy == pytest.approx(recorded, abs=0.01)  # float16 may tie


def test_each_claim_has_a_verdict_and_the_report_is_there(finished) -> None:
    run_dir, told = finished
    assert {v["claim"] for v in told["verdicts"]} == {"tiny_gap", "tiny_crossover"}
    for verdict in told["verdicts"]:
        assert verdict["verdict"] in ("supported", "refuted", "inconclusive")
        assert "uci_digits" in verdict["plain"]
    assert (run_dir / "report" / "index.html").stat().st_size > 0
    assert records.read_manifest(run_dir).experiment["tuned_by"] == "matched search"


def test_asking_again_trains_nothing(finished, arguments: list[str]) -> None:
    again = last_json(run(*arguments, "--json", "--quiet", module=CONFIRM, timeout=60))
    assert again == finished[1]


def _make_the_other_candidates_look_better(run_dir: Path) -> None:
    """Turn the recorded losses round: a new choice would be the other candidate."""
    lines = journal_file.read(run_dir)
    for line in lines:
        if line["event"] == "epoch" and line["trial"] < TUNING:
            line["val_loss"] = -line["val_loss"]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (run_dir / records.JOURNAL).write_text(text)


def _among_the_cells(runs: Path) -> bool:
    for journal in runs.glob(f"*/{records.JOURNAL}"):
        ended = [x for x in journal_file.read(journal.parent) if x["event"] == "end"]
        return len(ended) >= TUNING + 2
    return False
