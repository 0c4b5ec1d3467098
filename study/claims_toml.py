"""A user's own claims, from a TOML file and from a manifest.

The format, with examples and every key: docs/claims.md.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from study.arms import Arm, arm
from study.claim_checks import claim_problems
from study.claim_types import Claim
from study.schema import is_number
from study.spaces import SPACES, Space, space_from_dict
from trainables.errors import FAILED, UserError, in_a_line, unknown_name

REQUIRED: dict[str, str] = {
    "id": "text",
    "sentence": "text",
    "decided_by": "text",
    "arms": "a list",
    "metric": "text",
    "direction": "text",
    "budgets": "a list of whole numbers",
    "smallest_effect": "a number",
}
OPTIONAL: dict[str, str] = {"at": "text", "alpha": "a number", "seeds": "a whole number"}
KINDS = {**REQUIRED, **OPTIONAL}


def load_claims(path: Path) -> dict[str, Claim]:
    """The claims of a TOML file by id; one UserError with a line for each problem."""
    try:
        tables = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read claims from {path}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:  # of a number of 5,000 digits, say
        raise UserError(f"{path} is not valid TOML: {in_a_line(error)}") from None
    problems = [
        str(unknown_name(f"key of {path}:", key, ["claim"])) for key in tables if key != "claim"
    ]
    entries = tables.get("claim", [])
    if not isinstance(entries, list) or not entries:
        problems.append(f"{path} has no [[claim]] table")
        entries = []
    claims, more = _read_all(entries)
    problems += more
    if problems:
        raise UserError("\n".join(problems))
    return {claim.id: claim for claim in claims}


def claim_to_dict(claim: Claim) -> dict[str, Any]:
    """A claim as plain values, in the keys of the TOML format."""
    arms = [
        {"space": a.space.name, **dict(a.fixed)} if a.fixed else a.space.name for a in claim.arms
    ]
    values = {key: getattr(claim, key) for key in KINDS}
    return {**values, "arms": arms, "budgets": list(claim.budgets)}


def claims_from_spec(spec: dict[str, Any]) -> tuple[Claim, ...]:
    """The claims of an experiment's manifest; UserError with a line for each problem.

    spec: its "claims", and "spaces" as they were then, which a plugin may have registered.
    """
    spaces = {**SPACES, **{s["name"]: space_from_dict(s) for s in spec.get("spaces", ())}}
    problems: list[str] = []
    claims = [_read(values, "claim", problems, spaces) for values in spec["claims"]]
    if problems:
        raise UserError("\n".join(problems))
    return tuple(claim for claim in claims if claim is not None)


def recorded_claims(where: object, spec: dict[str, Any]) -> tuple[Claim, ...]:
    """The same, of a manifest that may be damaged: one UserError in one line, naming `where`."""
    try:
        claims = claims_from_spec(spec)
    except UserError as error:
        raise UserError(f"{where}: {'; '.join(str(error).splitlines())}", FAILED) from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"{where} describes its claims wrongly: {error!r}", FAILED) from None
    if not claims:
        raise UserError(f"{where} names no claim: nothing can be decided", FAILED)
    return claims


def _read_all(entries: list[Any]) -> tuple[list[Claim], list[str]]:
    claims: list[Claim] = []
    problems: list[str] = []
    ids: list[Any] = []
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            problems.append(f"claim number {number}: must be a table, got {entry!r}")
            continue
        id = entry.get("id")
        where = f"claim {id!r}" if isinstance(id, str) else f"claim number {number}"
        if isinstance(id, str) and id in ids:
            where = f"claim {id!r} (number {number})"
            problems.append(f"{where}: the id is used twice")
        ids.append(id)
        claim = _read(entry, where, problems)
        claims += [claim] if claim is not None else []
    return claims, problems


def _read(
    entry: dict[str, Any],
    where: str,
    problems: list[str],
    spaces: Mapping[str, Space] = SPACES,
) -> Claim | None:
    """The claim of one table, or None after adding its problems: all of them, each once.

    What one value breaks is told however wrong the others are.
    """
    found = list(_shape_problems(entry))
    values = {k: v for k, v in entry.items() if k in KINDS and _is(KINDS[k], v)}
    if "arms" in values:
        values["arms"], more = _arms(values["arms"], spaces)
        found += more
    if "budgets" in values:
        values["budgets"] = tuple(values["budgets"])
    found += claim_problems(values)
    problems += dict.fromkeys(f"{where}: {problem}" for problem in found)
    return None if found else Claim(**values)


def _arms(
    items: list[Any], spaces: Mapping[str, Space]
) -> tuple[tuple[Arm | None, ...], list[str]]:
    """The arms, None for each that cannot be read, and what is wrong with those."""
    arms: list[Arm | None] = []
    problems: list[str] = []
    for item in items:
        try:
            arms.append(_arm(item, spaces))
        except UserError as error:
            arms.append(None)
            problems += str(error).splitlines()
    return tuple(arms), problems


def _shape_problems(entry: dict[str, Any]) -> Iterator[str]:
    """Unknown keys, missing keys and values of the wrong type."""
    for key in entry:
        if key not in KINDS:
            yield str(unknown_name("key", key, KINDS))
    for key, kind in KINDS.items():
        if key not in entry:
            if key in REQUIRED:
                yield f"{key} is missing ({kind})"
        elif not _is(kind, entry[key]):
            yield f"{key} must be {kind}, got {entry[key]!r}"


def _is(kind: str, value: object) -> bool:
    if kind == "text":
        return isinstance(value, str)
    if kind == "a number":
        return is_number(value) and math.isfinite(value)  # type: ignore[arg-type]
    if kind == "a whole number":
        return is_number(value) and isinstance(value, int)
    if kind == "a list":
        return isinstance(value, list)
    return isinstance(value, list) and all(_is("a whole number", item) for item in value)


def _arm(item: object, spaces: Mapping[str, Space]) -> Arm:
    if isinstance(item, str):
        return arm(item, spaces)
    if isinstance(item, dict) and isinstance(item.get("space"), str):
        fixed = {key: value for key, value in item.items() if key != "space"}
        return arm(item["space"], spaces, **fixed)
    raise UserError(f"an arm must be a space's name or a table with a space, got {item!r}")
