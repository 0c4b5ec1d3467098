"""A disk that is really full: waited for, or the end of the run, and nothing is lost."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.cluster.namespace import missing, run_inside

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict:
    """What tests/study/full_disk.py saw."""
    if reason := missing("mount"):
        pytest.skip(reason)
    done = run_inside(
        "tests.study.full_disk", str(tmp_path_factory.mktemp("disk") / "full"), timeout=400
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def each_event_once(journal: list[dict]) -> bool:
    events = Counter((x["event"], x["trial"], x.get("epoch")) for x in journal)
    return set(events.values()) == {1}


def test_a_disk_that_is_full_for_a_while_is_waited_for(told: dict) -> None:
    said = told["for a while"]
    assert said["code"] == 0, said["stderr"]
    assert each_event_once(said["journal"])
    states = Counter(x["state"] for x in said["journal"] if x["event"] == "end")
    assert states.total() == 4
    assert "failed" not in states


def test_a_disk_that_stays_full_ends_the_run_in_one_line(told: dict) -> None:
    said = told["for good"]
    assert said["code"] == 1
    (line,) = said["stderr"].strip().splitlines()
    assert line.startswith("error: ")
    assert "run the same command again" in line


def test_the_same_command_goes_on_once_there_is_space(told: dict) -> None:
    said = told["for good"]
    assert said["again"][0] == 0, said["again"][1]
    assert said["after"][: len(said["before"])] == said["before"]
    assert each_event_once(said["after"])
    states = Counter(x["state"] for x in said["after"] if x["event"] == "end")
    assert states.total() == 4
    assert "failed" not in states
