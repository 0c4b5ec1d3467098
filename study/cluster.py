"""Joining or starting Ray, and how many trials it can train at once."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from study import loopback
from study.plan import Resources, available_cpus
from trainables.errors import FAILED, UserError

LOG = "ray.log"
OBJECT_STORE_BYTES = 1_000_000_000  # for a cluster started here: a data set and little else
ANSWER_SECONDS = 60.0  # an autoscaler looks every 5 s, and then may wait for its cloud

Amounts = dict[str, float]  # resources by Ray's names: "CPU", "GPU", "memory", ...

_UV_WORKERS = "RAY_ENABLE_UV_RUN_RUNTIME_ENV"
ENVIRONMENT = {
    # Under `uv run` Ray would otherwise re-create the environment for every worker.
    _UV_WORKERS: "0",
    # A trial without a GPU keeps the variables that say which GPUs there are.
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    # Old-style output, which `verbose=0` silences; the new style prints tables regardless.
    "RAY_AIR_NEW_OUTPUT": "0",
    # Tune's own handler would swallow ^C; ours ends the run with everything kept.
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    # Every trial of a reused worker runs in a thread of its own, and glibc gives threads heaps
    # of their own, which hold on to what they had: 2.1 GB after 15 ResNet18s where one heap
    # for all holds 1.2 GB, at the same speed (`python -m benchmarks.reuse`).
    "MALLOC_ARENA_MAX": "1",
}


@dataclass(frozen=True)
class Slots:
    """What every trial gets and how many train at once, decided on a real cluster.

    cluster: all it has, over its nodes.
    """

    count: int
    cpus: float
    gpus: float
    workers: int
    joined: str | None
    cluster: Amounts


@contextlib.contextmanager
def connected(resources: Resources, trials: int, log: Path) -> Iterator[Slots]:
    """A Ray cluster for the duration of a run: the named one, or one of its own.

    Without an address (and without RAY_ADDRESS) a cluster of this machine's own is
    started, never a running one joined. Raises UserError, before anything starts, where
    the cluster cannot hold a single trial or not as many at once as were asked for, also
    not with the nodes that its autoscaler could start.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    address = resources.address or os.environ.get("RAY_ADDRESS")
    import ray
    from ray._private import ray_constants

    # Ray reads this one while it is imported, which a notebook may have done long before.
    ray_constants.RAY_ENABLE_UV_RUN_RUNTIME_ENV = os.environ[_UV_WORKERS] != "0"
    # Ray turns token authentication on by itself, and says so in a paragraph of output.
    logging.getLogger("ray._private.authentication").setLevel(logging.ERROR)
    on_terminate = signal.getsignal(signal.SIGTERM)
    with contextlib.ExitStack() as until_down:
        try:
            _init(address, until_down)
        except (ConnectionError, RuntimeError, ValueError) as error:
            where = f"the Ray cluster at {address}" if address else "Ray on this machine"
            reason = str(error).splitlines()[0]
            raise UserError(f"cannot reach {where}: {reason}", FAILED) from None
        _log_to_file(log)  # only now: ray.init takes other handlers away
        here = threading.current_thread() is threading.main_thread()
        if here and callable(on_terminate):  # the command's, which ends a run in good order
            signal.signal(signal.SIGTERM, on_terminate)
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        if address:
            most = min(resources.concurrency or 1, trials)  # no node that would have no trial
            resources = replace(resources, concurrency=resources.concurrency and most)
            nodes = _with_nodes_to_come(resources, nodes)
        yield fit(resources, trials, nodes, address)


def _init(address: str | None, until_down: contextlib.ExitStack) -> None:
    """Join the cluster, or start one that nobody else reaches; leaving the stack undoes it."""
    import ray

    options = {"logging_level": logging.ERROR, "log_to_driver": False, "configure_logging": False}
    if address:
        ray.init(address, **options)
    else:
        closed = until_down.enter_context(loopback.closed())
        ray.init(
            "local",
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            **closed,
            **options,
        )
    until_down.callback(ray.shutdown)


def check(resources: Resources, trials: int) -> None:
    """UserError for more CPUs than this machine has, where the run is to be on it.

    Asked before anything is written or started; GPUs are counted by Ray once it is up.
    """
    if not (resources.address or os.environ.get("RAY_ADDRESS")):
        fit(replace(resources, gpus_per_trial=0.0), trials, [{"CPU": float(available_cpus())}])


def fit(
    resources: Resources, trials: int, nodes: list[Amounts], joined: str | None = None
) -> Slots:
    """Slots of a cluster of these nodes ([{"CPU": 2.0, "GPU": 1.0}]).

    The number at once is what can train at the same time, so that no trial holds what
    another's workers wait for. It is counted node by node, since a worker is on one of them:
    two nodes of 3 CPUs hold two workers of 2 CPUs, not three.
    """
    workers, cpus = resources.workers_per_trial, resources.cpus_per_trial
    gpus = resources.gpus_per_trial
    if gpus is None:
        gpus = 1.0 if _places(nodes, cpus, 1.0) >= workers else 0.0
    at_once = _places(nodes, cpus, gpus) // workers
    have = _total(nodes)
    if not at_once:
        raise UserError(_why_none_fits(resources, gpus, nodes))
    if resources.concurrency and resources.concurrency > at_once:
        on = f"{have.get('CPU', 0.0):g} CPUs and {have.get('GPU', 0.0):g} GPUs"
        of = f" of {len(nodes)} nodes" if len(nodes) > 1 else ""
        raise UserError(
            f"--concurrency {resources.concurrency}: only {at_once} such trials fit on {on}{of} "
            "at once; lower it or --cpus-per-trial"
        )
    count = min(resources.concurrency or at_once, trials)
    return Slots(count, cpus, gpus, workers, joined, have)


