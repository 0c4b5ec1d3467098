"""The live panel and the plain lines, at 80 columns."""

from __future__ import annotations

import contextlib
import io
import re

import pytest
from rich.console import Console
from rich.text import Text

from study.display import Display
from study.metrics import METRICS
from study.tally import begun
from study.words import BRIEF, describe, duration, figure

CONFIG = {
    "learning_rate": 0.00123456,
    "epochs": 12,
    "augment_strength": 0.5123,
    "weight_decay": 0.005,
    "batch_size": 64,
}


def shown(events: list[dict], *, terminal: bool, quiet: bool = False, ranked: bool = True) -> str:
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, width=80, color_system=None)
    display = Display(console, METRICS["val_accuracy"], 10, ranked=ranked, quiet=quiet)
    with display:
        for event in events:
            display(event)
    if terminal:
        console.print(display._panel())
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output.getvalue())


def events(number: int, state: str | None = "completed", accuracy: float = 0.75) -> list[dict]:
    played: list[dict] = [{"event": "start", "trial": number, "config": CONFIG}]
    values = {"epoch": 3, "epochs": 12, "val_accuracy": accuracy}
    played.append({"event": "epoch", "trial": number, **values})
    if state:
        played.append({"event": "end", "trial": number, "state": state})
    return played


def test_a_log_has_one_line_a_finished_trial() -> None:
    lines = shown(events(0) + events(1, "pruned") + events(2, None), terminal=False).splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["trial", "0", "completed"],
        ["trial", "1", "pruned"],
    ]
    assert lines[0].endswith("leads")
    assert all(len(line) <= 80 for line in lines)


def test_the_panel_shows_progress_running_best_and_time_left() -> None:
    text = shown(events(0) + events(1, "pruned") + events(2, None), terminal=True)
    for words in ("2/10 trials", "1 running", "1 pruned", "epochs/s", "left", "best so far"):
        assert words in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_trials_may_begin_and_end_while_the_panel_is_drawn(monkeypatch) -> None:
    """Which rich does in a thread of its own."""
    display = Display(Console(), METRICS["val_accuracy"], 10, ranked=True, quiet=True)
    for event in events(0, None) + events(1, None):
        display(event)
    draw = display._running_line

    def meanwhile(number: int) -> Text:
        for event in [*events(2, None), {"event": "end", "trial": 1, "state": "pruned"}]:
            display(event)
        return draw(number)

    monkeypatch.setattr(display, "_running_line", meanwhile)
    drawn = [str(part) for part in display._panel().renderables]
    assert [line.split()[1] for line in drawn if " running " in line] == ["0", "1"]


def continued(before: list[dict], after: list[dict]) -> str:
    """The panel of a session that continues another one."""
    console = Console(file=io.StringIO(), width=80, color_system=None)
    display = Display(console, METRICS["val_accuracy"], 10, ranked=False, quiet=True)
    display.replay(before)
    for event in after:
        display(event)
    with console.capture() as captured:
        console.print(display._panel())
    return captured.get()


def test_what_an_earlier_session_left_open_runs_when_it_is_started_again() -> None:
    left = events(3, None)
    assert "0 running" in continued(left, [])
    text = continued(left, left[:1])
    assert "1 running" in text
    assert "trial   3 running     3/12" in text


def test_a_failed_trial_that_is_tried_again_runs() -> None:
    before = events(0, "failed") + events(1)
    assert "1 failed" in continued(before, [])
    text = continued(before, events(0, None)[:1])
    for words in ("1/10 trials", "1 running", "1 completed", "trial   0 running"):
        assert words in text
    assert "failed" not in text
    text = continued(before, events(0))
    for words in ("2/10 trials", "0 running", "2 completed"):
        assert words in text


def broken_off(played: list[dict], *, terminal: bool, ranked: bool = True) -> str:
    """What is left on the terminal of a run that was interrupted."""
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, width=80, color_system=None)
    display = Display(console, METRICS["val_accuracy"], 10, ranked=ranked, quiet=False)
    with contextlib.suppress(KeyboardInterrupt), display:
        display.note("starting Ray")
        for event in played:
            display(event)
        raise KeyboardInterrupt
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", output.getvalue())


@pytest.mark.parametrize("terminal", [False, True])
def test_what_was_noted_stays_and_a_broken_off_run_says_what_is_kept(terminal: bool) -> None:
    text = broken_off(events(0) + events(1, "pruned") + events(2, None), terminal=terminal)
    assert "starting Ray" in text
    assert text.rstrip().endswith("kept: 2 of 10 trials: 1 completed, 1 pruned")
    text = broken_off(events(0, None), terminal=terminal)
    assert text.rstrip().endswith("kept: 3 epochs of 1 trial, which has not ended")
    assert "kept" not in broken_off(events(0, None)[:1], terminal=terminal)


@pytest.mark.parametrize(
    ("ranked", "kept"), [(True, "2 of 10 trials: 1 completed, 1 failed"), (False, "1 of 10 tri")]
)
def test_a_failed_cell_is_not_kept_for_it_is_tried_again(ranked: bool, kept: str) -> None:
    text = broken_off(events(0) + events(1, "failed"), terminal=False, ranked=ranked)
    assert f"kept: {kept}" in text
    assert ("1 failed" in text.splitlines()[-1]) == ranked


def test_epochs_of_failed_cells_are_not_kept() -> None:
    text = broken_off(events(1, "failed"), terminal=False, ranked=False)
    assert "kept" not in text
    assert begun(events(1, "failed")) == ""
    assert (
        begun(events(1, "failed") + events(2, None)) == "3 epochs of 1 trial, which has not ended"
    )


def test_the_line_of_a_tuning_trial_and_of_a_tiny_loss() -> None:
    assert describe({"arm": "cnn", "seed": 1_000_003, "phase": "tune"}, BRIEF) == "cnn, tuning"
    assert describe({"arm": "cnn", "seed": 3, "phase": "confirm"}, BRIEF) == "cnn, seed 3"
    assert [figure(value) for value in (0.8125, 0.0, 0.00004, 12.5)] == [
        "0.8125", "0.0000", "4.0e-05", "12.5000"
    ]  # fmt: skip


def test_what_a_path_looks_like_is_no_markup() -> None:
    output = io.StringIO()
    console = Console(file=output, width=80, color_system=None)
    with Display(console, METRICS["val_accuracy"], 10, ranked=True, quiet=False) as display:
        display.note("cannot read [/data/x] of [old]:x:")
    assert output.getvalue() == "cannot read [/data/x] of [old]:x:\n"


def test_a_trial_that_waits_does_not_run_yet() -> None:
    start = events(3, None)[0]
    assert "0 running" in continued([], [start | {"waits": True}])
    assert "1 running" in continued([], [start | {"waits": True}, start])


def test_quiet_shows_nothing() -> None:
    assert shown(events(0), terminal=False, quiet=True) == ""


def test_an_experiment_has_no_best() -> None:
    assert "best" not in shown(events(0), terminal=False, ranked=False)


def test_a_diverged_trial_is_no_best() -> None:
    text = shown(events(0, "diverged", float("nan")), terminal=False)
    assert "diverged" in text
    assert "best" not in text


def test_durations_and_configurations_read_well() -> None:
    assert [duration(s) for s in (5, 65, 3725)] == ["5 s", "1 min 05 s", "1 h 02 min"]
    assert describe(CONFIG) == "lr 0.0012, 12 epochs, strength 0.51, wd 0.005, batch 64"
