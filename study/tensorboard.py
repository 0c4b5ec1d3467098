"""TensorBoard's files, one a trial, written by Tune's own callback."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import cast

from ray.tune.logger import TBXLoggerCallback


def tensorboard() -> TBXLoggerCallback:
    """Tune's callback, made without torch in the driver.

    tensorboardX imports torch where it can, for the type in one annotation. All trials would
    wait for the seconds which that takes, and the driver would carry its memory to the end.
    """
    absent = "torch" not in sys.modules  # a notebook may have it
    if absent:
        sys.modules["torch"] = cast(ModuleType, None)  # how Python marks what cannot be imported
    try:
        return TBXLoggerCallback()
    finally:
        if absent:
            del sys.modules["torch"]
