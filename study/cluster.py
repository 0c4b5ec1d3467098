"""Joining or starting Ray, and how many trials it can train at once."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from study import head
from study.plan import Resources, available_cpus
from trainables.errors import FAILED, UserError

LOG = "ray.log"
OBJECT_STORE_BYTES = 1_000_000_000  # for a cluster started here: a data set and little else
ANSWER_SECONDS = 60.0  # an autoscaler looks every 5 s, and then may wait for its cloud

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
}


@dataclass(frozen=True)
class Slots:
    """What every trial gets and how many train at once, decided on a real cluster.

    cluster: all it has, by Ray's names ("CPU", "GPU", "memory", "accelerator_type:...").
    """

    count: int
    cpus: float
    gpus: float
    workers: int
    joined: str | None
    cluster: dict[str, float]


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
    options = {"logging_level": logging.ERROR, "log_to_driver": False, "configure_logging": False}
    try:
        if address:
            ray.init(address, **options)
        else:
            ray.init(
                "local",
                include_dashboard=False,
                object_store_memory=OBJECT_STORE_BYTES,
                **options,
            )
    except (ConnectionError, RuntimeError, ValueError) as error:
        where = f"the Ray cluster at {address}" if address else "Ray on this machine"
        reason = str(error).splitlines()[0]
        raise UserError(f"cannot reach {where}: {reason}", FAILED) from None
    _log_to_file(log)  # only now: ray.init takes other handlers away
    here = threading.current_thread() is threading.main_thread()
    if here and callable(on_terminate):  # the command's, which ends a run in good order
        signal.signal(signal.SIGTERM, on_terminate)
    with head.watched(ray.get_runtime_context().gcs_address, leave=ray.shutdown):
        cluster = ray.cluster_resources()
        if address:
            most = min(resources.concurrency or 1, trials)  # no node that would have no trial
            resources = replace(resources, concurrency=resources.concurrency and most)
            cluster = _with_nodes_to_come(resources, cluster)
        yield fit(resources, trials, cluster, address)


def check(resources: Resources, trials: int) -> None:
    """UserError for more CPUs than this machine has, where the run is to be on it.

    Asked before anything is written or started; GPUs are counted by Ray once it is up.
    """
    if not (resources.address or os.environ.get("RAY_ADDRESS")):
        fit(replace(resources, gpus_per_trial=0.0), trials, {"CPU": float(available_cpus())})


def fit(
    resources: Resources, trials: int, cluster: dict[str, float], joined: str | None = None
) -> Slots:
    """Slots of a cluster with these resources ({"CPU": 2.0, "GPU": 1.0}).

    The number at once is what can train at the same time, so that no trial holds what
    another's workers wait for.
    """
    have_cpus, have_gpus = cluster.get("CPU", 0.0), cluster.get("GPU", 0.0)
    workers = resources.workers_per_trial
    gpus = resources.gpus_per_trial
    if gpus is None:
        gpus = 1.0 if have_gpus >= workers else 0.0
    need_cpus, need_gpus = resources.cpus_per_trial * workers, gpus * workers
    if need_cpus > have_cpus:
        raise UserError(
            f"a trial needs {need_cpus:g} CPUs, but there are {have_cpus:g}; "
            "lower --cpus-per-trial or --workers-per-trial"
        )
    if need_gpus > have_gpus:
        raise UserError(
            f"a trial needs {need_gpus:g} GPUs, but there are {have_gpus:g}; "
            "lower --gpus-per-trial or --workers-per-trial"
        )
    at_once = int(have_cpus / need_cpus + 1e-9)
    if need_gpus:
        at_once = min(at_once, int(have_gpus / need_gpus + 1e-9))
    if resources.concurrency and resources.concurrency > at_once:
        raise UserError(
            f"--concurrency {resources.concurrency}: only {at_once} such trials fit on "
            f"{have_cpus:g} CPUs and {have_gpus:g} GPUs at once; lower it or --cpus-per-trial"
        )
    count = min(resources.concurrency or at_once, trials)
    return Slots(count, resources.cpus_per_trial, gpus, workers, joined, cluster)


def _with_nodes_to_come(resources: Resources, cluster: dict[str, float]) -> dict[str, float]:
    """What the cluster has, or will have for this run where an autoscaler starts nodes.

    Such a cluster may have nothing yet, and what it could have only its autoscaler knows: it
    is asked for --concurrency trials (one, where that is not given), each with a GPU if it
    can. The waiting trials then bring the nodes up. UserError where it cannot start as much.
    """
    from ray.autoscaler.v2.utils import is_autoscaler_v2

    workers = resources.workers_per_trial * (resources.concurrency or 1)
    asked = resources.gpus_per_trial
    for gpus in (1.0, 0.0) if asked is None else (asked,):
        each = {"CPU": resources.cpus_per_trial} | ({"GPU": gpus} if gpus else {})
        needed = {name: amount * workers for name, amount in each.items()}
        if all(cluster.get(name, 0.0) >= amount for name, amount in needed.items()):
            return cluster
        if not is_autoscaler_v2(fetch_from_server=True):  # none, or one that gives no answers
            return cluster
        if _can_start([each] * workers):
            return cluster | {k: max(cluster.get(k, 0.0), v) for k, v in needed.items()}
    one = " and ".join(f"{amount:g} {name}" for name, amount in each.items())
    raise UserError(
        f"the cluster cannot start nodes for {workers} times {one} at once; "
        "lower --concurrency or what a trial gets, or raise the cluster's max_workers"
    )


def _can_start(bundles: list[dict[str, float]]) -> bool:
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
