"""Do the statistics keep their word? `python -m analysis.simulate` (docs/statistics.md).

For every figure: what is simulated, the share of studies, the 95% binomial (Wilson) interval
of that share, and the bounds in which the true share has to lie.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np

from analysis.simulations import Row, coverage, false_positives, family_wise, power
from study import exits
from trainables.errors import FAILED


def simulate(studies: int, seed: int) -> list[Row]:
    """Every figure, each part from a random stream of its own."""
    parts = (false_positives, family_wise, coverage, power)
    streams = np.random.default_rng(seed).spawn(len(parts))
    return [r for part, rng in zip(parts, streams, strict=True) for r in part(studies, rng)]


def to_markdown(rows: Sequence[Row]) -> str:
    """The table of docs/statistics.md."""
    lines = [
        "| rate | simulated | found | 95% interval | has to lie in | kept |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for r in rows:
        bounded = (r.lowest, r.highest) != (0.0, 1.0)
        bounds = f"{r.lowest:g} to {r.highest:g}" if bounded else ""
        kept = ("yes" if r.kept else "**no**") if bounded else ""
        lines.append(
            f"| {r.kind} | {r.what} | {r.share:.4f} | {r.low:.4f} to {r.high:.4f} "
            f"| {bounds} | {kept} |"
        )
    return "\n".join(lines)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--studies", type=click.IntRange(1), default=2000, show_default=True, help="Studies a figure."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the simulation.")
@click.option(
    "--json", "path", type=click.Path(path_type=Path), help="Write the figures here as well."
)
@click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")
def main(studies: int, seed: int, path: Path | None) -> int:
    """Check false-positive rates, coverage and power on simulated studies.

    Exits with 1 where a figure lies outside of its bounds.
    """
    rows = simulate(studies, seed)
    print(to_markdown(rows))
    if path:
        figures = [{**r._asdict(), "kept": r.kept} for r in rows]
        path.write_text(json.dumps(figures, indent=2) + "\n")
    return 0 if all(r.kept for r in rows) else FAILED


if __name__ == "__main__":
    exits.start(main, "analysis.simulate")
