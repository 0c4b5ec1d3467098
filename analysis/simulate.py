"""Do the statistics keep their word? `python -m analysis.simulate` (docs/statistics.md).

For every figure: what is simulated, the share of studies, the 95% binomial (Wilson) interval
of that share, and the bounds in which the true share has to lie.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np

from analysis.coverage import coverage, coverage_of_ties
from analysis.simulations import WIDEST, Row, false_positives, family_wise, power
from study import exits
from study.words import counted
from trainables.errors import FAILED

_KEPT = {True: "yes", False: "**no**", None: "too few to say"}


def simulate(studies: int, seed: int) -> list[Row]:
    """Every figure, each part from a random stream of its own."""
    parts = (false_positives, family_wise, coverage, power, coverage_of_ties)
    streams = np.random.default_rng(seed).spawn(len(parts))
    return [r for part, rng in zip(parts, streams, strict=True) for r in part(studies, rng)]


def to_markdown(rows: Sequence[Row]) -> str:
    """The table of docs/statistics.md."""
    lines = [
        "| rate | simulated | found | 95% interval | has to lie in | kept |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for r in rows:
        bounds = f"{r.lowest:g} to {r.highest:g}" if r.bounded else ""
        kept = _KEPT[r.kept] if r.bounded else ""
        lines.append(
            f"| {r.kind} | {r.what} | {r.share:.4f} | {r.low:.4f} to {r.high:.4f} "
            f"| {bounds} | {kept} |"
        )
    return "\n".join(lines)


def summary(rows: Sequence[Row]) -> str:
    """What kept means, and how many of the bounded rates are, a line each."""
    found = Counter(r.kept for r in rows if r.bounded)
    counts = [f"{found[True]} of {counted(found.total(), 'bounded rate')} kept"]
    if found[False]:
        counts.append(f"{found[False]} not")
    if found[None]:
        counts.append(f"{found[None]} with too few studies to say: give more --studies")
    return (
        "Kept: the interval leaves room for a true rate within the bounds, and is no wider than "
        f"{WIDEST:g}.\n{', '.join(counts)}."
    )


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--studies", type=click.IntRange(1), default=2000, show_default=True, help="Studies a figure."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the simulation.")
@click.option(
    "--json",
    "path",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the figures here as well.",
)
@click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")
def main(studies: int, seed: int, path: Path | None) -> int:
    """Check false-positive rates, coverage and power on simulated studies.

    Exits with 1 where a figure lies outside of its bounds, or the studies are too few to say.
    """
    if path and not path.exists() and not os.access(path.parent, os.W_OK):
        raise click.BadParameter(f"no file can be written to {path.parent}", param_hint="--json")
    rows = simulate(studies, seed)
    print(f"{to_markdown(rows)}\n\n{summary(rows)}")
    if path:
        figures = [{**r._asdict(), "kept": r.kept} for r in rows]
        path.write_text(json.dumps(figures, indent=2) + "\n")
    return 0 if all(r.kept for r in rows if r.bounded) else FAILED


if __name__ == "__main__":
    exits.start(main, "analysis.simulate")
