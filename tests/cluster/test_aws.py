"""What `ray up cluster.yaml` would ask AWS for, asked of a moto server on this machine."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

boto3 = pytest.importorskip("boto3")

from ray.autoscaler._private.providers import _get_node_provider  # noqa: E402
from ray.autoscaler._private.util import prepare_config, validate_config  # noqa: E402
from ray.autoscaler.tags import TAG_RAY_NODE_KIND, TAG_RAY_USER_NODE_TYPE  # noqa: E402

from tests.cluster.test_schema import load  # noqa: E402

ELSEWHERE = ("Ipv6Ranges", "PrefixListIds")  # who a rule may let in besides IpRanges


@pytest.fixture(scope="module")
def cloud(tmp_path_factory) -> Iterator[None]:
    """AWS is a process on this machine, and ~ a temporary folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        wait_for(port, server)
        yield
    server.terminate()
    server.wait(10)


def wait_for(port: int, server: subprocess.Popen) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the moto server does not answer")


@pytest.fixture(scope="module")
def config(cloud) -> dict[str, Any]:
    """cluster.yaml as Ray's bootstrap leaves it: key, subnets and security group are made."""
    prepared = prepare_config(load("cluster.yaml"))
    from ray.autoscaler._private.aws.node_provider import AWSNodeProvider

    filled = AWSNodeProvider.fillout_available_node_types_resources(prepared)
    validate_config(filled)
    return AWSNodeProvider.bootstrap_config(filled)


@pytest.fixture(scope="module")
def machines(config) -> dict[str, Any]:
    """One machine of each type, as EC2 describes it."""
    iam = client("iam")
    for name in ("crossover-head", "crossover-worker"):
        iam.create_instance_profile(InstanceProfileName=name)
    provider = _get_node_provider(config["provider"], config["cluster_name"])
    for kind, name in (("head", "head"), ("worker", "gpu")):
        tags = {TAG_RAY_NODE_KIND: kind, TAG_RAY_USER_NODE_TYPE: name}
        provider.create_node(config["available_node_types"][name]["node_config"], tags, 1)
    found = client("ec2").describe_instances()["Reservations"]
    return {
        tag["Value"]: machine
        for reservation in found
        for machine in reservation["Instances"]
        for tag in machine["Tags"]
        if tag["Key"] == TAG_RAY_USER_NODE_TYPE
    }


def client(service: str) -> Any:
    return boto3.client(service, region_name=load("cluster.yaml")["provider"]["region"])


def test_only_ssh_is_open_to_the_world(config) -> None:
    (group,) = {
        group
        for node in config["available_node_types"].values()
        for group in node["node_config"]["SecurityGroupIds"]
    }
    (described,) = client("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"]
    assert described["GroupName"] == "crossover"
    public = [rule for rule in described["IpPermissions"] if rule["IpRanges"]]
    assert [(rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) for rule in public] == [
        ("tcp", 22, 22)
    ]
    others = [rule[kind] for rule in described["IpPermissions"] for kind in ELSEWHERE]
    assert others == [[]] * len(others)  # no address of IPv6, no list of addresses
    private = [rule for rule in described["IpPermissions"] if not rule["IpRanges"]]
    assert {pair["GroupId"] for rule in private for pair in rule["UserIdGroupPairs"]} == {group}


def test_a_small_head_on_demand(machines) -> None:
    head = machines["head"]
    assert head["InstanceType"] == "m6i.xlarge"
    assert "InstanceLifecycle" not in head
    assert head["IamInstanceProfile"]["Arn"].endswith("instance-profile/crossover-head")


def test_spot_workers_with_a_profile_and_no_keys(machines) -> None:
    worker = machines["gpu"]
    assert worker["InstanceType"] == "g5.xlarge"
    assert worker["InstanceLifecycle"] == "spot"
    assert worker["IamInstanceProfile"]["Arn"].endswith("instance-profile/crossover-worker")


def test_ray_knows_what_a_worker_has_before_one_is_there(config) -> None:
    resources = {k: v["resources"] for k, v in config["available_node_types"].items()}
    assert resources["head"] == {"CPU": 0}
    assert (resources["gpu"]["CPU"], resources["gpu"]["GPU"]) == (4, 1)


def test_images_are_looked_up_when_a_machine_starts(machines) -> None:
    for machine in machines.values():
        assert machine["ImageId"].startswith("resolve:ssm:/aws/service/")
