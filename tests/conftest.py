"""Every test on one thread, with a cache of its own, and no cluster of somebody else's."""

from __future__ import annotations

import os
import tempfile

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["CROSSOVER_CACHE"] = tempfile.mkdtemp(prefix="crossover-cache-")
os.environ.pop("RAY_ADDRESS", None)
os.environ["WANDB_MODE"] = "disabled"  # whatever key this machine has
