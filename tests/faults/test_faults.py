"""Studies on a cluster of several nodes, to which happens what docs/faults.md lists."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from study import journal_file, records, run_tables
from study.head import lost_line
from study.retries import PROCESS_DIED
from tests.faults.nodes import ENVIRONMENT, Cluster, Node, children
from tests.study.commands import ROOT, command

pytestmark = pytest.mark.slow

TIMES = ["seconds", "images_per_second"]
# What a study prints, all of it, until the report is written.
LINE = re.compile(
    r"tiny_aug-|uci_digits: |starting Ray|joining the |joined the |W&B: off|trial +\d+ [a-z]+ "
)
PATIENCE = 300.0  # seconds, of a test with a machine that is busy with others


@pytest.fixture
def cluster(head: Cluster) -> Iterator[Cluster]:
    """A head without CPUs; what trains, the tests add."""
    yield head
    head.clear()


@pytest.fixture(scope="module")
def head() -> Iterator[Cluster]:
    """The head of all tests."""
    folder = Path(tempfile.mkdtemp(prefix="faults-"))  # short: sockets have paths of 107 bytes
    started = Cluster(folder)
    yield started
    started.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Study:
    """A study that runs while things happen to it."""

    process: subprocess.Popen
    storage: Path

    def run(self) -> Path:
        """Its directory, once it is there."""
        self.until(lambda: bool(list(self.storage.glob("*/journal.jsonl"))))
        return next(self.storage.glob("*/journal.jsonl")).parent

    def count(self, event: str) -> int:
        """How many events of a kind are in the journal."""
        return sum(line["event"] == event for line in journal_file.read(self.run()))

    def until(self, condition: Callable[[], object]) -> None:
        """Wait for something to come true while the study runs."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None, "the study ended first"
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def after_more(self, epochs: int) -> None:
        """Wait for so many more epochs."""
        before = self.count("epoch")
        self.until(lambda: self.count("epoch") >= before + epochs)

    def end(self) -> tuple[int, str, str]:
        """Exit code, stdout and stderr, once it has ended."""
        stdout, stderr = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, stdout, stderr


def start(cluster: Cluster, storage: Path, job: str, *options: str) -> Study:
    """`study.run` with one of `tests.faults.study_of`'s jobs, on the cluster."""
    data = ["--space", "tiny_aug", "--data", "uci_digits", "--train-size", "200"]
    where = ["--address", cluster.address, "--storage", str(storage)]
    process = subprocess.Popen(
        command(job, *data, *where, *options, module="tests.faults.study_of"),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **ENVIRONMENT},
    )
    return Study(process, storage)


def numbers(run: Path) -> list[dict]:
    """Everything measured, except times."""
    return run_tables.read(run / records.EPOCHS).drop(columns=TIMES).to_dict("records")


def by_trial(run: Path) -> list[dict]:
    """The same where several trials train at once: in no order of time."""
    return sorted(numbers(run), key=lambda x: (x["trial"], x["epoch"]))


def repeated(run: Path) -> list[tuple]:
    """(trial, epoch) that the journal has twice, and ends."""
    events = [x for x in journal_file.read(run) if x["event"] in ("epoch", "end")]
    times = Counter((x["event"], x["trial"], x.get("epoch")) for x in events)
    return [key for key, count in times.items() if count > 1]


def errors(run: Path, trial: int | None = None) -> list[str]:
    """What made trials break off."""
    lines = [x for x in journal_file.read(run) if x["event"] == "error"]
    return [x["error"] for x in lines if trial in (None, x["trial"])]


def trained(run: Path) -> Counter:
    """How often each (trial, epoch) was begun, whichever process did."""
    lines = (run / "trained.log").read_text().splitlines()
    return Counter(tuple(map(int, line.split()[1:])) for line in lines)


def pids(run: Path) -> list[int]:
    """The processes that trained, in the order of their first epochs."""
    log = run / "trained.log"
    lines = log.read_text().splitlines() if log.exists() else []
    return list(dict.fromkeys(int(line.split()[0]) for line in lines))


def busy(nodes: list[Node]) -> list[int]:
    """Processes that hold a trial."""
    return [pid for node in nodes for pid in node.trainings()]


