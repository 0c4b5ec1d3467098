"""A training's state on storage, one folder a trial, its files replaced as a whole.

`state.pt` lets an interrupted training go on after its last finished epoch; at its end
`weights.pt`, a plain state dict, joins it. Both load with `weights_only=True`. Whoever
runs the trial deletes the folder once the trial's end is on record.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import torch

from trainables.jobs import WEIGHTS
from trainables.patience import patiently
from trainables.storage import Folder

STATE = "state.pt"


@dataclass(frozen=True)
class CheckpointStore:
    """The folder of one training on storage that every machine of the study reaches.

    Raises StorageError where that fails for longer than the folder's patience.
    """

    folder: Folder

    def load(self) -> dict[str, Any] | None:
        """The last saved state, or None where there is none (or none that is whole)."""
        data = self._patiently(lambda: self.folder.read(STATE))
        if data is None:
            return None
        try:
            state: dict[str, Any] = torch.load(
                io.BytesIO(data), map_location="cpu", weights_only=True
            )
        except Exception:  # damaged by a failing disk: the training starts anew
            return None
        return state

    def save(self, state: dict[str, Any], finished: bool) -> None:
        """Replace the saved state in one step; write the weights too where it is the last."""
        if finished:
            self._write(WEIGHTS, state["model"])
        self._write(STATE, state)

    def _write(self, name: str, value: dict[str, Any]) -> None:
        self._patiently(lambda: self.folder.write(name, lambda file: torch.save(value, file)))

    def _patiently(self, action: Any) -> Any:
        return patiently(action, self.folder, self.folder.patience)
