"""Runs in an object store: to the end, fetched, cut and continued elsewhere, the store away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from study import journal_file, records, run_tables
from study.lease import STALE_SECONDS, Lease
from study.plan import SearchSpec, run_id
from study.stored import fetch, folder_of
from tests.study.commands import ROOT, command, last_json, run, tiny_gap, wait_until
from tests.study.object_store import BUCKET, Server
from trainables import object_store
from trainables.errors import UserError
from trainables.patience import StorageError
from trainables.storage import stored_bytes

pytestmark = pytest.mark.slow

pytest.importorskip("boto3")

OPTIONS = {"data": "uci_digits", "train_size": 400, "trials": 4, "max_epochs": 6}
SEARCH = [
    word
    for key, value in {"space": "tiny_aug", **OPTIONS, "concurrency": 1}.items()
    for word in (f"--{key.replace('_', '-')}", str(value))
]
RUN_ID = run_id(SearchSpec("tiny_aug", **OPTIONS))
TIMES = ["seconds", "images_per_second"]

CLAIMS = tiny_gap([1])


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.end()


class Machine:
    """A machine of its own as far as a run goes: what is cached there."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder, self.server = folder, server
        self.environment = {**server.environment, "CROSSOVER_CACHE": str(folder)}

    def copy(self, prefix: str) -> Path:
        return self.folder / "storage" / "s3" / BUCKET / prefix / RUN_ID

    def search(self, prefix: str, *arguments: str, **environment: str):
        place = ("--storage", f"s3://{BUCKET}/{prefix}")
        return run(*SEARCH, *place, *arguments, **{**self.environment, **environment})

    def start(self, prefix: str, **environment: str) -> subprocess.Popen:
        return subprocess.Popen(
            command(*SEARCH, "--storage", f"s3://{BUCKET}/{prefix}"),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, **self.environment, **environment},
        )


@pytest.fixture
def machine(tmp_path: Path, server: Server) -> Machine:
    return Machine(tmp_path / "one", server)


@pytest.fixture
def other(tmp_path: Path, server: Server) -> Machine:
    return Machine(tmp_path / "other", server)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, server: Server) -> tuple[Machine, subprocess.CompletedProcess]:
    """A search run to its end, in s3://study/whole."""
    machine = Machine(tmp_path_factory.mktemp("finished"), server)
    return machine, machine.search("whole", "--json")


def numbers_of(directory: Path) -> list[dict]:
    table = run_tables.read(directory / records.EPOCHS).drop(columns=TIMES)
    return table.sort_values(["trial", "epoch"]).to_dict("records")


def second_trial_runs(directory: Path) -> bool:
    if not (directory / records.JOURNAL).exists():
        return False
    lines = journal_file.read(directory)
    ended = {x["trial"] for x in lines if x["event"] == "end"}
    return any(x["event"] == "epoch" and x["trial"] not in ended for x in lines if ended)


def each_event_once(directory: Path) -> bool:
    lines = journal_file.read(directory)
    events = Counter((x["event"], x["trial"], x.get("epoch")) for x in lines)
    return set(events.values()) == {1}


def test_a_search_ends_with_everything_in_the_bucket(finished, server: Server) -> None:
    machine, done = finished
    told = last_json(done)
    copy = machine.copy("whole")
    assert told["run_dir"] == str(copy)
    assert f"s3://{BUCKET}/whole/{RUN_ID} is kept level with {copy}" in done.stdout
    stored = server.names(f"whole/{RUN_ID}/")
    for name in (records.MANIFEST, records.JOURNAL, records.EPOCHS, records.TRIALS):
        assert server.read(f"whole/{RUN_ID}/{name}") == (copy / name).read_bytes(), name
    assert {records.BEST_WEIGHTS, records.SAMPLES, records.OPTUNA_DB} <= stored
    assert "report/index.html" in stored
    assert not [name for name in stored if name.startswith(("checkpoints", "lease", "tune"))]
    assert json.loads(server.read(f"whole/{RUN_ID}/{records.MANIFEST}"))["status"] == "complete"


def test_a_complete_run_is_fetched_by_the_same_command(finished, other: Machine) -> None:
    machine, done = finished
    again = other.search("whole", "--json", timeout=60)
    told = last_json(again)
    assert "complete: nothing was trained" in again.stdout
    assert told["counts"] == last_json(done)["counts"]
    ours, theirs = other.copy("whole"), machine.copy("whole")
    for name in (records.BEST_WEIGHTS, records.OPTUNA_DB, records.JOURNAL, "report/index.html"):
        assert (ours / name).read_bytes() == (theirs / name).read_bytes(), name


