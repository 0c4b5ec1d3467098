"""Whether the tables of a run hold what the report reads: columns, types, each epoch once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from study.domains import Choice, Domain
from study.metrics import METRICS
from study.records import CONFIG, STATES

if TYPE_CHECKING:
    import pandas as pd

_WHOLE = {"epochs": ("trial", "epoch"), "trials": ("trial", "epoch")}
_NUMBERS = (*METRICS, "seconds", "learning_rate", "images_per_second", "progress")


def table_problems(
    epochs: pd.DataFrame,
    trials: pd.DataFrame,
    needed: Mapping[str, Collection[str]],
    dimensions: Mapping[str, Domain],
) -> Iterator[str]:
    """A phrase for each way in which the two tables are not a run's; none where they are.

    needed: columns that each must have, by "epochs" and "trials".
    """
    found = []
    for name, table in (("epochs", epochs), ("trials", trials)):
        missing = [column for column in dict.fromkeys(needed[name]) if column not in table]
        if missing:
            found.append(f"no record of {', '.join(missing)}")
            continue
        found += [
            f"{column} of its {name} that are not {kind}"
            for column, kind in _wrong_columns(table, _WHOLE[name], dimensions)
        ]
    if found:
        yield from found
        return
    if epochs.duplicated(["trial", "epoch"]).any() or trials.duplicated("trial").any():
        yield "a trial or an epoch twice"
    if not trials["state"].map(lambda state: isinstance(state, str) and state in STATES).all():
        yield f"a state that is none of {', '.join(STATES)}"
    if not set(epochs["trial"]) <= set(trials["trial"]):
        yield "epochs of a trial that its trials lack"


def _wrong_columns(
    table: pd.DataFrame, whole: Collection[str], dimensions: Mapping[str, Domain]
) -> Iterator[tuple[str, str]]:
    from pandas.api import types

    for column in whole:
        if not types.is_integer_dtype(table[column]) or (table[column] < 0).any():
            yield column, "whole numbers"
    searched = [CONFIG + k for k, d in dimensions.items() if not isinstance(d, Choice)]
    for column in (*_NUMBERS, *searched):
        if column in table and not _is_numeric(table[column]):
            yield column, "numbers"


def _is_numeric(column: pd.Series) -> bool:
    from pandas.api import types

    numeric = types.is_numeric_dtype(column) and not types.is_complex_dtype(column)
    return bool(column.isna().all()) or (numeric and not types.is_bool_dtype(column))
