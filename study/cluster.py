"""Joining or starting Ray, and how many trials it can train at once."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from study import head, loopback
from study.autoscaler import with_nodes_to_come
from study.joining import explained, knock
from study.resources import Resources, available_cpus, may_have_gpus
from study.slots import Amounts, Slots, fit, total
from trainables.errors import FAILED, UserError

LOG = "ray.log"
OBJECT_STORE_BYTES = 1_000_000_000  # for a cluster started here: a data set and little else

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
    # of their own, which hold on to what they had; one heap for all holds less, at the same
    # speed (`python -m benchmarks.reuse`).
    "MALLOC_ARENA_MAX": "1",
}


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
    address = resources.joins
    from ray._private import ray_constants

    # Ray reads this one while it is imported, which a notebook may have done long before.
    ray_constants.RAY_ENABLE_UV_RUN_RUNTIME_ENV = os.environ[_UV_WORKERS] != "0"
    # Ray turns token authentication on by itself, and says so in a paragraph of output.
    logging.getLogger("ray._private.authentication").setLevel(logging.ERROR)
    with contextlib.ExitStack() as until_down:
        try:
            knock(address)
            said = _init(address, until_down)
        except Exception as error:  # also bare ones, of a node that is slow to start
            where = f"the Ray cluster at {address}" if address else "Ray on this machine"
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise UserError(f"cannot reach {where}: {reason}", FAILED) from None
        _log_to_file(log)  # only now: ray.init takes other handlers away
        if said:
            logging.getLogger("ray").error(said)
        nodes = found = there()
        if address:
            most = min(resources.concurrency or 1, trials)  # no node that would have no trial
            resources = replace(resources, concurrency=resources.concurrency and most)
            nodes = with_nodes_to_come(resources, nodes)
        yield replace(fit(resources, trials, nodes, address), cluster=total(found))


def there() -> list[Amounts]:
    """What the nodes have that are there now; Ray leaves out what one has none of."""
    import ray

    return [{"memory": 0.0} | node["Resources"] for node in ray.nodes() if node["Alive"]]


def _init(address: str | None, until_down: contextlib.ExitStack) -> str:
    """Join the cluster, or start one that nobody else reaches; leaving the stack undoes it.

    Returns what Ray had to say while it joined.
    """
    import ray

    from study.ray_signals import kept_from_ray

    until_down.enter_context(_news_to_log())
    until_down.enter_context(kept_from_ray())
    options = {"logging_level": logging.ERROR, "log_to_driver": False, "configure_logging": False}
    said = ""
    if address:
        with explained() as words:
            ray.init(address, **options)
        said = words()
    else:
        closed = until_down.enter_context(loopback.closed())
        ray.init(
            "local",
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            **closed,
            **options,
        )
    gcs = ray.get_runtime_context().gcs_address
    until_down.enter_context(head.watched(gcs, leave=ray.shutdown, own=not address))
    return said


def check(resources: Resources, trials: int) -> None:
    """UserError for more CPUs than this machine has, where the run is to be on it.

    Asked before anything is written or started. GPUs are counted by Ray once it is up; a machine
    that cannot have any is refused now.
    """
    if not resources.joins:
        asked = None if may_have_gpus() else resources.gpus_per_trial
        node = {"CPU": float(available_cpus())}
        fit(replace(resources, gpus_per_trial=asked or 0.0), trials, [node])


class _LogFile(logging.FileHandler):
    """A log that may be lost: a full disk is told of by whoever needs it for results."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Leave the line out, where logging would print pages on the terminal."""


@contextlib.contextmanager
def _news_to_log() -> Iterator[None]:
    """Log what a cluster tells of its nodes, which Ray prints whatever `log_to_driver` is.

    Of a node that died that is a page of its last lines, amidst a command's own output.
    """
    from ray._private import worker

    def log(news: dict[str, Any], **_: object) -> None:
        logging.getLogger("ray").error("\n".join(news["lines"]))

    printing, worker.print_to_stdstream = worker.print_to_stdstream, log
    try:
        yield
    finally:
        worker.print_to_stdstream = printing


def _log_to_file(log: Path) -> None:
    """Send Ray's own messages to a file: the terminal is the display's."""
    handler = _LogFile(log, delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    for name in ("ray", "ray.tune", "ray.train", "ray.data"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.propagate = False
