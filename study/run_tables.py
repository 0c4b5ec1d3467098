"""A run's tables: made from the journal's lines, and kept as Parquet."""

from __future__ import annotations

import base64
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.records import CONFIG, EPOCH_COLUMNS, JOURNAL, SOMETIMES, TRIAL_COLUMNS
from trainables.errors import FAILED, UserError, in_a_line

if TYPE_CHECKING:
    import pandas as pd


def from_journal(journal: list[dict[str, Any]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(epochs, trials) from journal lines; a repeated (trial, epoch) keeps its last line."""
    import pandas as pd

    epochs: dict[tuple[int, int], dict[str, Any]] = {}
    configs: dict[int, dict[str, Any]] = {}
    ends: dict[int, dict[str, Any]] = {}
    errors: dict[int, str] = {}
    for line in journal:
        number = line["trial"]
        if line["event"] == "error":
            errors[number] = line["error"]
        elif line["event"] == "start":
            configs[number] = {f"{CONFIG}{key}": value for key, value in line["config"].items()}
        elif line["event"] == "epoch":
            more = {k: line[k] for k in SOMETIMES if k in line}
            epochs[number, line["epoch"]] = {**{k: line.get(k) for k in EPOCH_COLUMNS}, **more}
        else:
            ends[number] = line
    epoch_rows = [{**row, **configs.get(row["trial"], {})} for _, row in sorted(epochs.items())]
    epoch_table = pd.DataFrame(epoch_rows, columns=_columns(EPOCH_COLUMNS, epoch_rows))
    by_trial: dict[int, list[dict[str, Any]]] = {}
    for row in epoch_rows:
        by_trial.setdefault(row["trial"], []).append(row)
    trial_rows = []
    for number, config in sorted(configs.items()):
        rows = by_trial.get(number, [])
        end = ends.get(number, {})
        trial_rows.append(
            {
                "trial": number,
                "state": end.get("state", "running"),
                "epoch": rows[-1]["epoch"] if rows else 0,
                "epochs": config.get(f"{CONFIG}epochs"),
                "seconds": math.fsum(row["seconds"] or 0.0 for row in rows),
                "error": errors.get(number, "") if end.get("state") == "failed" else "",
                **({k: v for k, v in rows[-1].items() if k not in TRIAL_COLUMNS} if rows else {}),
                **config,
            }
        )
    return epoch_table, pd.DataFrame(trial_rows, columns=_columns(TRIAL_COLUMNS, trial_rows))


def _columns(first: dict[str, str], rows: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys([*first, *(key for row in rows for key in row)]))


def write(path: Path, table: pd.DataFrame) -> None:
    """Write a Parquet table so that a reader sees the old one or the new one, never half."""
    temporary = path.with_name(path.name + ".part")
    table.to_parquet(temporary, index=False)
    os.replace(temporary, path)


def read(path: Path) -> pd.DataFrame:
    """Read a Parquet table; UserError naming the file where it is missing or damaged.

    A column of an extension type counts as damage: Ray, where it is loaded, has such types
    whose values are pickles, and ours are of no such type.
    """
    import pandas as pd

    try:
        if _has_extension_types(path):
            raise ValueError("it has columns of types that no run writes")
        return pd.read_parquet(path)
    except FileNotFoundError:
        raise UserError(f"{path} is missing; run the command again to complete it") from None
    except Exception as error:  # pyarrow raises many kinds for damaged bytes
        raise UserError(
            f"{path} is damaged ({in_a_line(error)}); delete it and run the same command again: "
            f"it is made anew from {JOURNAL}",
            FAILED,
        ) from None


def _has_extension_types(path: Path) -> bool:
    """Looked for in the file's bytes: pyarrow calls such a type as soon as it reads the schema.

    The schema is in the file as base64, in which a text has one of three faces.
    """
    data, said = path.read_bytes(), b"ARROW:extension:name"
    faces = [base64.b64encode(bytes(at) + said) for at in range(3)]
    ends = [(0, 26), (2, 28), (3, 29)]  # what depends on nothing before or behind the text
    return any(face[slice(*end)] in data for face, end in zip(faces, ends, strict=True))
