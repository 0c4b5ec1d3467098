"""A cluster without a node for trials: it is asked for them, and refuses what it cannot start."""

from __future__ import annotations

import json

import pytest

from study import autoscaler
from study.autoscaler import with_nodes_to_come
from study.resources import Resources
from study.slots import fit
from tests.cluster.namespace import missing, run_inside
from trainables.errors import UserError

pytestmark = pytest.mark.slow

HEAD_ONLY = [{"memory": 1e9}]
EIGHT = Resources(concurrency=8, gpus_per_trial=1, address="auto")


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict:
    """What tests/cluster/autoscaling.py saw of Ray's own autoscaler, limited to two GPUs."""
    if reason := missing():
        pytest.skip(reason)
    done = run_inside(
        "tests.cluster.autoscaling", str(tmp_path_factory.mktemp("fake")), timeout=180
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_study_brings_nodes_up(told: dict) -> None:
    at_once, gpus_before, gpus_after, *counted = told["granted"]
    assert (at_once, gpus_before, gpus_after) == (2, 0.0, 2.0)
    assert counted == [0.0, 2.0]  # for the manifest: nodes that are there, never those to come


def test_what_the_autoscaler_may_not_start_is_refused(told: dict) -> None:
    assert "cannot start nodes for 3 times 1 CPU and 1 GPU at once" in told["refused"]
    assert "max_workers" in told["refused"]


@pytest.fixture
def granting(monkeypatch) -> list:
    """An autoscaler that grants everything; what it was asked is in the list."""
    asked: list = []
    monkeypatch.setattr("ray.autoscaler.v2.utils.is_autoscaler_v2", lambda **_: True)
    monkeypatch.setattr(autoscaler, "_can_start", lambda bundles: not asked.extend(bundles))
    return asked


def test_slots_are_counted_on_nodes_that_are_still_to_come(granting: list) -> None:
    slots = fit(EIGHT, 100, with_nodes_to_come(EIGHT, HEAD_ONLY))
    assert (slots.count, slots.gpus) == (8, 1.0)
    assert granting == [{"CPU": 1.0, "GPU": 1}] * 8


def test_every_worker_of_a_trial_is_asked_for(granting: list) -> None:
    groups = Resources(concurrency=2, cpus_per_trial=2, workers_per_trial=3, address="auto")
    slots = fit(groups, 100, with_nodes_to_come(groups, HEAD_ONLY))
    assert (slots.count, slots.gpus) == (2, 1.0)
    assert granting == [{"CPU": 2, "GPU": 1.0}] * 6


def test_gpus_are_not_insisted_on(monkeypatch) -> None:
    monkeypatch.setattr("ray.autoscaler.v2.utils.is_autoscaler_v2", lambda **_: True)
    monkeypatch.setattr(autoscaler, "_can_start", lambda bundles: "GPU" not in bundles[0])
    three = Resources(concurrency=3, address="auto")
    slots = fit(three, 100, with_nodes_to_come(three, HEAD_ONLY))
    assert (slots.count, slots.gpus) == (3, 0.0)


def test_room_that_is_there_counts_where_nodes_are_to_come(granting: list) -> None:
    """Two nodes of three CPUs have room for two of the eight workers, six are to come."""
    two = Resources(concurrency=4, cpus_per_trial=2, workers_per_trial=2, gpus_per_trial=0)
    nodes = with_nodes_to_come(two, [{"CPU": 3.0}] * 2)
    assert len(nodes) == 2 + 6
    assert fit(two, 100, nodes).count == 4


def test_what_is_there_is_not_asked_for(granting: list) -> None:
    full = [{"CPU": 16.0, "GPU": 4.0}] * 2
    assert with_nodes_to_come(EIGHT, full) == full
    assert granting == []


def test_a_cluster_that_cannot_grow_still_refuses(monkeypatch) -> None:
    monkeypatch.setattr("ray.autoscaler.v2.utils.is_autoscaler_v2", lambda **_: False)
    fixed = [{"CPU": 16.0, "GPU": 1.0}]
    assert with_nodes_to_come(EIGHT, fixed) == fixed
    with pytest.raises(UserError, match="--concurrency 8: only 1 such trials fit"):
        fit(EIGHT, 100, fixed)


def test_the_request_does_not_outlive_the_answer(monkeypatch) -> None:
    requests: list = []

    def answer() -> bytes:
        raise ConnectionError("the head is gone")

    request = "ray.autoscaler.sdk.request_resources"
    monkeypatch.setattr(request, lambda bundles: requests.append(bundles))
    worker = type("Worker", (), {"gcs_client": type("Client", (), {"get_cluster_status": answer})})
    monkeypatch.setattr("ray._private.worker.global_worker", worker)
    with pytest.raises(ConnectionError):
        autoscaler._can_start([{"GPU": 1.0}])
    assert requests == [[{"GPU": 1.0}], []]
