"""How many trials fit a cluster: said before anything starts."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import ray
import torch
from ray.cluster_utils import Cluster
from ray.tune.schedulers import FIFOScheduler
from ray.util import placement_group, remove_placement_group

from study.cells import CellQueue
from study.cluster import check, connected, there
from study.joining import knock
from study.journal import Journal
from study.metrics import METRICS
from study.orchestrate import run_trials
from study.resources import Resources
from study.slots import fit
from tests.study.commands import ROOT
from trainables.config import TrainConfig
from trainables.data.base import Dataset, Split
from trainables.errors import UserError
from trainables.jobs import ClosedFormJob, TrainingJob, alone
from trainables.reporting import Report
from trainables.storage import Folder
from trainables.train_data import TrainData

TWO = [{"CPU": 2.0}]
GPU = [{"CPU": 16.0, "GPU": 1.0}]
GPUS = [{"CPU": 16.0, "GPU": 2.0}]
THREES = [{"CPU": 3.0}, {"CPU": 3.0}]
DRIVERS = [{"CPU": 8.0, "memory": 0.0}, {"CPU": 0.0, "memory": 700e6}]  # room for two
MIXED = [{"CPU": 4.0}, {"CPU": 4.0, "GPU": 4.0}]


@pytest.mark.parametrize(
    ("resources", "nodes", "count"),
    [
        (Resources(), TWO, 2),
        (Resources(cpus_per_trial=2), TWO, 1),
        (Resources(cpus_per_trial=0.5), TWO, 4),
        (Resources(cpus_per_trial=0.1), TWO, 20),
        (Resources(concurrency=1), TWO, 1),
        (Resources(workers_per_trial=2), TWO, 1),
        (Resources(), GPU, 1),
        (Resources(gpus_per_trial=0.25), GPU, 4),
        (Resources(gpus_per_trial=0), GPU, 16),
        # Two GPUs have room for four times 0.4, since a fraction is of one GPU.
        (Resources(gpus_per_trial=0.4), GPUS, 4),
        (Resources(gpus_per_trial=2), GPUS, 1),
        (Resources(workers_per_trial=2), GPUS, 1),
        # A worker is on one node: six CPUs have room for two times two, not for three.
        (Resources(cpus_per_trial=2), THREES, 2),
        (Resources(cpus_per_trial=2, workers_per_trial=2), THREES, 1),
        (Resources(cpus_per_trial=1, workers_per_trial=3), THREES, 2),
        # A group's driver holds memory of some node, which those without a group do not need.
        (Resources(workers_per_trial=2), DRIVERS, 2),
        (Resources(), DRIVERS, 8),
        (Resources(workers_per_trial=2), [*DRIVERS, {}], 4),
        # The CPUs that count are those beside the GPUs.
        (Resources(cpus_per_trial=2, gpus_per_trial=1), MIXED, 2),
        (Resources(), [*MIXED, {}], 4),
    ],
)
def test_as_many_trials_run_as_can_train(resources: Resources, nodes: list, count: int) -> None:
    assert fit(resources, 100, nodes).count == count


def test_what_is_counted_is_what_ray_can_place(cluster_of_threes) -> None:
    """Ray's own placement groups, as many as the slots, are all placed; one more is not."""
    resources = Resources(cpus_per_trial=2, workers_per_trial=2)
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    count = fit(resources, 100, nodes).count
    groups = [placement_group([{"CPU": 2.0}] * 2) for _ in range(count)]
    assert all(group.wait(20) for group in groups)
    groups.append(placement_group([{"CPU": 2.0}]))
    assert not groups[-1].wait(1)
    for group in groups:  # the tests that follow need the room
        remove_placement_group(group)


def test_a_fraction_of_a_gpu_that_is_not_there_trains_on_the_cpu(cluster_of_threes) -> None:
    """A node may claim a GPU that its machine lacks: as many slots as it claims, and no crash."""
    resources = Resources(gpus_per_trial=0.25, cpus_per_trial=0.5)
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    slots = fit(resources, 100, nodes)
    assert (slots.count, slots.gpus) == (4, 0.25)
    device = ray.remote(num_cpus=slots.cpus, num_gpus=slots.gpus)(lambda: alone(slots.gpus).device)
    wanted = "cuda" if torch.cuda.is_available() else "cpu"
    assert [d.type for d in ray.get([device.remote() for _ in range(slots.count)])] == [wanted] * 4


