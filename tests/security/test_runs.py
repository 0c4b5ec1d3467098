"""A search and an experiment with secrets in the environment, and everything they open or write."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from study import records
from tests.security.sightings import sightings
from tests.security.watched import Watched, watch
from tests.study.commands import ROOT, command, tiny_gap

pytestmark = pytest.mark.slow

SECRETS = {
    "WANDB_API_KEY": "8c1fb1d7a6c4e2f09b3d5a7e1c9f2b4d6e8a0c1f",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI+K7MDENGbPxRfiCYplanted0000",
    "AWS_SESSION_TOKEN": "IQoJb3JpZ2luX2VjEsessionplanted",
    "HF_TOKEN": "hf_plantedplantedplantedplanted0000",
    "https_proxy": "https://user:proxypassword@127.0.0.1:9",
    "http_proxy": "http://user:proxypassword@127.0.0.1:9",
}
PLANTED = [
    *("8c1fb1d7a6c4e2f0", "K7MDENGbPxRfiCY", "sessionplanted", "hf_planted"),
    *("proxypassword", "remotepassword"),
]
CLAIM = tiny_gap([1, 2])
COUNT_NODES = """
import sys
from ray._raylet import GcsClient
print(len(GcsClient(address=sys.argv[1]).get_all_node_info(timeout=20)))
"""


@dataclass
class Run:
    """A command that has ended: what was seen of it, and its run directory."""

    seen: Watched
    folder: Path


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone whose remote's address has a password in it."""
    folder = tmp_path_factory.mktemp("checkout")
    for package in ("study", "trainables", "analysis"):
        shutil.copytree(ROOT / package, folder / package)
    for arguments in (
        ("init", "--quiet"),
        ("remote", "add", "origin", "https://user:remotepassword@git.example/crossover.git"),
        ("add", "."),
        ("-c", "user.name=u", "-c", "user.email=u@example", "commit", "--quiet", "-m", "all"),
    ):
        subprocess.run(["git", "-C", folder, *arguments], check=True)
    return folder


@pytest.fixture(scope="module")
def ray_folder() -> Iterator[Path]:
    """A short path: sockets below it may have 107 characters."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="r") as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def search(checkout: Path, ray_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A search by a user without a home."""
    arguments = command("--space", "tiny", "--trials", "3", "--max-epochs", "2")
    environment = {**SECRETS, "HOME": "/proc/none"}
    return _run(arguments, environment, checkout, ray_folder, tmp_path_factory.mktemp("search"))


@pytest.fixture(scope="module")
def experiment(checkout: Path, ray_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("experiment")
    claims = folder / "claims.toml"
    claims.write_text(CLAIM)
    chosen = ("--claims", str(claims), "--seeds", "2", "--no-tune")
    arguments = command(*chosen, module="study.confirm")
    return _run(arguments, SECRETS, checkout, ray_folder, folder / "runs")


@pytest.fixture(scope="module", params=["search", "experiment"])
def run(request: pytest.FixtureRequest) -> Run:
    """Either."""
    return request.getfixturevalue(request.param)


def _run(
    arguments: list[str], environment: dict[str, str], cwd: Path, ray_folder: Path, storage: Path
) -> Run:
    small = ("--data", "uci_digits", "--train-size", "200", "--wandb", "offline")
    arguments = [*arguments, *small, "--storage", str(storage)]
    seen = watch(arguments, environment, ray_folder, PLANTED, ask_three_ways, cwd)
    assert seen.code == 0, seen.output
    (folder,) = storage.iterdir()
    return Run(seen, folder)


def ask_three_ways(address: str, token: str) -> dict[str, str]:
    """What Ray's control service answers to nobody, to a guess, and to whoever has the token."""
    modes = {
        "no token": {"RAY_AUTH_MODE": "disabled"},
        "a guess": {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 64},
        "the token": {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token},
    }
    asking = {
        who: subprocess.Popen(
            [sys.executable, "-c", COUNT_NODES, address],
            env={**os.environ, **mode},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for who, mode in modes.items()
    }
    return {who: process.communicate(timeout=60)[0] for who, process in asking.items()}


def test_no_process_is_started_that_a_single_machine_has_no_use_for(run: Run) -> None:
    shown = "\n".join(run.seen.shown)
    assert "raylet" in shown  # of Ray's processes it would have seen these
    assert "monitor.py" not in shown


def test_nothing_listens_beyond_this_machine(run: Run) -> None:
    assert {name for name, _, _ in run.seen.listening} >= {"gcs_server", "raylet"}
    assert {address for _, address, _ in run.seen.listening} <= {"127.0.0.1", "::1"}


def test_a_group_of_workers_opens_the_one_port_that_is_documented(
    checkout: Path, ray_folder: Path, tmp_path: Path
) -> None:
    """PyTorch's TCPStore, on rank 0 of the only trial (docs/security.md)."""
    arguments = command("--space", "tiny", "--trials", "1", "--workers-per-trial", "2")
    seen = _run(arguments, SECRETS, checkout, ray_folder, tmp_path).seen
    open_to_all = [x for x in seen.listening if x[1] not in ("127.0.0.1", "::1")]
    assert all(name.startswith("ray::") for name, _, _ in open_to_all)
    assert len({(address, port) for _, address, port in open_to_all}) == 1  # by any of its names


def test_ray_answers_only_with_its_token(run: Run) -> None:
    answers = run.seen.answers
    assert answers["the token"].strip() == "1"
    for who in ("no token", "a guess"):
        assert "Unauthenticated" in answers[who] or "authentication token" in answers[who], who


def test_every_run_has_a_token_of_its_own(search: Run, experiment: Run) -> None:
    assert len(search.seen.tokens) == len(experiment.seen.tokens) == 1
    assert search.seen.tokens != experiment.seen.tokens


def test_ray_keeps_its_files_where_nobody_else_can_go(run: Run, ray_folder: Path) -> None:
    assert run.seen.modes == {0o700}
    assert list(ray_folder.iterdir()) == []


def test_no_secret_is_written_anywhere(run: Run) -> None:
    """The run's files, W&B's among them, the report and the terminal."""
    written = {path.name for path in run.folder.iterdir()}
    assert written >= {"wandb", "report", "tune", records.MANIFEST, records.EPOCHS, "ray.log"}
    assert list(run.folder.glob("wandb/**/*.wandb"))
    secrets = [*PLANTED, *run.seen.tokens]
    assert sightings(run.folder, secrets) == []
    assert not [secret for secret in secrets if secret in run.seen.output]


def test_no_secret_is_in_rays_own_logs_or_on_a_command_line(run: Run) -> None:
    assert run.seen.logged == set()
    secrets = [*PLANTED, *run.seen.tokens]
    assert not [s for s in secrets if any(s in line for line in run.seen.shown)]


def test_ray_says_nothing_of_its_authentication(run: Run) -> None:
    assert "uthentication" not in run.seen.output
