"""Milliseconds of one core to render one street_digits image.

    python benchmarks/render.py [--json PATH]

Processor time, so that a busy machine does not count; wall time is given beside it.
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
    """Seconds for the glyph atlas (once a process) and ms an image, over whole chunks."""
    from trainables.data import glyphs
    from trainables.data.street_digits import CHUNK, render_chunk

    start = time.process_time()
    glyphs.atlas()
    atlas_seconds = time.process_time() - start
    processor, wall = [], []
    for number in range(REPEATS):
        starts = time.process_time(), time.perf_counter()
        render_chunk("pool", number)
        processor.append((time.process_time() - starts[0]) / CHUNK * 1e3)
        wall.append((time.perf_counter() - starts[1]) / CHUNK * 1e3)
    return {
        "ms_per_image_median": round(statistics.median(processor), 3),
        "ms_per_image": [round(value, 3) for value in processor],
        "wall_ms_per_image_median": round(statistics.median(wall), 3),
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
        f"{result['ms_per_image_median']} ms an image of processor time, "
        f"{result['wall_ms_per_image_median']} ms of wall time (medians of {REPEATS} chunks); "
        f"glyphs {result['atlas_seconds']} s once a process"
    )
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