def test_four_trials_at_once_share_a_gpu_that_is_claimed(
    cluster_of_threes, tmp_path: Path, monkeypatch
) -> None:
    """Through Tune, with what --gpus-per-trial 0.25 asks of Ray for each."""
    monkeypatch.setenv("TUNE_DISABLE_SIGINT_HANDLER", "1")  # which would stay for other tests
    resources = Resources(gpus_per_trial=0.25, cpus_per_trial=0.5)
    slots, journal = fit(resources, 4, there()), Journal(tmp_path)
    curve = {"epochs": 3, "learning_rate": 0.01, "model": "tiny"}
    queue = CellQueue(dict.fromkeys(range(4), curve), journal, METRICS["val_loss"])
    run_trials(Together(tmp_path), queue, 4, FIFOScheduler(), slots, journal)
    assert journal.ended() == dict.fromkeys(range(4), "completed")
    seen = [(tmp_path / f"gpus-{number}").read_text() for number in range(4)]
    assert seen == ["0.25"] * 4


@dataclass(frozen=True)
class Together:
    """Curves in closed form, begun once all four trials have their share of the GPU."""

    folder: Path

    def __call__(self, number: int, params: dict[str, Any], report: Report) -> None:
        given = ray.get_runtime_context().get_assigned_resources()
        (self.folder / f"gpus-{number}").write_text(f"{given['GPU']:g}")
        while len(list(self.folder.glob("gpus-*"))) < 4:
            time.sleep(0.05)
        ClosedFormJob()(number, params, report)


@pytest.fixture(scope="module")
def cluster_of_threes() -> Iterator[None]:
    """Two nodes of three CPUs each on this machine, one of which claims a GPU."""
    ray_cluster = Cluster()
    for gpus in (1, 0):
        ray_cluster.add_node(num_cpus=3, num_gpus=gpus, object_store_memory=80_000_000)
    ray.init(ray_cluster.address, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()
    ray_cluster.shutdown()


def shares_its_images(job: TrainingJob) -> tuple[bool, bool, bool, bool]:
    """(own memory, writable, a tensor elsewhere, in a shared mapping) of a job's images."""
    images = job.dataset.pool.images
    config = TrainConfig("tiny", epochs=1, learning_rate=0.1)
    tensor = TrainData.of(job.dataset, config, torch.device("cpu")).pool.images
    address = images.ctypes.data
    ranges = (line.split()[:2] for line in Path("/proc/self/maps").read_text().splitlines())
    kinds = [
        kind
        for within, kind in ranges
        if int(within.split("-")[0], 16) <= address < int(within.split("-")[1], 16)
    ]
    moved = tensor.data_ptr() != address
    return images.flags.owndata, images.flags.writeable, moved, kinds[0].endswith("s")


def test_trials_map_the_data_set_from_the_object_store(cluster_of_threes, tmp_path: Path) -> None:
    job = TrainingJob(black(), {}, Folder(str(tmp_path)), threads=1)
    look = ray.remote(shares_its_images)
    reference = ray.put(job)
    assert ray.get([look.remote(reference) for _ in range(2)]) == [(False, False, False, True)] * 2
    assert shares_its_images(job) == (True, True, False, False)  # where it was made


def black() -> Dataset:
    images = np.zeros((2_000, 32, 32, 3), dtype=np.uint8)  # 6 MB: large objects are mapped
    pool = Split(images, np.arange(2_000) % 2)
    return Dataset("black", ("a", "b"), pool, None, 0.5, "black")


def test_no_more_slots_than_trials() -> None:
    assert fit(Resources(), 1, TWO).count == 1


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        (Resources(cpus_per_trial=3), "needs 3 CPUs, but there are 2"),
        (Resources(workers_per_trial=3), "needs 3 CPUs, but there are 2"),
        (Resources(gpus_per_trial=1), "needs 1 GPU, but there is none; leave --gpus-per-trial out"),
        (Resources(gpus_per_trial=0.25), "needs 0.25 GPUs, but there is none; leave"),
        (Resources(concurrency=3), "--concurrency 3: only 2 such trials fit"),
    ],
)
def test_more_than_there_is_is_refused(resources: Resources, message: str) -> None:
    with pytest.raises(UserError, match=message):
        fit(resources, 100, TWO)


