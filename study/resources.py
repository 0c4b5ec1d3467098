"""What a trial gets, and what this machine has."""

from __future__ import annotations

import glob
import os
import sys
from dataclasses import dataclass

from study.rules import require_amount, require_whole
from trainables.errors import UserError


@dataclass(frozen=True)
class Resources:
    """What a trial gets, and how many run at once; None is decided on the cluster.

    cpus_per_trial, gpus_per_trial: per worker; fractions share a core or a GPU.
    """

    concurrency: int | None = None
    cpus_per_trial: float = 1.0
    gpus_per_trial: float | None = None
    workers_per_trial: int = 1
    address: str | None = None

    @property
    def joins(self) -> str | None:
        """Address of the cluster to join; None where one is to be started here."""
        return self.address or os.environ.get("RAY_ADDRESS")

    def __post_init__(self) -> None:
        require_whole("--concurrency", self.concurrency, 1)
        require_whole("--workers-per-trial", self.workers_per_trial, 1)
        require_amount("--cpus-per-trial", self.cpus_per_trial, above_zero=True)
        if self.gpus_per_trial is not None:
            require_amount("--gpus-per-trial", self.gpus_per_trial, above_zero=False)
            whole = self.gpus_per_trial == int(self.gpus_per_trial)
            if self.gpus_per_trial > 1 and not whole:
                raise UserError(
                    f"--gpus-per-trial above 1 must be a whole number, got {self.gpus_per_trial:g}"
                )
            if self.workers_per_trial > 1 and not whole:
                raise UserError(
                    f"--gpus-per-trial {self.gpus_per_trial:g} with --workers-per-trial "
                    f"{self.workers_per_trial}: workers of one trial cannot share a GPU (NCCL); "
                    "give each a whole one, or share it between trials of one worker"
                )


def may_have_gpus() -> bool:
    """Whether this machine may have a GPU that Ray counts: one it has a device file for, say.

    How many there are only Ray knows, and takes seconds to say so.
    """
    if sys.platform == "darwin" or "RAY_OVERRIDE_RESOURCES" in os.environ:
        return True
    drivers = ("/dev/nvidia[0-9]*", "/dev/kfd", "/dev/dri/renderD*", "/dev/dxg")  # the last: WSL's
    return any(glob.glob(pattern) for pattern in drivers)


def available_cpus() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
