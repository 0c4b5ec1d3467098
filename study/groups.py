"""Gives back what groups of workers held whose trial is gone."""

from __future__ import annotations

import time
from typing import Any

import ray
from ray import tune
from ray.core.generated.gcs_pb2 import PlacementGroupTableData
from ray.tune.experiment import Trial
from ray.util.placement_group import PlacementGroup

LOOK_SECONDS = 2.0


class Groups(tune.Callback):
    """Looks for placement groups without a maker while trials run, and removes them.

    A trial that is stopped, or loses its node, takes the trainer of its group along, and Ray
    keeps a placement group whose maker died until the whole run ends: the next trial would wait
    for its CPUs for ever.
    """

    def __init__(self) -> None:
        self._looked = time.monotonic()

    def on_step_begin(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        """Look, if the last time is LOOK_SECONDS ago: Tune steps many times a second."""
        if time.monotonic() - self._looked >= LOOK_SECONDS:
            for group in orphans():
                ray.util.remove_placement_group(group)
            self._looked = time.monotonic()

    def __getstate__(self) -> dict[str, Any]:
        return {}


def orphans() -> list[PlacementGroup]:
    """The placement groups of this run whose maker, an actor, is dead.

    Asked of Ray's control service itself: `ray.util.state` would ask the dashboard, and there
    may be none.
    """
    job = bytes.fromhex(ray.get_runtime_context().get_job_id())
    accessor = ray._private.state.state._connect_and_get_accessor()
    rows = map(PlacementGroupTableData.FromString, accessor.get_placement_group_table())
    return [
        PlacementGroup(ray.PlacementGroupID(row.placement_group_id))
        for row in rows
        if row.creator_job_id == job
        and not ray.ActorID(row.creator_actor_id).is_nil()  # as of Tune's own, which we made
        and row.creator_actor_dead
        and row.state != PlacementGroupTableData.REMOVED
    ]
