"""TensorBoard's files, one a trial, written by Tune's own callback."""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import cast

from ray.tune.logger import TBXLoggerCallback

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
        return [TBXLoggerCallback()]
    except ImportError:  # of tensorboardX; Tune says how to install it
        return []
    finally:
        if absent:
            del sys.modules["torch"]
