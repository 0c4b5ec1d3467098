"""How a training tells of its epochs, whoever listens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Record = dict[str, Any]
"""One epoch's measurements by name; `study.records.EPOCH_COLUMNS` documents each."""

Report = Callable[[Record], None]
"""Called once an epoch; may raise to end the training."""
