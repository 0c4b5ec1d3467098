"""Independent random streams by name, from one seed."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def stream_seed(seed: int, *names: object) -> int:
    """A seed in 0 .. 2^63-1 for the stream called `names`, a function of its arguments only.

    Hashing (rather than adding) keeps the streams of neighbouring seeds apart.
    """
    digest = hashlib.sha256(repr((seed, *names)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


@contextlib.contextmanager
def dropout_stream(seed: int, device: torch.device) -> Iterator[None]:
    """Seed what dropout draws from, torch's generators of CPU and device, and put them back.

    It takes no generator of its own. Only these two are touched: torch.manual_seed would also
    reseed every other GPU, which nothing restores.
    """
    import torch

    gpus = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=gpus):
        torch.default_generator.manual_seed(seed)
        for gpu in gpus:
            with torch.cuda.device(gpu):
                torch.cuda.manual_seed(seed)
        yield
