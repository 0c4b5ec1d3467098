"""Run inside a namespace: a head without CPUs whose autoscaler can start two GPU nodes.

The autoscaler is Ray's own; its nodes are further Ray processes on this machine that claim to
have a GPU. Prints one JSON object.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from ray.autoscaler._private.fake_multi_node.node_provider import FAKE_HEAD_NODE_ID

from study.cluster import connected, there
from study.resources import Resources
from study.slots import total
from trainables.errors import UserError

CONFIG = {
    "cluster_name": "fake",
    "max_workers": 2,
    "idle_timeout_minutes": 5,
    "provider": {
        "type": "external",  # by its own type, Ray looks for a file that its packages leave out
        "module": "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider",
        "disable_node_updaters": True,
        "disable_launch_config_check": True,
        "launch_multiple": True,
        "head_node_id": FAKE_HEAD_NODE_ID,
    },
    "head_node_type": "ray.head.default",
    "available_node_types": {
        "ray.head.default": {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
        "gpu": {
            "resources": {"CPU": 1, "GPU": 1, "object_store_memory": 80_000_000},
            "node_config": {},
            "max_workers": 2,
        },
    },
    "auth": {},
    "file_mounts": {},
    "cluster_synced_files": [],
    "initialization_commands": [],
    "setup_commands": [],
    "head_setup_commands": [],
    "worker_setup_commands": [],
    "head_start_ray_commands": [],
    "worker_start_ray_commands": [],
}
AUTOSCALER = {
    "RAY_FAKE_CLUSTER": "1",
    "RAY_enable_autoscaler_v2": "1",
    "RAY_CLOUD_INSTANCE_ID": FAKE_HEAD_NODE_ID,
    "RAY_OVERRIDE_NODE_ID_FOR_TESTING": FAKE_HEAD_NODE_ID,
    "AUTOSCALER_UPDATE_INTERVAL_S": "1",
}


def main(folder: Path) -> None:
    config = folder / "fake.yaml"
    config.write_text(json.dumps(CONFIG))
    start = ["ray", "start", "--head", "--num-cpus=0", "--object-store-memory=80000000"]
    subprocess.run(
        [*start, "--include-dashboard=false", f"--autoscaling-config={config}"],
        env={**os.environ, **AUTOSCALER},
        check=True,
        stdout=sys.stderr,
    )
    print(json.dumps({"granted": granted(folder), "refused": refused(folder)}))


def granted(folder: Path) -> list[float]:
    """[trials at once, GPUs at the beginning, GPUs after trials asked for them, GPUs counted].

    Counted are those of the nodes that the manifest is told of, at the beginning and then.
    """
    import ray

    two = Resources(concurrency=2, gpus_per_trial=1, address="auto")
    with connected(two, 10, folder / "ray.log") as slots:
        before = ray.cluster_resources().get("GPU", 0.0)
        trials = [ray.util.placement_group([{"CPU": 1, "GPU": 1}]) for _ in range(slots.count)]
        ray.get([trial.ready() for trial in trials], timeout=120)  # what Tune waits for
        counted = [slots.cluster.get("GPU", 0.0), total(there()).get("GPU", 0.0)]
        return [slots.count, before, ray.cluster_resources().get("GPU", 0.0), *counted]


def refused(folder: Path) -> str:
    """What is said to more than the autoscaler may start."""
    three = Resources(concurrency=3, gpus_per_trial=1, address="auto")
    try:
        with connected(three, 10, folder / "ray.log"):
            return "nothing"
    except UserError as error:
        return str(error)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
