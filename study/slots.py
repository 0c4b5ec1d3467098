"""How many trials fit on the nodes of a cluster at once: pure arithmetic, no Ray."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

from study.resources import Resources
from study.words import amount
from trainables.errors import UserError

Amounts = dict[str, float]  # resources by Ray's names: "CPU", "GPU", "memory", ...

# Of Ray's memory, for a process that has imported Ray and torch. A group's workers bring their own
# resources. Its driver only waits, and must hold no CPU that they wait for; but Tune takes no
# empty request, so it holds some memory.
DRIVER_BYTES = 300_000_000


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


def fit(
    resources: Resources, trials: int, nodes: list[Amounts], joined: str | None = None
) -> Slots:
    """Slots of a cluster of these nodes ([{"CPU": 2.0, "GPU": 1.0}]).

    The number at once is what can train at the same time, so that no trial holds what
    another's workers wait for. It is counted node by node, since a worker is on one of them:
    two nodes of 3 CPUs hold two workers of 2 CPUs, not three. A node that does not say how much
    memory it has, since it is still to come, has enough.
    """
    workers, cpus = resources.workers_per_trial, resources.cpus_per_trial
    gpus = resources.gpus_per_trial
    if gpus is None:
        gpus = 1.0 if places(nodes, cpus, 1.0) >= workers else 0.0
    at_once = places(nodes, cpus, gpus) // workers
    have = total(nodes)
    if not at_once:
        raise UserError(_why_none_fits(resources, gpus, nodes))
    if workers > 1:
        at_once = min(at_once, _drivers(resources, nodes))
    if resources.concurrency and resources.concurrency > at_once:
        on = f"{amount(have.get('CPU', 0.0), 'CPU')} and {amount(have.get('GPU', 0.0), 'GPU')}"
        of = f" of {len(nodes)} nodes" if len(nodes) > 1 else ""
        raise UserError(
            f"--concurrency {resources.concurrency}: only {at_once} such trials fit on {on}{of} "
            "at once; lower it or --cpus-per-trial"
        )
    count = min(resources.concurrency or at_once, trials)
    return Slots(count, cpus, gpus, workers, joined, have)


def places(nodes: list[Amounts], cpus: float, gpus: float) -> int:
    """How many workers with so many CPUs and GPUs each have room at the same time."""
    return sum(_places_on(node, cpus, gpus) for node in nodes)


def _places_on(node: Amounts, cpus: float, gpus: float) -> int:
    by_cpus = _times(node.get("CPU", 0.0), cpus)
    if not gpus:
        return by_cpus
    have = node.get("GPU", 0.0)
    # A fraction is a part of one GPU: of 0.4 each takes two, and two of them four, not five.
    shares = int(have) * _times(1.0, gpus) if gpus < 1 else _times(have, gpus)
    return min(by_cpus, shares)


def _drivers(resources: Resources, nodes: list[Amounts]) -> int:
    """How many groups' drivers have room at the same time; UserError where they are too few."""
    room = [_times(node.get("memory", math.inf), DRIVER_BYTES) for node in nodes]
    if sum(room) < (resources.concurrency or 1):
        raise UserError(
            f"a trial of {resources.workers_per_trial} workers holds {DRIVER_BYTES / 1e6:g} MB of "
            f"one node's memory for its driver, and the nodes have room for {sum(room)} of these; "
            "give Ray more (ray start --memory), or lower --concurrency or --workers-per-trial"
        )
    return sum(room)


def _times(have: float, need: float) -> int:
    return sys.maxsize if have == math.inf else int(have / need + 1e-9)


def total(nodes: list[Amounts]) -> Amounts:
    """All that the nodes have together, by Ray's names."""
    names = dict.fromkeys(name for node in nodes for name in node)
    return {name: sum(node.get(name, 0.0) for node in nodes) for name in names}


def _why_none_fits(resources: Resources, gpus: float, nodes: list[Amounts]) -> str:
    """The sentence for a cluster that cannot hold a single trial."""
    workers, have = resources.workers_per_trial, total(nodes)
    for name, each, option in (
        ("CPU", resources.cpus_per_trial, "--cpus-per-trial"),
        ("GPU", gpus, "--gpus-per-trial"),
    ):
        there = have.get(name, 0.0)
        if each * workers > there + 1e-9:
            needs = f"a trial needs {amount(each * workers, name)}, but there"
            if name == "GPU" and not there:
                return f"{needs} is none; leave {option} out"
            verb = "is" if there == 1 else "are"
            return f"{needs} {verb} {there:g}; lower {option} or --workers-per-trial"
    room = places(nodes, resources.cpus_per_trial, gpus)
    each_worker = amount(resources.cpus_per_trial, "CPU")
    each_worker += f" and {amount(gpus, 'GPU')}" if gpus else ""
    return (
        f"a trial needs room for {workers} times {each_worker} on one node each, but the "
        f"{len(nodes)} nodes have room for {room}; lower what a trial gets"
    )
