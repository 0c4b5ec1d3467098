"""What a run's own files must look like: pure checks of what was read from JSON.

A file that was edited, cut or garbled is refused where it is read, in words that name it, so
that nothing behind has to bear a text where a number belongs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

Check = Callable[[object], bool]

ENDS = ("completed", "pruned", "diverged", "failed")


def is_text(value: object) -> bool:
    """Whether it is a string."""
    return isinstance(value, str)


def is_number(value: object) -> bool:
    """Whether it is a number, NaN and infinities among them, that a float can hold."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return isinstance(value, float) or abs(value) < 2**63


def is_amount(value: object) -> bool:
    """Whether it is a finite number of at least 0."""
    return is_number(value) and 0 <= value < math.inf  # type: ignore[operator]


def is_whole(value: object, least: int = 0) -> bool:
    """Whether it is a whole number of at least `least`."""
    return is_number(value) and isinstance(value, int) and value >= least


def is_table(value: object) -> bool:
    """Whether it is a dictionary."""
    return isinstance(value, dict)


def is_list(item: Check) -> Check:
    """The check of a list, all of whose items pass another one."""
    return lambda value: isinstance(value, list) and all(map(item, value))


def _is_measured(value: object) -> bool:
    return isinstance(value, bool) or is_number(value)


def _is_setting(value: object) -> bool:
    return value is None or is_text(value) or _is_measured(value)


def is_event(line: object) -> bool:
    """Whether a line of the journal is one of its events, with all that is read of it."""
    if not isinstance(line, dict) or not is_whole(line.get("trial")):
        return False
    event = line.get("event")
    if event == "start":
        config = line.get("config")
        return isinstance(config, dict) and all(map(_is_setting, config.values()))
    if event == "epoch":
        return is_whole(line.get("epoch"), 1) and all(
            _is_measured(value) for key, value in line.items() if key != "event"
        )
    if event == "end":
        return line.get("state") in ENDS
    return event == "error" and is_text(line.get("error"))


_MANIFEST: dict[str, tuple[Check, str]] = {
    **dict.fromkeys(("run_id", "kind", "created", "command", "status"), (is_text, "text")),
    "experiment": (is_table, "a table"),
    **dict.fromkeys(("spec", "data", "git", "hardware", "space"), (is_table, "a table")),
    "objective": (lambda v: isinstance(v, dict) and all(map(is_text, v.values())), "texts"),
    "packages": (lambda v: isinstance(v, dict) and all(map(is_text, v.values())), "texts"),
    "seeds": (is_list(is_whole), "whole numbers"),
    "seconds": (is_amount, "a number of at least 0"),
}
_COUNTS = is_list(is_whole)
_INSIDE: dict[str, dict[str, tuple[Check, str]]] = {
    "data": {
        **dict.fromkeys(("name", "content_hash", "task"), (is_text, "text")),
        **dict.fromkeys(("train_size", "val_size"), (is_whole, "a whole number")),
        "notices": (is_list(is_text), "texts"),
        "classes": (is_list(is_text), "texts"),
        "class_counts": (
            lambda v: isinstance(v, dict) and all(map(_COUNTS, v.values())),
            "lists of whole numbers",
        ),
        "image_size": (
            lambda v: v is None or (isinstance(v, list) and len(v) == 2 and _COUNTS(v)),
            "height and width",
        ),
    },
    "hardware": {
        **dict.fromkeys(("cpus", "gpus", "memory_gib"), (is_amount, "a number of at least 0")),
        **dict.fromkeys(("platform", "processor"), (is_text, "text")),
        "gpu_kinds": (is_list(is_text), "texts"),
    },
    "space": {
        **dict.fromkeys(("name", "summary", "model", "data"), (is_text, "text")),
        "dimensions": (is_table, "a table"),
    },
}
_SESSION = ("git", "packages", "hardware")


def manifest_problems(values: dict[str, Any]) -> Iterator[str]:
    """A phrase for each field of a manifest that is of another kind than it should be."""
    yield from _problems("", values, _MANIFEST)
    for name, inside in _INSIDE.items():
        if isinstance(values.get(name), dict):
            yield from _problems(f"{name}.", values[name], inside)
    sessions = values.get("sessions", [])
    if not isinstance(sessions, list) or not all(map(_is_session, sessions)):
        yield f"sessions must be tables with {', '.join(_SESSION)}"


def _problems(
    prefix: str, values: dict[str, Any], checks: dict[str, tuple[Check, str]]
) -> Iterator[str]:
    for name, (check, wanted) in checks.items():
        if name in values and not check(values[name]):
            yield f"{prefix}{name} must be {wanted}, found {values[name]!r:.40}"


def _is_session(value: object) -> bool:
    return isinstance(value, dict) and all(is_table(value.get(name)) for name in _SESSION)
