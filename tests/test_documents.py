"""What the documents name is there: files, modules, tests, planted faults."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import study
from tests.mutations.faults import FAULTS

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")),
    *(ROOT / "benchmarks").glob("*.md"),
    *(ROOT / "docs").glob("*.md"),
]
FOLDERS = ("study", "trainables", "analysis", "tests", "benchmarks", "docs", "examples")
_PATH = re.compile(rf"(?<![\w/.-])(?:{'|'.join(FOLDERS)})/[\w./-]*\w")
_FILE = re.compile(r"`(\w+\.py)`")
_MODULE = re.compile(r"python\s+-m\s+([a-z_]+(?:\.[a-z_]+)*)(?![\w.]*[A-Z])")
_TEST = re.compile(r"`(test_\w+)` in `([\w/]+\.py)`")
_OTHERS = ("pip", "venv")  # Python's own modules


def missing(text: str) -> Iterator[str]:
    """What a document names that is not there."""
    names = {path.name for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")}
    for path in _PATH.findall(text):
        if not (ROOT / path).exists():
            yield path
    yield from (name for name in _FILE.findall(text) if name not in names)
    for module in _MODULE.findall(text):
        place = ROOT / module.replace(".", "/")
        if not (place.with_suffix(".py").exists() or (place / "__main__.py").exists()):
            yield from [module] if module not in _OTHERS else []
    for test, path in _TEST.findall(text):
        if f"def {test}(" not in (ROOT / path).read_text():
            yield f"{path}::{test}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_names_what_is_there(document: Path) -> None:
    assert list(missing(document.read_text())) == []


def test_what_is_not_there_is_found() -> None:
    text = """see `study/gone.py` and `gone.py`, uv run python -m study.gone, `tests/gone`,
    `test_gone` in `tests/test_documents.py`; python -m benchmarks.NAME, `study/run.py`"""
    gone = ["study/gone.py", "tests/gone", "gone.py", "study.gone"]
    assert list(missing(text)) == [*gone, "tests/test_documents.py::test_gone"]


def test_the_table_of_planted_faults_is_the_code_s() -> None:
    section = (ROOT / "docs" / "testing.md").read_text().partition("## Planted faults")[2]
    rows = re.findall(r"^\| ([^|]+) \| `([^`]+)` \|", section, flags=re.MULTILINE)
    assert rows == [(fault.says, fault.path) for fault in FAULTS]


def test_the_import_line_for_notebooks_is_readme_s() -> None:
    (line,) = re.findall(r"`(from study[^`]+)`", study.__doc__ or "")
    assert f"{line}\n" in (ROOT / "README.md").read_text()
    exec(f"{line}\nassert callable(explore)")
