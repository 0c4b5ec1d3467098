"""Run inside a namespace: up, a study, its results fetched, down; all through SSH to this machine.

What is tried is cluster.yaml with its provider exchanged. Of its setup the packages are installed
by its own command, but from uv's cache on this machine, for the Python that runs this; the system's
packages and the shared folder are left out. File mounts, environment variables and the commands
that start Ray on the head stay as they are. There are no workers, so the head trains: with a
`local` provider, Ray's autoscaler (v2) never learns of the head, and starts none. Prints one JSON
object, and before it, on stderr, every command with its output.

    python -m tests.cluster.loopback --transcript    # prints the latter, from anywhere
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.namespace import HEAD, missing, run_inside, which
from tests.study.commands import ROOT

CACHE = subprocess.run(["uv", "cache", "dir"], capture_output=True, text=True).stdout.strip()
OPTIONS = (
    "--space tiny_aug --data uci_digits --train-size 200 --trials 2"
    " --max-epochs 2 --address auto --storage ~/shared/runs --concurrency 2 --quiet --json"
)


def main(folder: Path) -> None:
    laptop, node = folder / "laptop", folder / "node"
    (laptop / ".ray").mkdir(parents=True)
    node.mkdir()
    serve_ssh(folder, node)
    os.environ.update(HOME=str(laptop), TMPDIR=str(laptop))
    ray("get-auth-token", "--generate")
    config = laptop / "loopback.yaml"
    config.write_text(json.dumps(swapped(folder)))

    told = {"up": ray("up", "--yes", str(config))}
    told["study"] = ray("exec", str(config), f"cd crossover && python -m study.run {OPTIONS}")
    told["again"] = ray("submit", str(config), str(ROOT / "study/run.py"), "--", *OPTIONS.split())
    told["nodes"] = ray("exec", str(config), "ray status")
    told["listening"] = listening()
    told["unknown"] = status_without_token()
    ray("rsync-down", str(config), "~/shared/runs/", str(laptop / "runs"))
    told["fetched"] = sorted(str(p.relative_to(laptop)) for p in (laptop / "runs").glob("*/*"))
    ray("down", "--yes", str(config))
    told["left"] = ray_processes()
    print(json.dumps(told))


def transcript() -> None:
    """Do the same in a namespace of its own, and print the commands and their output."""
    if reason := missing("sshd", "ssh", "rsync", "uv"):
        raise SystemExit(reason)
    with tempfile.TemporaryDirectory() as folder:
        done = run_inside("tests.cluster.loopback", folder, timeout=400)
    print(done.stderr)
    sys.exit(done.returncode)


def swapped(folder: Path) -> dict[str, Any]:
    """cluster.yaml for this machine."""
    config = yaml.safe_load((ROOT / "cluster.yaml").read_text())
    for key in ("available_node_types", "head_node_type"):
        del config[key]
    *_, install, variables = config["setup_commands"]
    return config | {
        "max_workers": 0,
        "provider": {"type": "local", "head_ip": HEAD, "worker_ips": []},
        "auth": {"ssh_user": "root", "ssh_private_key": str(folder / "key")},
        "file_mounts": config["file_mounts"] | {"~/crossover": str(checkout(folder))},
        "setup_commands": [offline(install), variables],
        "head_setup_commands": ["mkdir -p ~/shared/runs"],
        "worker_setup_commands": [],
    }


def offline(install: str) -> str:
    """The command that installs the packages, without network: as `uv run` did for this test."""
    for theirs, ours in (
        ("~/.uv/bin/uv", f"UV_CACHE_DIR={CACHE} {shutil.which('uv')}"),
        ("--managed-python --python 3.12.16", f"--offline --python {sys.executable}"),
    ):
        assert install.count(theirs) == 1, f"{theirs}: not in {install}"
        install = install.replace(theirs, ours)
    return install


def checkout(folder: Path) -> Path:
    """The project's files, as in a clone: Ray would read the whole of .venv for a checksum."""
    for name in ("study", "trainables", "analysis"):
        shutil.copytree(ROOT / name, folder / "clone" / name)
    for name in ("pyproject.toml", "uv.lock", "README.md"):  # what the packages are made from
        shutil.copy(ROOT / name, folder / "clone")
    return folder / "clone"


def serve_ssh(folder: Path, home: Path) -> None:
    """An SSH server for root whose home is `home`, on the usual port; ends with the namespace."""
    for key in ("key", "host_key"):
        subprocess.run(["ssh-keygen", "-qN", "", "-t", "ed25519", "-f", folder / key], check=True)
    users = Path("/etc/passwd").read_text().splitlines()
    users = [f"root:x:0:0:root:{home}:/bin/bash", *(u for u in users if not u.startswith("root:"))]
    (folder / "passwd").write_text("\n".join(users) + "\n")
    subprocess.run(["mount", "--bind", folder / "passwd", "/etc/passwd"], check=True)
    Path("/run/sshd").mkdir(parents=True, exist_ok=True)
    (folder / "sshd_config").write_text(
        f"HostKey {folder}/host_key\nAuthorizedKeysFile {folder}/key.pub\n"
        "PermitRootLogin prohibit-password\nStrictModes no\nUsePAM no\nPidFile none\n"
    )
    subprocess.run([str(which("sshd")), "-f", folder / "sshd_config"], check=True)


def ray(*arguments: str) -> str:
    """The output of a `ray` command, as typed on the laptop."""
    done = subprocess.run(
        ["ray", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    print("$ ray", *arguments, f"\n{done.stdout}", file=sys.stderr)
    if done.returncode:
        raise SystemExit(f"ray {' '.join(arguments)} failed:\n{done.stdout}")
    return done.stdout


def listening() -> list[str]:
    """Every TCP port that is listened on, except SSH's, as address:port."""
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            address, port = local.split(":")
            raw = b"".join(
                int(address[i : i + 8], 16).to_bytes(4, sys.byteorder)
                for i in range(0, len(address), 8)
            )
            family = socket.AF_INET if len(raw) == 4 else socket.AF_INET6
            if state == "0A" and int(port, 16) != 22:
                found.append(f"{socket.inet_ntop(family, raw)}:{int(port, 16)}")
    return sorted(found)


def status_without_token() -> int:
    """What the dashboard answers somebody who is on the head and has no token."""
    try:
        with urllib.request.urlopen("http://127.0.0.1:8265/api/version", timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def ray_processes() -> list[str]:
    """Command lines of Ray's processes in this namespace."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        line = path.read_bytes().replace(b"\0", b" ").decode()
        if "/ray/core/src/" in line or line.startswith("ray::"):
            found.append(line)
    return found


if __name__ == "__main__":
    if sys.argv[1:] == ["--transcript"]:
        transcript()
    else:
        main(Path(sys.argv[1]))
