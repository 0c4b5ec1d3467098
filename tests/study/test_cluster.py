"""How many trials fit a cluster: said before anything starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from study.cluster import fit
from study.plan import Resources
from tests.study.commands import ROOT
from trainables.errors import UserError

TWO = {"CPU": 2.0}
GPU = {"CPU": 16.0, "GPU": 1.0}


@pytest.mark.parametrize(
    ("resources", "cluster", "count"),
    [
        (Resources(), TWO, 2),
        (Resources(cpus_per_trial=2), TWO, 1),
        (Resources(cpus_per_trial=0.5), TWO, 4),
        (Resources(cpus_per_trial=0.1), TWO, 20),
        (Resources(concurrency=1), TWO, 1),
        (Resources(workers_per_trial=2), TWO, 1),
        (Resources(), GPU, 1),
        (Resources(gpus_per_trial=0.25), GPU, 4),
        (Resources(gpus_per_trial=0), GPU, 16),
    ],
)
def test_as_many_trials_run_as_can_train(resources: Resources, cluster: dict, count: int) -> None:
    assert fit(resources, 100, cluster).count == count


def test_no_more_slots_than_trials() -> None:
    assert fit(Resources(), 1, TWO).count == 1


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        (Resources(cpus_per_trial=3), "needs 3 CPUs, but there are 2"),
        (Resources(workers_per_trial=3), "needs 3 CPUs, but there are 2"),
        (Resources(gpus_per_trial=1), "needs 1 GPUs, but there are 0"),
        (Resources(concurrency=3), "--concurrency 3: only 2 such trials fit"),
    ],
)
def test_more_than_there_is_is_refused(resources: Resources, message: str) -> None:
    with pytest.raises(UserError, match=message):
        fit(resources, 100, TWO)


def test_a_notebook_that_imported_ray_can_run_twice(tmp_path: Path) -> None:
    """Ray reads its environment when it is imported: what is set later must not lock it out."""
    code = (
        "import ray\n"
        "from pathlib import Path\n"
        "from study.cluster import connected\n"
        "from study.plan import Resources\n"
        "for _ in range(2):\n"
        f"    with connected(Resources(), 1, Path({str(tmp_path / 'ray.log')!r})) as slots:\n"
        "        print(slots.count, ray.get(ray.remote(lambda: 7).remote()))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.split() == ["1", "7"] * 2, done.stderr
    assert done.stderr == ""
