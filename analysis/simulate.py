"""Do the statistics keep their word? `python -m analysis.simulate` (docs/statistics.md).

For every figure: what is simulated, the share of studies, the 95% binomial (Wilson) interval
of that share, and the bounds in which the true share has to lie.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from analysis.simulations import Row, coverage, false_positives, family_wise, power


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


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; exit status 1 where a figure lies outside its bounds."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis.simulate",
        description="Check false-positive rates, coverage and power on simulated studies.",
    )
    parser.add_argument("--studies", type=int, default=2000, help="studies per figure (2000)")
    parser.add_argument("--seed", type=int, default=0, help="of the simulation (0)")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    options = parser.parse_args(arguments)
    if options.studies < 1:
        parser.error(f"--studies must be at least 1, got {options.studies}")
    rows = simulate(options.studies, options.seed)
    print(to_markdown(rows))
    if options.json:
        figures = [{**r._asdict(), "kept": r.kept} for r in rows]
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0 if all(r.kept for r in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
