"""Milliseconds of one core to render one street_digits image.

    uv run python -m benchmarks.render [--json PATH]

Processor time, so that a busy machine does not count; wall time is given beside it. PROTOTYPE is
what the first renderer took, one image after another through Pillow (its figure is from another
machine, and the prototype is not kept).
"""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from benchmarks.options import command, json_option
from benchmarks.output import show
from trainables.data import glyphs
from trainables.data.street_digits import CHUNK, render_chunk

REPEATS = 7
PROTOTYPE = 2.3  # ms


@command
@json_option
def main(path: Path | None) -> None:
    """Time the glyph atlas, once a process, and whole chunks of images; print medians."""
    start = time.process_time()
    glyphs.atlas()
    atlas = time.process_time() - start
    processor, wall = [], []
    for number in range(REPEATS):
        starts = time.process_time(), time.perf_counter()
        render_chunk("pool", number)
        processor.append((time.process_time() - starts[0]) / CHUNK * 1e3)
        wall.append((time.perf_counter() - starts[1]) / CHUNK * 1e3)
    row = {
        "images": CHUNK * REPEATS,
        "an image (ms of one core)": statistics.median(processor),
        "wall (ms)": statistics.median(wall),
        "prototype / it": PROTOTYPE / statistics.median(processor),
        "glyphs, once a process (s)": atlas,
    }
    show([row], path)


if __name__ == "__main__":
    main()
