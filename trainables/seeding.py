"""Independent random streams by name, from one seed."""

from __future__ import annotations

import hashlib


def stream_seed(seed: int, *names: object) -> int:
    """A seed in 0 .. 2^63-1 for the stream called `names`, a function of its arguments only.

    Hashing (rather than adding) keeps the streams of neighbouring seeds apart.
    """
    digest = hashlib.sha256(repr((seed, *names)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
