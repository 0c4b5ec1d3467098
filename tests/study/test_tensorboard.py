"""What TensorBoard's files cost the driver (their content: test_search_end_to_end.py)."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path
from unittest.mock import create_autospec

import pytest
from ray.tune.experiment import Trial

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


class InterruptedOnce(threading.Condition):
    """A lock that has just been taken as the user interrupts."""

    fresh = True

    def __enter__(self) -> bool:
        taken = super().__enter__()
        if self.fresh:
            self.fresh = False
            signal.raise_signal(signal.SIGINT)
        return taken


def test_an_interrupt_leaves_no_lock_taken_that_the_end_would_wait_for(tmp_path: Path) -> None:
    """It would be for ever: tensorboardX closes its writers as the process ends."""
    (callback,) = tensorboard()
    trial = create_autospec(Trial, instance=True, local_path=str(tmp_path))
    callback.log_trial_start(trial)
    writer = callback._trial_writer[trial]
    lock = writer.file_writer.event_writer._event_queue._notempty = InterruptedOnce(
        threading.Lock()
    )
    with pytest.raises(KeyboardInterrupt):
        callback.log_trial_result(1, trial, {"training_iteration": 1, "val_loss": 0.5})
    free = lock.acquire(timeout=5)
    lock.release()  # in any case: these tests have an end, too
    writer.close()
    assert free


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
