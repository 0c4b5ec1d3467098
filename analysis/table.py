"""A table with its caption, and how it is written: CSV, Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from analysis import text

SHOWN_ROWS = 200
_LATEX = str.maketrans(
    {c: f"\\{c}" for c in "&%$#_{}"}
    | {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}
    | {text.MISSING: "--", "−": "$-$", "≥": r"$\geq$", "≤": r"$\leq$"}
    | {"<": r"\textless{}", ">": r"\textgreater{}"}
)


@dataclass(frozen=True)
class Table:
    """A table with a name for its files, a caption, and how columns are printed.

    frame: raw values under headers for people (units in parentheses).
    data: name of the data set its numbers come from, shown with the table wherever it goes.
    formats: header -> function making the text of a cell; `text.number` for the others.
    csv: the numbers behind `frame` where its cells join several, written to the CSV instead.
    foot: how many last rows sum up the others, and stay below them when a reader sorts.
    right: headers of text columns that are set flush right, since their cells are numbers too.
    """

    name: str
    frame: pd.DataFrame
    caption: str
    data: str
    formats: dict[str, Callable[[Any], str]] = field(default_factory=dict)
    csv: pd.DataFrame | None = None
    foot: int = 0
    right: Collection[str] = ()

    @property
    def title(self) -> str:
        """The caption with the data set in front, and how many rows are printed if not all."""
        title = f"Data: {self.data}. {self.caption}"
        if len(self.frame) <= SHOWN_ROWS:
            return title
        return f"{title} First {SHOWN_ROWS} of {len(self.frame):,} rows; the CSV has all of them."

    def printed(self) -> pd.DataFrame:
        """The first SHOWN_ROWS rows as text."""
        shown = self.frame.head(SHOWN_ROWS)
        return pd.DataFrame(
            {
                c: [
                    text.MISSING if v is pd.NA else self.formats.get(c, text.number)(v)
                    for v in column
                ]
                for c, column in shown.items()
            }
        )


def write_table(table: Table, directory: Path, name: str) -> list[Path]:
    """Write `name.csv` (every row, raw values), `name.md` and `name.tex` (first SHOWN_ROWS)."""
    paths = [directory / f"{name}.{suffix}" for suffix in ("csv", "md", "tex")]
    printed = table.printed()
    csv = (table.frame if table.csv is None else table.csv).copy()
    if "data" not in csv:
        csv["data"] = table.data
    csv.to_csv(paths[0], index=False)
    paths[1].write_text(_markdown(printed, table), encoding="utf-8")
    paths[2].write_text(_latex(printed, table), encoding="utf-8")
    return paths


def numeric_columns(table: Table) -> list[bool]:
    """For every column, whether it holds numbers and is set flush right."""
    frame = table.frame
    return [c in table.right or pd.api.types.is_numeric_dtype(frame[c]) for c in frame]


def _markdown(printed: pd.DataFrame, table: Table) -> str:
    def line(cells: list[str]) -> str:
        return "| " + " | ".join(_one_line(cell).replace("|", "\\|") for cell in cells) + " |"

    rule = ["---:" if right else "---" for right in numeric_columns(table)]
    rows = [line(list(row)) for row in printed.itertuples(index=False)]
    return "\n".join([table.title, "", line(list(printed)), line(rule), *rows, ""])


def _latex(printed: pd.DataFrame, table: Table) -> str:
    def line(cells: list[str]) -> str:
        return " & ".join(_one_line(cell).translate(_LATEX) for cell in cells) + r" \\"

    columns = "".join("r" if right else "l" for right in numeric_columns(table))
    rows = [line(list(row)) for row in printed.itertuples(index=False)]
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{table.title.translate(_LATEX)}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        line(list(printed)),
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _one_line(cell: str) -> str:
    return " ".join(cell.splitlines())
