"""Which machines a session had: those that an autoscaler starts come while trials wait for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from study import provenance
from study.records import Manifest
from study.slots import Amounts, total

LOOK_SECONDS = 10.0


class Machines:
    """Keeps true what a manifest says of its last session's hardware; listens to the journal.

    there: what the nodes have that are there now. Of everything the most is recorded that was
    there at one time, so that a machine that took another's place is not counted twice.
    """

    def __init__(self, manifest: Manifest, there: Callable[[], list[Amounts]]) -> None:
        self._manifest, self._there = manifest, there
        self._most: Amounts = {}
        self._looked: float | None = None

    def __call__(self, event: dict[str, Any]) -> None:
        """Look at the nodes while they train, every now and then."""
        now = time.monotonic()
        if event["event"] != "epoch" or (self._looked and now - self._looked < LOOK_SECONDS):
            return
        self._looked = now
        for name, amount in total(self._there()).items():
            self._most[name] = max(self._most.get(name, 0.0), amount)
        hardware = provenance.hardware(self._most)
        *before, session = self._manifest.sessions
        session["hardware"] = hardware
        if not before:
            self._manifest.hardware = hardware
