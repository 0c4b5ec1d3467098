"""`ray up`, a study, its results fetched and `ray down`, through sshd on this machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from study import records
from tests.cluster.namespace import missing, run_inside

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict:
    """What tests/cluster/loopback.py saw; its docstring says what is exchanged."""
    if reason := missing("sshd", "ssh", "rsync", "uv"):
        pytest.skip(reason)
    done = run_inside(
        "tests.cluster.loopback", str(tmp_path_factory.mktemp("cluster")), timeout=400
    )
    assert done.returncode == 0, done.stderr
    assert "$ ray up --yes" in done.stderr  # the transcript that the README names
    return json.loads(done.stdout.splitlines()[-1])


def result_in(output: str) -> dict:
    """What a command with --json says at its end."""
    return json.loads(next(x for x in output.splitlines() if x.startswith("{")))


def test_a_study_runs_and_its_results_come_back(told: dict) -> None:
    result = result_in(told["study"])
    assert sum(result["counts"].values()) == 2
    assert set(result["counts"]) <= {"completed", "pruned"}
    run = Path("runs") / result["run_id"]
    for name in (records.MANIFEST, records.JOURNAL, records.TRIALS, records.BEST_WEIGHTS, "report"):
        assert str(run / name) in told["fetched"]


def test_the_command_as_a_submitted_script_finds_the_run_complete(told: dict) -> None:
    first, again = result_in(told["study"]), result_in(told["again"])
    assert again["counts"] == first["counts"]
    assert again["run_dir"] == first["run_dir"]


def test_the_status_is_known_to_the_launcher(told: dict) -> None:
    assert "1 local.cluster.node" in told["nodes"]


def test_dashboard_is_local_and_the_client_port_is_off(told: dict) -> None:
    assert [x for x in told["listening"] if x.endswith(":8265")] == ["127.0.0.1:8265"]
    assert not [x for x in told["listening"] if x.endswith(":10001")]


def test_without_the_token_nothing_is_answered(told: dict) -> None:
    assert told["unknown"] == 401


def test_nothing_is_left_after_down(told: dict) -> None:
    assert told["left"] == []
