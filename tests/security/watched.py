"""A command and all its processes, watched while it runs: where it listens, what it shows."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import ray  # noqa: F401  it brings psutil along

import psutil  # isort: skip

from tests.security.sightings import sightings
from tests.study.commands import ROOT


@dataclass
class Watched:
    """What was seen of a command.

    listening: (process, address, port). tokens: Ray's, as its processes know them. shown: the
    command lines of all its processes. logged: sightings of the secrets in Ray's own directory,
    while it was there. modes: of what lies in that directory's parent. answers: what `ask` said.
    """

    code: int = -1
    output: str = ""
    listening: set[tuple[str, str, int]] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    shown: set[str] = field(default_factory=set)
    logged: set[str] = field(default_factory=set)
    modes: set[int] = field(default_factory=set)
    answers: dict[str, str] = field(default_factory=dict)


def watch(
    arguments: list[str],
    environment: dict[str, str],
    ray_folder: Path,
    secrets: list[str],
    ask: Callable[[str, str], dict[str, str]],
    cwd: Path = ROOT,
) -> Watched:
    """Run a command to its end; `ask(address of its Ray, token)` is called once meanwhile."""
    seen = Watched()
    environment = {**os.environ, **environment, "RAY_TMPDIR": str(ray_folder)}
    process = subprocess.Popen(
        arguments,
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    top = psutil.Process(process.pid)
    try:
        while process.poll() is None:
            _look(top, seen)
            seen.logged |= set(sightings(ray_folder, [*secrets, *seen.tokens]))
            with contextlib.suppress(FileNotFoundError):
                seen.modes |= {path.stat().st_mode & 0o777 for path in ray_folder.glob("*")}
            gcs = [a for a in seen.listening if a[0] == "gcs_server"]
            workers = [a for a in seen.listening if a[0].startswith("ray::")]
            if gcs and len(workers) > 3 and not seen.answers:
                seen.answers = ask(f"{gcs[0][1]}:{gcs[0][2]}", max(seen.tokens))
            time.sleep(0.3)
    finally:
        process.kill()
    seen.output, _ = process.communicate()
    seen.code = process.returncode
    return seen


def _look(top: psutil.Process, seen: Watched) -> None:
    with contextlib.suppress(psutil.Error):
        for process in [top, *top.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                seen.shown.add(" ".join(process.cmdline()))
                if token := process.environ().get("RAY_AUTH_TOKEN"):
                    seen.tokens.add(token)
                for socket in process.net_connections():
                    if socket.status == psutil.CONN_LISTEN:
                        address = socket.laddr.ip.removeprefix("::ffff:")
                        seen.listening.add((process.name(), address, socket.laddr.port))
