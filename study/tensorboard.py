"""TensorBoard's files, one a trial, written by Tune's own callback."""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import Any, cast

from ray.tune.experiment import Trial
from ray.tune.logger import TBXLoggerCallback

from study.interrupts import undisturbed

OFF = "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS"  # Ray's own switch


def tensorboard() -> list[TBXLoggerCallback]:
    """Tune's callback, made without torch in the driver; none where Tune would have none.

    tensorboardX imports torch where it can, for the type in one annotation. All trials would
    wait for the seconds which that takes, and the driver would carry its memory to the end.
    While it is imported here, no other thread of this process can import torch.
    """
    if os.environ.get(OFF) == "1":
        return []
    absent = "torch" not in sys.modules  # a notebook may have it
    if absent:
        sys.modules["torch"] = cast(ModuleType, None)  # how Python marks what cannot be imported
    try:
        return [_Undisturbed()]
    except ImportError:  # of tensorboardX; Tune says how to install it
        return []
    finally:
        if absent:
            del sys.modules["torch"]


class _Undisturbed(TBXLoggerCallback):
    """Every writer has a queue with a lock, which the end of the process would wait for."""

    def log_trial_start(self, trial: Trial) -> None:
        """Open the trial's writer."""
        with undisturbed():
            super().log_trial_start(trial)

    def log_trial_result(self, iteration: int, trial: Trial, result: dict[str, Any]) -> None:
        """Write the numbers of an epoch."""
        with undisturbed():
            super().log_trial_result(iteration, trial, result)

    def log_trial_end(self, trial: Trial, failed: bool = False) -> None:
        """Close the trial's writer."""
        with undisturbed():
            super().log_trial_end(trial, failed)