def test_a_killed_worker_and_a_killed_driver_cost_the_epochs_in_flight(
    cluster: Cluster, tmp_path: Path
) -> None:
    options = ["--trials", "2", "--max-epochs", "8", "--scheduler", "none"]
    node = cluster.add()
    whole = start(cluster, tmp_path / "whole", "watched", *options)
    assert whole.end()[0] == 0

    study = start(cluster, tmp_path / "cut", "watched", *options)
    study.after_more(2)
    (worker,) = node.trainings()
    os.kill(worker, signal.SIGKILL)
    study.after_more(3)
    study.process.kill()
    study.end()
    deadline = time.monotonic() + 20
    while busy([node]):  # it must not write states beside its successor's
        assert time.monotonic() < deadline, "a trial outlives its driver"
        time.sleep(0.05)
    cut = study.run()
    continued = start(cluster, tmp_path / "cut", "watched", *options)
    assert continued.end()[0] == 0

    assert numbers(cut) == numbers(whole.run())
    assert repeated(cut) == []
    again = {key: count for key, count in trained(cut).items() if count > 1}
    assert len(again) <= 2  # one epoch in flight each time
    assert set(again.values()) <= {2}
    assert len(errors(cut)) == 1


def test_trials_of_lost_nodes_move_to_others(cluster: Cluster, tmp_path: Path) -> None:
    nodes = [cluster.add() for _ in range(3)]
    options = ["--trials", "5", "--max-epochs", "60", "--scheduler", "none", "--concurrency", "2"]
    study = start(cluster, tmp_path, "slow", *options)
    study.after_more(4)
    lost = next(node for node in nodes if node.trainings())
    lost.kill()  # without a word
    nodes.remove(lost)
    study.until(lambda: all(node.trainings() for node in nodes))
    spot, _ = nodes
    cluster.drain(spot, seconds=3)  # its notice, and its end
    time.sleep(3)
    assert spot.trainings()  # what is running may run to the end
    spot.kill()
    code, stdout, stderr = study.end()
    assert (code, stderr) == (0, "")
    run = study.run()
    states = run_tables.read(run / records.TRIALS)["state"].tolist()
    assert len(states) == 5
    assert set(states) <= {"completed", "diverged"}
    assert repeated(run) == []
    assert errors(run) == ["lost its node"] * 2
    assert stdout.count("broke off: lost its node") == 2
    lines, _, _ = stdout.partition("writing the report")
    assert [line for line in lines.splitlines() if not LINE.match(line)] == []
    assert "missed too many heartbeats" in (run / "ray.log").read_text()


def test_a_lost_node_costs_a_training_the_epoch_in_flight(cluster: Cluster, tmp_path: Path) -> None:
    """It goes on from its state on another node, with the numbers of an uncut training."""
    options = ["--trials", "2", "--max-epochs", "8", "--scheduler", "none"]
    nodes = [cluster.add() for _ in range(2)]
    whole = start(cluster, tmp_path / "whole", "watched", *options)
    assert whole.end()[0] == 0

    study = start(cluster, tmp_path / "cut", "watched", *options)
    study.until(lambda: all(node.trainings() for node in nodes))
    study.after_more(2)
    nodes[0].kill()
    code, _, stderr = study.end()
    assert (code, stderr) == (0, "")
    cut = study.run()
    assert errors(cut) == ["lost its node"]
    assert by_trial(cut) == by_trial(whole.run())
    assert repeated(cut) == []
    again = {key: count for key, count in trained(cut).items() if count > 1}
    assert list(again.values()) in ([], [2])


def test_a_trial_that_never_works_is_failed_and_the_rest_goes_on(
    cluster: Cluster, tmp_path: Path
) -> None:
    cluster.add()
    study = start(cluster, tmp_path, "faulty", "--trials", "4", "--scheduler", "none")
    code, stdout, _ = study.end()
    assert code == 1
    run = study.run()
    trials = run_tables.read(run / records.TRIALS).set_index("trial")
    assert trials["state"][[1, 2]].tolist() == ["failed", "failed"]
    assert "failed" not in trials["state"][[0, 3]].tolist()
    assert errors(run, 1) == ["ValueError: no luck today"] * 3
    assert errors(run, 2) == [f"its process died: {PROCESS_DIED}"] * 3
    assert trials["error"][1] == "ValueError: no luck today"
    assert records.read_manifest(run).status == "complete"
    assert "no luck today" in stdout


