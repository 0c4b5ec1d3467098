"""Milliseconds to render one street_digits image, on one core.

    python benchmarks/render.py [--json PATH]

Measured: 0.5 ms on one busy core of a small virtual machine, on which a prototype that
drew images one at a time would take 5 to 9 ms.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from pathlib import Path

REPEATS = 7


def measure() -> dict[str, object]:
    """Wall seconds of the glyph atlas (once a process) and ms an image of whole chunks."""
    from trainables.data import glyphs
    from trainables.data.street_digits import CHUNK, render_chunk

    start = time.perf_counter()
    glyphs.atlas()
    atlas_seconds = time.perf_counter() - start
    times = []
    for number in range(REPEATS):
        start = time.perf_counter()
        render_chunk("pool", number)
        times.append((time.perf_counter() - start) / CHUNK * 1e3)
    return {
        "ms_per_image_median": round(statistics.median(times), 3),
        "ms_per_image_best": round(min(times), 3),
        "ms_per_image": [round(value, 3) for value in times],
        "atlas_seconds": round(atlas_seconds, 2),
        "images": CHUNK * REPEATS,
        "processor": platform.processor() or platform.machine(),
        "python": platform.python_version(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures here too")
    arguments = parser.parse_args()
    result = measure()
    print(
        f"{result['ms_per_image_median']} ms an image (median of {REPEATS} chunks, best "
        f"{result['ms_per_image_best']}), glyphs {result['atlas_seconds']} s once a process"
    )
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
