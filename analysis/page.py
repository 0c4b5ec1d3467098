"""From parts (text, tables, pictures) to files: one HTML page and everything beside it."""

from __future__ import annotations

import base64
import dataclasses
import io
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from analysis import style
from analysis.folder import BRAND, FIGURES, INDEX, TABLES
from analysis.plots.picture import Picture
from analysis.table import Table, numeric_columns, write_table

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Card:
    """A claim with its verdict. lines, notes: plain text, the notes set smaller."""

    id: str
    name: str
    badge: str
    sentence: str
    lines: list[str]
    notes: list[str]


@dataclass(frozen=True)
class Part:
    """A headed piece of a section; what is empty is not shown.

    lines, bullets, notes: plain text in which `backticks` set code; notes stand below the tables.
    facts: (term, value) pairs.
    folded: shown by its heading only until a reader opens it.
    """

    heading: str = ""
    lines: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    bullets: list[str] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    folded: bool = False


@dataclass(frozen=True)
class Section:
    """One run's part of the report.

    anchor: its id in the page, a prefix of its files. data: name of the data set that its
    figures show, told in every caption and in the figures themselves.
    """

    anchor: str
    title: str
    subtitle: str
    parts: list[Part]
    data: str = ""


def write_page(title: str, sections: list[Section], out: Path, prefixed: bool) -> None:
    """Write `index.html` with everything inlined, and figures and tables beside it.

    prefixed: whether file names start with their section's anchor (several runs).
    """
    for folder in (FIGURES, TABLES):
        (out / folder).mkdir(parents=True, exist_ok=True)
    with style.styled():
        shown = [_section(section, out, f"{section.anchor}-" * prefixed) for section in sections]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["prose"] = prose
    template = environment.get_template("report.html.j2")
    page = template.render(title=title, brand=BRAND, sections=shown)
    (out / INDEX).write_text(page, encoding="utf-8")


def prose(line: str) -> Markup:
    """The line escaped, with `code` between backticks set as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(line))))


def _section(section: Section, out: Path, prefix: str) -> dict[str, Any]:
    parts = [
        {
            "heading": part.heading,
            "folded": part.folded,
            "cards": part.cards,
            "lines": part.lines,
            "notes": part.notes,
            "bullets": part.bullets,
            "facts": part.facts,
            "tables": [_table(table, out, prefix) for table in part.tables],
            "pictures": [_picture(picture, out, prefix, section.data) for picture in part.pictures],
        }
        for part in section.parts
    ]
    return {
        "anchor": section.anchor,
        "title": section.title,
        "subtitle": section.subtitle,
        "parts": parts,
    }


def _table(table: Table, out: Path, prefix: str) -> dict[str, Any]:
    files = write_table(table, out / TABLES, prefix + table.name)
    printed = table.printed()
    rows = list(printed.itertuples(index=False, name=None))
    body = len(rows) - (table.foot if len(rows) == len(table.frame) else 0)
    return {
        "id": f"table-{prefix}{table.name}",
        "title": table.title,
        "columns": list(zip(printed, numeric_columns(table), strict=True)),
        "rows": rows[:body],
        "foot": rows[body:],
        "sortable": body > 3,
        "files": [(f"{TABLES}/{file.name}", file.suffix[1:].upper()) for file in files],
    }


def _picture(picture: Picture, out: Path, prefix: str, data: str) -> dict[str, Any]:
    stem = out / FIGURES / (prefix + picture.name)
    if data:
        style.name_data(picture.figure, data)
    style.lay_out(picture.figure)
    picture.figure.savefig(stem.with_suffix(".png"), dpi=style.DPI)
    buffer = io.BytesIO()
    picture.figure.savefig(buffer, format="svg", dpi=200, metadata={"Date": None})
    stem.with_suffix(".svg").write_bytes(buffer.getvalue())
    width, height = (round(96 * inches) for inches in picture.figure.get_size_inches())
    return {
        "title": picture.title,
        "caption": f"Data: {data}. {picture.caption}" if data else picture.caption,
        "alt": picture.alt,
        "width": width,
        "height": height,
        "source": "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode(),
        "files": [(f"{FIGURES}/{stem.name}.{kind}", kind.upper()) for kind in ("png", "svg")],
    }


def distinct(sections: list[Section]) -> list[Section]:
    """The sections with an anchor each, a repeated one with a number, and titles told apart."""
    seen: dict[str, int] = {}
    titles = Counter(section.title for section in sections)
    named = []
    for section in sections:
        seen[section.anchor] = count = seen.get(section.anchor, 0) + 1
        unique = section.anchor + (f"-{count}" if count > 1 else "")
        apart = f" ({unique.rpartition('-')[2]})" if titles[section.title] > 1 else ""
        named.append(dataclasses.replace(section, anchor=unique, title=section.title + apart))
    return named


def anchor(name: str) -> str:
    """A name as an id and file name: lower-case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "run"
