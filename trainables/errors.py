"""The one exception that stands for the user's mistake rather than ours."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MISUSE = 2
FAILED = 1
# Of difflib's ratio: "gpa" for "gap" has 0.67, "mlp" for "cnn" 0.
_ALIKE = 0.65
_FEW = 3  # names that are proposed together


class UserError(Exception):
    """What a user can mend: one line with the rule, the value and what to do.

    Commands print it on stderr without a traceback and exit with `exit_code`
    (2 for misuse: the request itself is wrong; 1 for a failure: the request was
    right, but the data, the disk or the machine were not).
    """

    def __init__(self, message: str, exit_code: int = MISUSE):
        super().__init__(message)
        self.exit_code = exit_code


def in_a_line(said: object, most: int = 120) -> str:
    """What an error says, or its type, as one printable line of at most so many characters.

    Parsers quote the damaged bytes that they stumbled over.
    """
    words = " ".join(str(said).split()) or type(said).__name__
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in words)[:most]


def unknown_name(kind: str, name: str, known: Iterable[str], more: str = "") -> UserError:
    """Error for a name that is not in a table, with the nearest names in it or else all of them.

    more: what else the name may be, told at the end.
    """
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=len(known) or 1, cutoff=_ALIKE)
    near = [one for one in near if _alike(*_without_common_end(name, one))][:1]
    if words := _words(name):  # else it is how all names begin
        near = near or [one for one in known if one.startswith(name)]
        near = near or [one for one in known if words <= _words(one)]
    hint = f"known: {', '.join(known)}"
    if 0 < len(near) <= _FEW:
        hint = f"did you mean {', '.join([*near[:-2], ' or '.join(near[-2:])])}?"
    return UserError(f"unknown {kind} {name!r}: {hint}{more}")


def _alike(a: str, b: str) -> bool:
    return difflib.SequenceMatcher(None, a, b).ratio() >= _ALIKE


def _words(name: str) -> set[str]:
    """ "cnn" and "gap" of "cnn_gap", which are some of those of "cnn_aug_gap"."""
    return {word for word in name.split("_") if word}


def _without_common_end(a: str, b: str) -> tuple[str, str]:
    """Both without the words they end in alike: "mlp" and "cnn" of "mlp_aug" and "cnn_aug"."""
    while "_" in a and "_" in b and a.rpartition("_")[2] == b.rpartition("_")[2]:
        a, b = a.rpartition("_")[0], b.rpartition("_")[0]
    return a, b
