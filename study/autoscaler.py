"""What a cluster's autoscaler would start for a run."""

from __future__ import annotations

import math
import time

from study.resources import Resources
from study.slots import Amounts, places
from study.words import amount
from trainables.errors import UserError

ANSWER_SECONDS = 60.0  # an autoscaler looks every 5 s, and then may wait for its cloud


def with_nodes_to_come(resources: Resources, nodes: list[Amounts]) -> list[Amounts]:
    """The nodes of a cluster, and those it will have for this run where an autoscaler starts them.

    Such a cluster may have nothing yet, and what it could have only its autoscaler knows: it
    is asked for --concurrency trials (one, where that is not given), each with a GPU if it
    can. The waiting trials then bring the nodes up. UserError where it cannot start as much.
    """
    from ray.autoscaler.v2.utils import is_autoscaler_v2

    cpus, asked = resources.cpus_per_trial, resources.gpus_per_trial
    workers = resources.workers_per_trial * (resources.concurrency or 1)
    for gpus in (1.0, 0.0) if asked is None else (asked,):
        missing = workers - places(nodes, cpus, gpus)
        if missing <= 0:
            return nodes
        if not is_autoscaler_v2(fetch_from_server=True):  # none, or one that gives no answers
            return nodes
        each = {"CPU": cpus} | ({"GPU": gpus} if gpus else {})
        if _can_start([each] * workers):
            # Room for one each; of what size the nodes are is the autoscaler's affair.
            return [*nodes, *[{"CPU": cpus, "GPU": float(math.ceil(gpus))}] * missing]
    one = " and ".join(amount(count, name) for name, count in each.items())
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