@pytest.mark.parametrize(
    ("resources", "nodes", "message"),
    [
        (Resources(cpus_per_trial=4), THREES, "4 CPUs on one node .* 2 nodes have room for 0"),
        (Resources(cpus_per_trial=2, workers_per_trial=3), THREES, "room for 3 .* room for 2"),
        (Resources(cpus_per_trial=6, gpus_per_trial=1), MIXED, "6 CPUs and 1 GPU on one node"),
        (Resources(cpus_per_trial=2, concurrency=3), THREES, "only 2 such .* of 2 nodes"),
        (Resources(workers_per_trial=2, concurrency=3), DRIVERS, "300 MB .* room for 2 of these"),
        (Resources(workers_per_trial=2), DRIVERS[:1], "300 MB .* room for 0 of these"),
    ],
)
def test_what_no_node_has_room_for_is_refused(resources, nodes: list, message: str) -> None:
    with pytest.raises(UserError, match=message):
        fit(resources, 100, nodes)


def test_a_trial_without_a_gpu_stays_on_the_cpu(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert alone(gpus=0).device == torch.device("cpu")
    assert alone(gpus=0.25).device == torch.device("cuda")


def test_a_gpu_on_a_machine_without_any_is_refused_before_ray_starts(monkeypatch) -> None:
    asked = Resources(gpus_per_trial=1)
    monkeypatch.setattr("study.cluster.may_have_gpus", lambda: False)
    with pytest.raises(UserError, match="needs 1 GPU, but there is none"):
        check(asked, 1)
    check(replace(asked, address="10.0.0.1:6379"), 1)  # its GPUs are not this machine's
    monkeypatch.setattr("study.cluster.may_have_gpus", lambda: True)
    check(asked, 1)


def test_a_head_that_is_just_starting_is_waited_for() -> None:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        timer = threading.Timer(0.7, one.listen)
        timer.start()
        knock(f"127.0.0.1:{one.getsockname()[1]}")
        timer.join()
    knock("auto")
    knock(None)


@pytest.mark.parametrize(
    ("answer", "is_ray"),
    [
        (b"\0\0\x18\x04\0\0\0\0\0" + b"\0" * 24, True),  # gRPC's SETTINGS
        (b"", True),  # closed: it may want TLS
        (b"\0", True),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", False),
        (b"SSH-2.0-OpenSSH_9.6\r\n", False),
    ],
)
def test_whoever_answers_and_is_not_ray_is_not_waited_for(
    answer: bytes, is_ray: bool, monkeypatch
) -> None:
    monkeypatch.setattr("study.joining.ANSWER_SECONDS", 60.0)  # on a busy machine
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(100)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with (
            contextlib.nullcontext() if is_ray else pytest.raises(ConnectionError, match="not Ray")
        ):
            knock(address)
        thread.join()


def test_a_cluster_of_ray_is_taken_for_one(cluster_of_threes) -> None:
    knock(ray.get_runtime_context().gcs_address)


def test_what_ray_itself_printed_is_one_reason(monkeypatch, tmp_path: Path, capfd) -> None:
    def refused(*args: object, **options: object) -> None:
        for attempt in range(3):
            os.write(2, f"[2026-11-25 13:15:1{attempt},520 W 1 1] a.cc:2: no: bad token\n".encode())
        raise ConnectionError("Failed to connect to Ray cluster")

    monkeypatch.setattr(ray, "init", refused)
    with (
        pytest.raises(UserError, match=r"at auto: Failed to connect .* cluster \(no: bad token\)$"),
        connected(Resources(address="auto"), 1, tmp_path / "ray.log"),
    ):
        raise AssertionError("it did not start")
    assert capfd.readouterr().err == ""


def test_a_ray_that_does_not_start_is_one_line(monkeypatch, tmp_path: Path) -> None:
    def slow(*args, **options) -> None:
        raise Exception("The current node timed out during startup.\nMore of it.")

    monkeypatch.setattr(ray, "init", slow)
    with (
        pytest.raises(UserError, match=r"^cannot reach Ray on this machine: .* startup\.$"),
        connected(Resources(), 1, tmp_path / "ray.log"),
    ):
        raise AssertionError("it did not start")


def test_a_notebook_that_imported_ray_can_run_twice(tmp_path: Path) -> None:
    """Ray reads its environment when it is imported: what is set later must not lock it out."""
    code = (
        "import ray\n"
        "from pathlib import Path\n"
        "from study.cluster import connected\n"
        "from study.resources import Resources\n"
        "for _ in range(2):\n"
        f"    with connected(Resources(), 1, Path({str(tmp_path / 'ray.log')!r})) as slots:\n"
        "        print(slots.count, ray.get(ray.remote(lambda: 7).remote()))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.split() == ["1", "7"] * 2, done.stderr
    assert done.stderr == ""