def test_a_report_is_made_of_a_uri(finished, other: Machine, tmp_path: Path) -> None:
    uri = f"s3://{BUCKET}/whole/{RUN_ID}"
    done = run(
        *(uri, "--out", str(tmp_path / "report")), module="analysis.report", **other.environment
    )
    assert done.returncode == 0, done.stderr
    assert RUN_ID in (tmp_path / "report" / "index.html").read_text()
    missing = run(
        *(f"s3://{BUCKET}/whole/none", "--out", str(tmp_path / "none")),
        module="analysis.report",
        **other.environment,
    )
    assert missing.returncode == 2
    assert missing.stderr.strip().endswith("is not a run directory: nothing is stored there")


def test_an_experiment_takes_its_parameters_from_a_uri(
    finished, other: Machine, tmp_path: Path
) -> None:
    (tmp_path / "claims.toml").write_text(CLAIMS)
    done = run(
        *("--from", f"s3://{BUCKET}/whole/{RUN_ID}", "--claims", str(tmp_path / "claims.toml")),
        *("--data", "uci_digits", "--dry-run"),
        module="study.confirm",
        **other.environment,
    )
    assert done.returncode == 0, done.stderr
    assert f"epochs and strength, of {RUN_ID}" in " ".join(done.stdout.split())