def _places(nodes: list[Amounts], cpus: float, gpus: float) -> int:
    """How many workers with so many CPUs and GPUs each have room at the same time."""
    return sum(_places_on(node, cpus, gpus) for node in nodes)


def _places_on(node: Amounts, cpus: float, gpus: float) -> int:
    places = _times(node.get("CPU", 0.0), cpus)
    if not gpus:
        return places
    have = node.get("GPU", 0.0)
    # A fraction is a part of one GPU: of 0.4 each takes two, and two of them four, not five.
    shares = int(have) * _times(1.0, gpus) if gpus < 1 else _times(have, gpus)
    return min(places, shares)


def _times(have: float, need: float) -> int:
    return int(have / need + 1e-9)


def _total(nodes: list[Amounts]) -> Amounts:
    """All that the nodes have together, by Ray's names."""
    names = dict.fromkeys(name for node in nodes for name in node)
    return {name: sum(node.get(name, 0.0) for node in nodes) for name in names}


def _why_none_fits(resources: Resources, gpus: float, nodes: list[Amounts]) -> str:
    """The sentence for a cluster that cannot hold a single trial."""
    workers, have = resources.workers_per_trial, _total(nodes)
    for name, each, option in (
        ("CPU", resources.cpus_per_trial, "--cpus-per-trial"),
        ("GPU", gpus, "--gpus-per-trial"),
    ):
        if each * workers > have.get(name, 0.0) + 1e-9:
            return (
                f"a trial needs {each * workers:g} {name}s, but there are "
                f"{have.get(name, 0.0):g}; lower {option} or --workers-per-trial"
            )
    room = _places(nodes, resources.cpus_per_trial, gpus)
    each_worker = f"{resources.cpus_per_trial:g} CPUs" + (f" and {gpus:g} GPUs" if gpus else "")
    return (
        f"a trial needs room for {workers} times {each_worker} on one node each, but the "
        f"{len(nodes)} nodes have room for {room}; lower what a trial gets"
    )


def _with_nodes_to_come(resources: Resources, nodes: list[Amounts]) -> list[Amounts]:
    """The nodes of a cluster, and those it will have for this run where an autoscaler starts them.

    Such a cluster may have nothing yet, and what it could have only its autoscaler knows: it
    is asked for --concurrency trials (one, where that is not given), each with a GPU if it
    can. The waiting trials then bring the nodes up. UserError where it cannot start as much.
    """
    from ray.autoscaler.v2.utils import is_autoscaler_v2

    cpus, asked = resources.cpus_per_trial, resources.gpus_per_trial
    workers = resources.workers_per_trial * (resources.concurrency or 1)
    for gpus in (1.0, 0.0) if asked is None else (asked,):
        missing = workers - _places(nodes, cpus, gpus)
        if missing <= 0:
            return nodes
        if not is_autoscaler_v2(fetch_from_server=True):  # none, or one that gives no answers
            return nodes
        each = {"CPU": cpus} | ({"GPU": gpus} if gpus else {})
        if _can_start([each] * workers):
            # Room for one each; of what size the nodes are is the autoscaler's affair.
            return [*nodes, *[{"CPU": cpus, "GPU": float(math.ceil(gpus))}] * missing]
    one = " and ".join(f"{amount:g} {name}" for name, amount in each.items())
    raise UserError(
        f"the cluster cannot start nodes for {workers} times {one} at once; "
        "lower --concurrency or what a trial gets, or raise the cluster's max_workers"
    )


def _can_start(bundles: list[Amounts]) -> bool:
    """Whether the autoscaler has, or would start, nodes for all of these at the same time.

    The request is taken back once it is answered: it would outlive a run that is killed and
    keep, and bill, the nodes for ever.
    """
    import ray
    from ray.autoscaler.sdk import request_resources
    from ray.core.generated.autoscaler_pb2 import GetClusterStatusReply

    gcs = ray._private.worker.global_worker.gcs_client
    request_resources(bundles=bundles)
    try:
        asked, deadline = None, time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < deadline:
            reply = GetClusterStatusReply.FromString(gcs.get_cluster_status())
            asked = asked or reply.cluster_resource_state.cluster_resource_state_version
            answer = reply.autoscaling_state
            if answer.last_seen_cluster_resource_state_version > asked:
                return not answer.infeasible_cluster_resource_constraints
            time.sleep(0.5)
        return False
    finally:
        request_resources(bundles=[])


def _log_to_file(log: Path) -> None:
    """Send Ray's own messages to a file: the terminal is the display's."""
    handler = logging.FileHandler(log, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    for name in ("ray", "ray.tune", "ray.train", "ray.data"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
