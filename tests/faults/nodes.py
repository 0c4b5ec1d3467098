"""A Ray cluster of several nodes on this machine, each of which can be killed like a machine."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.study.commands import ROOT

RAY = str(Path(sys.executable).parent / "ray")
# What every process of the cluster needs, the command's included.
ENVIRONMENT = {
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
    "RAY_START_HOOK": "study.start_hook.no_client_server",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_raylet_start_wait_time_s": "120",  # on a machine that is busy with other tests
}
COMMON = ["--block", "--node-ip-address=127.0.0.1", "--object-store-memory=80000000"]


class StartError(Exception):
    """What `ray start` printed when it ended by itself."""


@dataclass(frozen=True)
class Node:
    """One node: `ray start --block` and everything below it."""

    process: subprocess.Popen
    identity: str

    def kill(self) -> None:
        """End all of its processes at once, as a machine that is switched off."""
        for pid in [self.process.pid, *children(self.process.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def trainings(self) -> list[int]:
        """Processes of this node that hold a trial."""
        below = children(self.process.pid)
        return [pid for pid in below if title(pid).startswith("ray::ImplicitFunc")]


class Cluster:
    """A head, which trains nothing, and nodes that do; each can be started and killed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self.address = f"127.0.0.1:{self._port}"
        self._nodes: list[Node] = []
        self.head = self.start_head()

    def start_head(self) -> Node:
        """Start the head; once more, where it was killed."""
        self.head = self._start(
            "--head",
            f"--port={self._port}",
            "--num-cpus=0",
            "--include-dashboard=false",
            f"--temp-dir={self._folder}/{len(self._nodes)}",
        )
        return self.head

    def add(self, cpus: int = 1) -> Node:
        """Start one more node, and wait until it has joined."""
        return self._start(f"--address={self.address}", f"--num-cpus={cpus}")

    def drain(self, node: Node, seconds: int) -> None:
        """Give a node the notice that a spot machine gets of its end."""
        notice = ["--reason=DRAIN_NODE_REASON_PREEMPTION", "--reason-message=spot"]
        subprocess.run(
            [
                *(RAY, "drain-node", f"--address={self.address}", f"--node-id={node.identity}"),
                *(*notice, f"--deadline-remaining-seconds={seconds}"),
            ],
            env={**os.environ, **ENVIRONMENT},
            check=True,
        )

    def clear(self) -> None:
        """End every node but the head."""
        for node in self._nodes:
            if node is not self.head:
                node.kill()

    def shutdown(self) -> None:
        """End everything that was started here."""
        self.clear()
        self.head.kill()

    def _start(self, *options: str) -> Node:
        """Start a node; once more where Ray gave up on it by itself, as it may on two cores."""
        try:
            return self._try_to_start(*options)
        except StartError as error:
            if "timed out during startup" not in str(error):
                raise
            return self._try_to_start(*options)

    def _try_to_start(self, *options: str) -> Node:
        identity = secrets.token_hex(28)
        path = self._folder / f"{len(self._nodes)}.log"
        with open(path, "w") as log:
            process = subprocess.Popen(
                [RAY, "start", *COMMON, *options],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                start_new_session=True,
                env={
                    **os.environ,
                    **ENVIRONMENT,
                    "RAY_OVERRIDE_NODE_ID_FOR_TESTING": identity,
                },
            )
        node = Node(process, identity)
        self._nodes.append(node)
        while "Ray runtime started" not in path.read_text():
            if process.poll() is not None:
                raise StartError(path.read_text())
            time.sleep(0.05)
        return node


def free_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def children(pid: int) -> list[int]:
    """All descendants of a process."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            parents.setdefault(parent, []).append(int(path.parent.name))
    found, todo = [], [pid]
    while todo:
        below = parents.get(todo.pop(), [])
        found += below
        todo += below
    return found


def title(pid: int) -> str:
    """The command line of a process, which Ray's workers rewrite to say what they run."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    return ""
