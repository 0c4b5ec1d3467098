"""The cluster files: valid by Ray's own check, safe by default, and in step with pyproject.toml."""

from __future__ import annotations

import re
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from ray.autoscaler._private.util import prepare_config, validate_config

from tests.study.commands import ROOT

FILES = ("cluster.yaml", "cluster-gcp.yaml")
COMMANDS = [
    f"{when}_{what}"
    for what in ("setup_commands", "start_ray_commands")
    for when in ("head", "worker")
]
# Which parts are the cloud's, and may differ.
CLOUD = {"provider", "available_node_types"}


def load(name: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / name).read_text())


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.mark.parametrize("name", FILES)
def test_ray_accepts_it(name: str) -> None:
    validate_config(prepare_config(load(name)))


@pytest.mark.parametrize("name", FILES)
def test_a_small_head_and_workers_on_demand(name: str) -> None:
    config = prepare_config(load(name))
    head, gpu = (config["available_node_types"][key] for key in ("head", "gpu"))
    assert config["head_node_type"] == "head"
    assert (head["resources"], head["max_workers"]) == ({"CPU": 0}, 0)
    assert (gpu["min_workers"], gpu["max_workers"]) == (0, config["max_workers"])
    assert "spot" in str(gpu["node_config"]).lower()
    assert "spot" not in str(head["node_config"]).lower()
    assert 0 < config["idle_timeout_minutes"] <= 10
    assert config["provider"]["cache_stopped_nodes"] is False


def test_both_clouds_get_the_same_project_and_commands() -> None:
    aws, gcp = ({k: v for k, v in load(name).items() if k not in CLOUD} for name in FILES)
    assert aws == gcp


@pytest.mark.parametrize("key", COMMANDS)
def test_commands_are_shell(key: str) -> None:
    for command in prepare_config(load("cluster.yaml"))[key]:
        done = subprocess.run(["bash", "-n", "-c", command], capture_output=True, text=True)
        assert done.stderr == ""


def test_python_and_packages_are_those_of_the_project() -> None:
    (install,) = [c for c in load("cluster.yaml")["setup_commands"] if "uv sync" in c]
    (python,) = re.findall(r"--python (\S+)", install)
    assert re.fullmatch(r"3\.\d+\.\d+", python)  # Ray wants the same on every node, to the patch
    assert python in SpecifierSet(project()["project"]["requires-python"])
    (group,) = re.findall(r"--group (\S+)", install)
    extras = {x for r in project()["dependency-groups"][group] for x in Requirement(r).extras}
    assert "default" in extras  # the dashboard


def test_the_versions_are_those_of_the_lock_file_that_is_sent_along() -> None:
    config = load("cluster.yaml")
    (install,) = [c for c in config["setup_commands"] if "uv sync" in c]
    assert "uv sync --locked" in install
    assert config["file_mounts"]["~/crossover"] == "."
    assert not [x for x in config["rsync_exclude"] if fnmatch("uv.lock", x.lstrip("/"))]
    assert "rsync_filter" not in config  # by .gitignore, it would leave the file out


def test_a_variable_that_changes_replaces_what_it_was(tmp_path: Path) -> None:
    (export,) = [c for c in load("cluster.yaml")["setup_commands"] if "bashrc" in c]
    profile = tmp_path / ".bashrc"
    for command in (export, export, export.replace("shared/cache", "elsewhere")):
        subprocess.run(["bash", "-c", command], env={"HOME": str(tmp_path)}, check=True)
        (line,) = profile.read_text().splitlines()
    assert line.startswith("export PATH=~/env/bin:$PATH ")
    assert "CROSSOVER_CACHE=~/elsewhere" in line
    profile.write_text("# crossover is mine\n")
    subprocess.run(["bash", "-c", export], env={"HOME": str(tmp_path)}, check=True)
    assert profile.read_text().startswith("# crossover is mine\nexport PATH=")


def test_the_uv_that_installs_is_named_exactly() -> None:
    text = " ".join(load("cluster.yaml")["setup_commands"])
    assert re.findall(r"pip install --quiet (\S+)", text) == re.findall(r"uv==\d+\.\d+\.\d+", text)


@pytest.mark.parametrize("name", FILES)
def test_ports_are_not_public_and_the_token_is_asked_for(name: str) -> None:
    config = load(name)
    (head,) = [c for c in config["head_start_ray_commands"] if "ray start" in c]
    (worker,) = [c for c in config["worker_start_ray_commands"] if "ray start" in c]
    assert "--dashboard-host=127.0.0.1" in head
    assert "RAY_START_HOOK=study.start_hook.no_client_server" in head
    for start in (head, worker):
        assert start.index("export RAY_AUTH_MODE=token") < start.index("ray start")
        assert "0.0.0.0" not in start
    assert "IpPermissions" not in str(config["provider"])  # would open more than SSH


@pytest.mark.parametrize("name", FILES)
def test_no_secrets(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.search(r"AKIA[0-9A-Z]{16}|BEGIN [A-Z ]*PRIVATE KEY|aws_credentials", text)
    assert not re.search(r"(?i)(key|secret|password|token)['\"]?\s*[:=]\s*['\"]?[\w/+]{12}", text)
    assert not re.search(r"\b[A-Za-z0-9+/]{40}\b", text)
