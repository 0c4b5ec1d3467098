"""The share of a search's time in which it trains: the default search, from command to prompt.

    uv run python -m benchmarks.useful [--space resnet18_aug] [--json PATH]     some minutes

Useful is what the records call an epoch's seconds: training and evaluating. It is set against
slots x wall, where the wall time is that of the whole command: Python, Ray and workers starting,
and the report, too. At the end of a search slots stand empty, which counts as well.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import pandas as pd

from benchmarks.output import show
from study import records
from study.plan import available_cpus


@click.command()
@click.option("--space", default="resnet18_aug", show_default=True)
@click.option("--trials", type=click.IntRange(1), help="As of study.run.")
@click.option("--json", "path", type=click.Path(dir_okay=False, path_type=Path))
def main(space: str, trials: int | None, path: Path | None) -> None:
    """Run the search and print where its time went."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["-m", "study.run", "--space", space, "--storage", folder, "--wandb", "off"]
        command += ["--trials", str(trials)] if trials else []
        start = time.perf_counter()
        subprocess.run([sys.executable, *command], check=True)
        wall = time.perf_counter() - start
        (run,) = Path(folder).glob("*/")
        manifest = json.loads((run / records.MANIFEST).read_text())
        useful = float(pd.read_parquet(run / records.EPOCHS)["seconds"].sum())
    slots = available_cpus()  # a trial gets one, where nothing else is said
    row = {
        "space": space,
        "slots": slots,
        "wall (s)": wall,
        "with Ray up (s)": manifest["seconds"],
        "training (s)": useful,
        "useful": useful / (slots * wall),
    }
    show([row], path)


if __name__ == "__main__":
    main()
