"""Counts and durations as people read them, on the terminal and in the report."""

from __future__ import annotations


def counted(count: int, singular: str, plural: str = "") -> str:
    """ "1 trial", "3 trials"."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def duration(seconds: float) -> str:
    """ "42 s", "3 min 05 s", "2 h 10 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
