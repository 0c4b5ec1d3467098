"""What TensorBoard's files cost the driver (their content: test_search_end_to_end.py)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from study.tensorboard import tensorboard
from tests.study.commands import ROOT

WITHOUT_TORCH = """
import sys
from pathlib import Path
from study.tensorboard import tensorboard
tensorboard()
assert "tensorboardX" in sys.modules
assert "torch" not in sys.modules
import torch  # is not kept away from whoever wants it
torch.zeros(1)
"""


def test_the_driver_writes_them_without_torch() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_TORCH], cwd=ROOT, check=True)


@pytest.mark.parametrize("switch", ["0", "1"])
def test_rays_own_switch_turns_them_off(switch: str, monkeypatch) -> None:
    monkeypatch.setenv("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS", switch)
    assert len(tensorboard()) == (switch == "0")


def test_a_missing_tensorboardx_is_tunes_to_tell_of(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    assert tensorboard() == []


A_SEARCH = """
import sys
from pathlib import Path
from study.explore import explore
explore("tiny", data="uci_digits", train_size=200, trials=1, max_epochs=2,
        storage=sys.argv[1], wandb="off", quiet=True)
assert "ray.tune" in sys.modules
print({"torch", "wandb", "torchvision"} & set(sys.modules))
"""


def test_the_driver_of_a_whole_search_imports_neither_torch_nor_wandb(tmp_path: Path) -> None:
    """Its trials would wait for that, and its memory would hold it."""
    done = subprocess.run(
        [sys.executable, "-c", A_SEARCH, str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout == "set()\n", done.stderr
