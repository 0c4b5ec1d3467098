"""A training's state on disk, one folder a trial, replaced as a whole.

`state.pt` lets an interrupted training go on after its last finished epoch; at its end
`weights.pt`, a plain state dict, joins it. Both load with `weights_only=True`. Whoever
runs the trial deletes the folder once the trial's end is on record.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

STATE = "state.pt"
WEIGHTS = "weights.pt"


@dataclass(frozen=True)
class CheckpointStore:
    """The folder of one training on storage that every machine of the study reaches."""

    folder: Path

    def load(self) -> dict[str, Any] | None:
        """The last saved state, or None where there is none (or none that is whole)."""
        path = self.folder / STATE
        try:
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        except FileNotFoundError:
            return None
        except Exception:  # damaged by a failing disk: the training starts anew
            return None
        return state

    def save(self, state: dict[str, Any], finished: bool) -> None:
        """Replace the saved state in one step; write the weights too where it is the last."""
        if finished:
            self._write(WEIGHTS, state["model"])
        self._write(STATE, state)

    def _write(self, name: str, value: dict[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / (name + ".part")
        torch.save(value, temporary)
        os.replace(temporary, self.folder / name)
