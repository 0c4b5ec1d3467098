"""Memory that a training frees and takes again at every step stays with the process.

glibc gives freed blocks of a megabyte back to the kernel, which clears each page anew when it
is touched again: a fifth of the CNN's loop (`python -m benchmarks.throughput`, NOTES.md).
"""

from __future__ import annotations

import ctypes

# From glibc's malloc.h.
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
KEPT_BYTES = 2**31 - 1


def keep_freed_memory() -> None:
    """Have this process keep what it frees; nothing happens where the C library is not glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
