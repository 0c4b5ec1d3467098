"""Machines of their own: processes, network and /tmp/ray that nothing outside shares.

`ray up` and `ray down` run `ray stop`, which ends every Ray process of a machine, and start
Ray on its usual ports. In namespaces of their own they mean no other cluster on this computer,
and whatever is left is ended with them.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.study.commands import ROOT

HEAD = "10.77.0.1"

# SSH's sockets, where Ray puts them.
SOCKETS = f"/tmp/ray_ssh_{hashlib.sha256(getpass.getuser().encode()).hexdigest()[:10]}"

# The route is there so that Ray finds the address, and not the loopback one, to be the node's.
PREPARE = f"""
set -e
ip link set lo up
ip address add {HEAD}/24 dev lo
ip route add default dev lo src {HEAD}
for folder in /tmp/ray {SOCKETS} /dev/shm; do
  mkdir -p $folder
  mount -t tmpfs own $folder
done
"$@"
exit $?
"""


def missing(*programs: str) -> str | None:
    """Why nothing can run in a machine of its own here, or None."""
    absent = [name for name in ("unshare", "ip", *programs) if which(name) is None]
    if absent:
        return f"not installed: {', '.join(absent)}"
    done = subprocess.run(isolated("true"), capture_output=True, text=True)
    if done.returncode:
        return f"no namespaces of its own allowed here: {done.stderr.strip()}"
    return None


def which(name: str) -> str | None:
    """The path of a program, also of those that only root has in its PATH."""
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


def isolated(*command: str) -> list[str]:
    """The command line that runs `command` in namespaces of its own.

    Bash is its first process, and clears away what Ray's daemons leave: `ray stop` waits for
    them to be gone.
    """
    new = ["--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc"]
    return ["unshare", *new, "bash", "-c", PREPARE, "bash", *command]


def run_inside(
    module: str, *arguments: str, timeout: float, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a module of these tests to its end in namespaces of its own."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin:/sbin"
    return subprocess.run(
        isolated(sys.executable, "-m", module, *arguments),
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=ROOT,
        env={**os.environ, "PATH": path, **environment},
    )
