"""A Ray of this machine's own, closed to the network and to this machine's other users.

Ray executes what it is sent, so whoever reaches it can do what its user can. What it does by
itself, that is not here, is to listen on every address of the machine.
"""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

INTERFACE = "lo0" if sys.platform == "darwin" else "lo"


@contextlib.contextmanager
def closed() -> Iterator[dict[str, Any]]:
    """Options for `ray.init("local", ...)`, which is called, and shut down, within.

    - Every address is the loopback's, those of a worker group's gradients too.
    - Every connection must show a token made for this cluster alone, which is in the memory of
      its processes and in no file; whatever RAY_AUTH_* says, which may be about another cluster.
    - Ray's directory is in one that only the user can enter; it is deleted at the end,
      and kept where that is an error, of which Ray's own logs say more than `ray.log`.
    - Neither an autoscaler, which a single machine has no use for, nor a process that prints what
      workers print: each takes a second of a core to start, and one of them a second to end.

    Afterwards the process's environment is as it was.
    """
    from ray._private import parameter, ray_constants

    environment = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR: "0",  # for processes that are started within
        "GLOO_SOCKET_IFNAME": INTERFACE,
        "NCCL_SOCKET_IFNAME": INTERFACE,
    }
    folder = tempfile.mkdtemp(prefix="crossover-", dir=os.environ.get("RAY_TMPDIR", "/tmp"))
    clusters, options = ray_constants.ENABLE_RAY_CLUSTER, parameter.RayParams
    with _environment(environment):
        # Ray's own switch, by which a Mac has no cluster and needs no leave from its firewall.
        ray_constants.ENABLE_RAY_CLUSTER = False
        # `ray.init` has no options for these.
        parameter.RayParams = functools.partial(options, no_monitor=True, include_log_monitor=False)
        try:
            yield {"_temp_dir": str(Path(folder) / "ray")}  # Ray lets everybody write this one
        except KeyboardInterrupt:  # or SIGTERM; what an error leaves, somebody may want to read
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            ray_constants.ENABLE_RAY_CLUSTER, parameter.RayParams = clusters, options
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """These variables, for this process and those it starts."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    _read_again()
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        _read_again()


def _read_again() -> None:
    """Have Ray look at the environment, which it did once when it was imported or first used."""
    import ray._raylet

    ray._raylet.Config.initialize("")
    if loader := getattr(ray._raylet, "AuthenticationTokenLoader", None):
        loader.instance().reset_cache()
