"""What TensorBoard's files cost the driver (their content: test_search_end_to_end.py)."""

from __future__ import annotations

import subprocess
import sys

from tests.study.commands import ROOT

WITHOUT_TORCH = """
import sys
from study.tensorboard import tensorboard
tensorboard()
assert "tensorboardX" in sys.modules
assert "torch" not in sys.modules
import torch  # is not kept away from whoever wants it
torch.zeros(1)
"""


def test_the_driver_writes_them_without_torch() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_TORCH], cwd=ROOT, check=True)
