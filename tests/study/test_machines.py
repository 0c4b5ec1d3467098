"""Nodes that come and go: the hardware on record, and what Ray tells of them."""

from __future__ import annotations

import time
from pathlib import Path

import ray
from ray._private.utils import publish_error_to_driver

from study import cluster, machines
from study.cluster import connected
from study.machines import Machines
from study.provenance import session
from study.records import Manifest
from study.resources import Resources
from study.slots import Amounts, total

HEAD: Amounts = {"CPU": 0.0, "memory": 2.0**30}
OLD: Amounts = {"CPU": 4.0, "GPU": 1.0, "memory": 8 * 2.0**30, "accelerator_type:A10G": 1.0}
NEW: Amounts = {"CPU": 8.0, "GPU": 1.0, "memory": 8 * 2.0**30, "accelerator_type:L4": 1.0}
EPOCH = {"event": "epoch"}


def manifest(*sessions: dict) -> Manifest:
    begun = session(total([HEAD]))
    empty: dict = {"spec": {}, "data": {}, "git": {}, "packages": {}, "objective": {}}
    return Manifest(
        run_id="a",
        kind="search",
        seeds=[0],
        created="",
        command="",
        hardware=begun["hardware"],
        sessions=[*sessions, begun],
        **empty,
    )


def seen(told: Manifest, looks: list[list[Amounts]]) -> dict:
    """What is on record of a session that finds these nodes, look by look."""
    listener = Machines(told, looks.pop)
    looks.reverse()
    while looks:
        listener(EPOCH)
    return told.sessions[-1]["hardware"]


def test_the_most_of_everything_that_was_there_at_one_time(monkeypatch) -> None:
    monkeypatch.setattr(machines, "LOOK_SECONDS", 0.0)
    told = manifest()
    found = seen(told, [[HEAD, OLD, OLD], [HEAD, OLD, NEW], [HEAD]])
    assert (found["cpus"], found["gpus"], found["memory_gib"]) == (12.0, 2.0, 17.0)
    assert found["gpu_kinds"] == ["A10G", "L4"]
    assert told.hardware == found


def test_a_later_session_leaves_the_first_one_s_on_record() -> None:
    told = manifest(session(total([HEAD, NEW])))
    before = dict(told.hardware)
    assert seen(told, [[HEAD, OLD]])["gpu_kinds"] == ["A10G"]
    assert told.hardware == before
    assert told.sessions[0]["hardware"]["gpu_kinds"] == ["L4"]


def test_nodes_are_looked_at_while_they_train_and_not_all_the_time() -> None:
    looks: list[int] = []
    listener = Machines(manifest(), lambda: looks.append(1) or [HEAD])
    for event in ("start", "epoch", "epoch", "end"):
        listener({"event": event})
    assert len(looks) == 1


def test_a_node_that_offers_ray_no_memory_says_so(monkeypatch) -> None:
    """Ray leaves out what there is none of; a group's driver would wait for it for ever."""
    nodes = [{"Alive": True, "Resources": {"CPU": 2.0}}, {"Alive": False, "Resources": {}}]
    monkeypatch.setattr(ray, "nodes", lambda: nodes)
    assert cluster.there() == [{"memory": 0.0, "CPU": 2.0}]


def test_what_a_cluster_tells_of_its_nodes_is_logged_and_not_printed(tmp_path: Path, capfd) -> None:
    log = tmp_path / "ray.log"
    with connected(Resources(), 1, log):
        gcs = ray._private.worker.global_worker.gcs_client
        deadline = time.monotonic() + 30
        while not (log.exists() and "Its last lines" in log.read_text()):
            # Again and again: what is told before the driver listens is told to nobody.
            publish_error_to_driver("node", "Raylet is terminated.\nIts last lines", gcs)
            assert time.monotonic() < deadline
            time.sleep(0.5)
    assert capfd.readouterr() == ("", "")
