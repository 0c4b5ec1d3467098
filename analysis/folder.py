"""The folder of a report: a new one takes an earlier one's place as a whole."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BRAND = "crossover · report"
FIGURES, TABLES = "figures", "tables"
INDEX, VERDICTS_JSON = "index.html", "verdicts.json"
# Names that users give are escaped in the page, so that none of them can be such a link.
_LINK = re.compile(
    rf'<a href="({FIGURES}/[\w.-]+\.(?:png|svg)|{TABLES}/[\w.-]+\.(?:csv|md|tex))">', re.ASCII
)


@contextmanager
def replaced(out: Path) -> Iterator[Path]:
    """An empty folder to write a report into, which is put in the place of the one in `out`.

    Until it is whole, an earlier report is as it was. The page is put there after all else,
    for it says that all is there; then what only the earlier report had is deleted.
    Raises OSError where something cannot be written.
    """
    out.mkdir(parents=True, exist_ok=True)
    # Inside of `out`, so that files are moved and not copied.
    with tempfile.TemporaryDirectory(prefix=".report-", dir=out) as name:
        fresh = Path(name)
        yield fresh
        earlier = _written(out)
        made = {file.relative_to(fresh) for file in fresh.rglob("*") if file.is_file()}
        for file in sorted(made, key=lambda file: (file == Path(INDEX), file)):
            (out / file).parent.mkdir(exist_ok=True)
            os.replace(fresh / file, out / file)
        for file in earlier - made:
            (out / file).unlink(missing_ok=True)


def _written(out: Path) -> set[Path]:
    """What the report in `out` wrote: its page links all but the verdicts. Nothing else is ours."""
    try:
        page = (out / INDEX).read_text(encoding="utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        return set()
    if f'<p class="brand">{BRAND}</p>' not in page:
        return set()
    return {Path(VERDICTS_JSON), *map(Path, _LINK.findall(page))}