def test_a_group_of_workers_goes_on_from_its_last_epoch(cluster: Cluster, tmp_path: Path) -> None:
    cluster.add(cpus=2)
    options = ["--trials", "1", "--max-epochs", "8", "--workers-per-trial", "2"]
    study = start(cluster, tmp_path, "watched", *options)
    run = study.run()
    study.until(lambda: (run / "trained.log").exists() and trained(run)[0, 3] == 2)
    worker, *_ = (run / "trained.log").read_text().splitlines()[-1].split()
    os.kill(int(worker), signal.SIGKILL)
    code, _, stderr = study.end()
    assert (code, stderr) == (0, "")
    assert repeated(run) == []
    assert [x["epoch"] for x in numbers(run)] == [1, 2, 3, 4]
    times = trained(run)
    assert times[0, 1] == times[0, 2] == 2  # once by each worker
    assert times[0, 3] > 2  # the epoch in flight


def test_a_group_that_loses_workers_and_a_node_within_a_step_says_so(
    cluster: Cluster, tmp_path: Path
) -> None:
    """Those that are left break off too, often first: that is not what is told, or counted."""
    nodes = [cluster.add() for _ in range(2)]
    options = ["--space", "cnn_aug", "--trials", "1", "--max-epochs", "400"]
    study = start(cluster, tmp_path, "fast", *options, "--workers-per-trial", "2")
    run = study.run()

    def training() -> list[int]:
        """The two processes of a group that trains, once there is a new one."""
        study.until(lambda: len(pids(run)) == 2 * (len(errors(run)) + 1))
        study.after_more(1)
        return pids(run)[-2:]

    for place in (0, 1):  # in the order of their first epochs
        os.kill(training()[place], signal.SIGKILL)
        study.until(lambda: len(errors(run)) > place)  # noqa: B023
    workers = training()
    other = next(
        n for n in nodes if not n.trainings() and set(workers) & set(children(n.process.pid))
    )
    other.kill()
    cluster.add()
    study.until(lambda: len(errors(run)) == 3)
    assert errors(run) == [f"its process died: {PROCESS_DIED}"] * 2 + ["lost its node"]
    study.until(lambda: len(pids(run)) == 8)  # once more: the node was not the trial's fault
    study.process.send_signal(signal.SIGTERM)
    assert study.end()[0] == 130
    assert repeated(run) == []


@pytest.mark.parametrize("lost", ["head and nodes", "head alone"])
def test_a_lost_head_ends_the_command_and_a_new_one_continues_it(
    cluster: Cluster, tmp_path: Path, lost: str
) -> None:
    node = cluster.add()
    job, trials, epochs = ("slow", 3, 24) if lost == "head and nodes" else ("lasting", 2, 8)
    options = ["--trials", f"{trials}", "--max-epochs", f"{epochs}", "--scheduler", "none"]
    study = start(cluster, tmp_path, job, *options)
    study.after_more(6)
    assert node.trainings()
    if lost == "head and nodes":
        cluster.clear()
    cluster.head.kill()
    began = time.monotonic()
    code, _, stderr = study.end()
    assert time.monotonic() - began < 60
    assert code == 1
    *rays, line = stderr.splitlines()
    # Ray's core may tell of a task that it had not told the head of (the report's sample images).
    assert all(re.match(r"\[.* E .*\] task_manager.cc", one) for one in rays), stderr
    port = cluster.address.partition(":")[2]
    assert re.fullmatch(f"error: {lost_line(rf'[0-9.]+:{port}')}", line)
    before = journal_file.read(study.run())
    cluster.start_head()
    cluster.add()
    again = start(cluster, tmp_path, job, *options)
    assert again.end()[0] == 0
    run = again.run()
    assert journal_file.read(run)[: len(before)] == before
    assert repeated(run) == []
    assert len(run_tables.read(run / records.TRIALS)) == trials
    while node.trainings():  # one on a node that is left ends when that gives the head up
        assert time.monotonic() - began < 180
        time.sleep(0.1)
    if job == "lasting":  # until then it trained on, beside its successor
        assert max(trained(run).values()) <= 2