def test_a_killed_search_is_finished_from_another_machine(
    finished, machine: Machine, other: Machine, server: Server
) -> None:
    process = machine.start("killed")
    wait_until(lambda: second_trial_runs(machine.copy("killed")), process)
    wait_until(lambda: records.JOURNAL in server.names(f"killed/{RUN_ID}/"), process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    refused = other.search("killed", timeout=60)
    assert refused.returncode == 1
    assert f"is being written by process {process.pid} on" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    time.sleep(STALE_SECONDS)
    before = server.read(f"killed/{RUN_ID}/{records.JOURNAL}")
    last_json(other.search("killed", "--json"))
    after = server.read(f"killed/{RUN_ID}/{records.JOURNAL}")
    assert before
    assert after.startswith(before)
    assert each_event_once(other.copy("killed"))
    assert numbers_of(other.copy("killed")) == numbers_of(finished[0].copy("whole"))
    ours, uncut = f"killed/{RUN_ID}/", f"whole/{RUN_ID}/"
    best = records.BEST_WEIGHTS
    assert len(server.read(ours + best)) == len(server.read(uncut + best))


def test_a_store_that_comes_back_loses_and_doubles_nothing(
    finished, machine: Machine, server: Server
) -> None:
    process = machine.start("away")
    assert process.stdout
    try:
        wait_until(lambda: second_trial_runs(machine.copy("away")), process)
        server.stop_answering()
        said = next(line for line in process.stdout if "trying again for 120 s" in line)
    finally:
        server.go_on()
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 0, stderr
    assert f"s3://{BUCKET}/away/{RUN_ID}: " in said
    assert "can be used again" in stdout
    assert each_event_once(machine.copy("away"))
    assert numbers_of(machine.copy("away")) == numbers_of(finished[0].copy("whole"))
    assert server.names(f"away/{RUN_ID}/") >= {records.BEST_WEIGHTS, "report/index.html"}


def test_a_store_that_stays_away_ends_the_run_and_keeps_it(
    finished, machine: Machine, server: Server
) -> None:
    process = machine.start("gone", CROSSOVER_STORAGE_PATIENCE="5")
    try:
        wait_until(lambda: second_trial_runs(machine.copy("gone")), process)
        server.stop_answering()
        _, stderr = process.communicate(timeout=120)
    finally:
        server.go_on()
    assert process.returncode == 1
    assert len(stderr.strip().splitlines()) == 1
    assert "could not be used for 5 s" in stderr
    assert "run the same command again" in stderr
    before = journal_file.read(machine.copy("gone"))
    assert records.read_manifest(machine.copy("gone")).status == "interrupted"
    last_json(machine.search("gone", "--json"))
    after = journal_file.read(machine.copy("gone"))
    assert after[: len(before)] == before
    assert each_event_once(machine.copy("gone"))
    assert numbers_of(machine.copy("gone")) == numbers_of(finished[0].copy("whole"))


def test_the_cells_of_an_experiment_are_stored_and_fetched(
    machine: Machine, server: Server, tmp_path: Path
) -> None:
    (tmp_path / "claims.toml").write_text(CLAIMS)
    arguments = ["--claims", str(tmp_path / "claims.toml"), "--seeds", "2", "--no-tune"]
    arguments += ["--data", "uci_digits", "--train-size", "300", "--json"]
    told = last_json(
        run(
            *(*arguments, "--storage", f"s3://{BUCKET}/cells"),
            module="study.confirm",
            **machine.environment,
        )
    )
    assert told["counts"] == {"completed": 4}
    directory = Path(told["run_dir"])
    cells = sorted((directory / records.CELLS).iterdir())
    assert len(cells) == 4
    with np.load(cells[0], allow_pickle=False) as file:
        assert file["test_probabilities"].ndim == 2
    stored = server.read(f"cells/{directory.name}/cells/{cells[0].name}")
    assert stored == cells[0].read_bytes()


@pytest.fixture
def reached(server: Server, monkeypatch) -> None:
    """The store as seen from this process."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    object_store.client.cache_clear()


def test_what_a_copy_could_not_send_is_not_replaced(reached, tmp_path: Path) -> None:
    stored = folder_of(f"s3://{BUCKET}/ahead") / "run"
    stored.write(records.JOURNAL, stored_bytes(b"1\n2\n"))
    stored.write(records.MANIFEST, stored_bytes(b'{"status": "running"}'))
    (tmp_path / records.OPTUNA_DB).write_bytes(b"of the journal here")

    def left(journal: bytes) -> tuple[bytes, bool]:
        (tmp_path / records.JOURNAL).write_bytes(journal)
        (tmp_path / records.OPTUNA_DB).write_bytes(b"of the journal here")
        fetch(stored, tmp_path, lambda line: None)
        here = (tmp_path / records.JOURNAL).read_bytes()
        return here, (tmp_path / records.OPTUNA_DB).exists()

    assert left(b"1\n2\n3\n") == (b"1\n2\n3\n", True)  # ahead
    assert left(b"1\n2\n") == (b"1\n2\n", True)
    assert left(b"1\n") == (b"1\n2\n", False)  # behind: the study is made anew
    assert left(b"1\n4\n") == (b"1\n2\n", False)  # somebody went on from "1" elsewhere
    (tmp_path / records.MANIFEST).write_bytes(b'{"status": "interrupted"}')
    stored.write(records.MANIFEST, stored_bytes(b'{"status": "complete"}'))
    left(b"1\n2\n")
    assert b"complete" in (tmp_path / records.MANIFEST).read_bytes()


def test_a_writer_that_was_taken_for_dead_stops_when_it_is_back(
    reached, tmp_path: Path, monkeypatch
) -> None:
    stored = folder_of(f"s3://{BUCKET}/leased") / "run"
    leases = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        leases.append(Lease(stored, tmp_path / name))
    leases[0].take()
    leases[0].take()  # the copy's own: a killed process does not bar the next one
    with pytest.raises(UserError, match="is being written by process"):
        leases[1].take()
    leases[0].renew()  # the refused one left nothing behind
    with monkeypatch.context() as patch:
        patch.setattr("study.lease.STALE_SECONDS", -5.0)
        leases[1].take()
    with pytest.raises(StorageError, match="is now being written by"):
        leases[0].renew()
    leases[1].renew()  # the one that was overtaken has left no fresh sign


@pytest.mark.parametrize(
    ("place", "environment", "code", "said"),
    [
        (f"s3://no-such-{BUCKET}/runs", {}, 1, "there is no bucket"),
        (
            f"s3://{BUCKET}/runs",
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
            1,
            "cannot be reached (NETWORK_CONNECTION: curlCode: 7, Could not connect to server)",
        ),
        (
            "gs://anonymous@study/runs?scheme=http&endpoint_override=127.0.0.1:9",
            {},
            1,
            "cannot be reached (",
        ),
        (f"s3://{BUCKET}/runs?regoin=here", {}, 2, "no such option: regoin; there are endpoint_"),
        (f"s3://key:secret@{BUCKET}/runs", {}, 2, "leave keys out of the URI"),
        (f"ftp://{BUCKET}/runs", {}, 2, "name a folder, s3://bucket/prefix or gs://bucket/prefix"),
    ],
)
def test_what_cannot_be_reached_is_one_line_at_once(
    machine: Machine, place: str, environment: dict[str, str], code: int, said: str
) -> None:
    start = time.monotonic()
    done = run(*SEARCH, "--storage", place, timeout=60, **{**machine.environment, **environment})
    assert done.returncode == code
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "secret" not in done.stderr
    assert time.monotonic() - start < 30
    assert not list(machine.folder.glob("storage/*"))
