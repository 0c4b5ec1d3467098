"""The benchmarks' commands answer as the study's do."""

from __future__ import annotations

import importlib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

ROOT = Path(__file__).parents[2]
NAMES = sorted(
    path.stem
    for path in (ROOT / "benchmarks").glob("*.py")
    if '__name__ == "__main__"' in path.read_text()
)


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_takes_h_and_says_what_each_option_is(name: str) -> None:
    main: click.Command = importlib.import_module(f"benchmarks.{name}").main
    shown = CliRunner().invoke(main, ["-h"])
    assert shown.exit_code == 0, shown.output
    assert main.callback
    assert " ".join((main.callback.__doc__ or "").split()) in " ".join(shown.output.split())
    named = [option for option in main.params if isinstance(option, click.Option)]
    assert [option.name for option in named if not option.help] == []
