"""What a run shows while it works: one live panel, or one plain line per finished trial."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from study.metrics import Metric, is_better
from study.words import BRIEF, counted, describe, duration, figure

REFRESHES_PER_SECOND = 4
RECENT = 4  # finished trials that the panel lists


class Display:
    """Listens to the journal. Use as a context; `quiet` shows nothing at all.

    On a terminal it redraws one panel below what it notes; elsewhere it prints a line for each
    finished trial, too, so that a log stays readable. A run that breaks off ends with what is
    kept of it. ranked: whether there is a best trial, as in a search; an experiment has none.
    """

    def __init__(
        self, console: Console, metric: Metric, trials: int, *, ranked: bool, quiet: bool
    ) -> None:
        self._console, self._metric, self._trials, self._quiet = console, metric, trials, quiet
        self._ranked = ranked
        self._states: Counter[str] = Counter()
        self._configs: dict[int, dict[str, Any]] = {}
        self._last: dict[int, dict[str, Any]] = {}
        self._ended: dict[int, str] = {}
        self._running: dict[int, None] = {}
        self._recent: list[Text] = []
        self._best: int | None = None
        self._epochs_before = self._epochs = 0
        self._epochs_of_finished = 0
        self._start = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.completed:.0f}/{task.total:.0f} trials"), BarColumn(None)
        )
        self._task = self._bar.add_task("trials", total=trials)
        self._live: Live | None = None

    def __enter__(self) -> Display:
        if self._console.is_terminal and not self._quiet:
            self._live = Live(
                get_renderable=self._panel,
                console=self._console,
                refresh_per_second=REFRESHES_PER_SECOND,
                redirect_stdout=False,
                redirect_stderr=False,
                transient=True,
            )
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        if self._live:
            self._live.stop()
        if kind is not None and (kept := self._kept()):
            self.note(f"kept: {kept}")

    def _kept(self) -> str:
        """What the next session need not do again; "" where that is nothing."""
        states = self._states.copy()
        if not self._ranked:
            del states["failed"]  # an experiment tries these again
        if states.total():
            counts = ", ".join(_worded(states))
            return f"{states.total()} of {counted(self._trials, 'trial')}: {counts}"
        return begun(line for n, line in self._last.items() if n not in self._ended)

    def note(self, text: str) -> None:
        """Say what is going on between trials: a line that stays, above the panel."""
        if not self._quiet:
            self._console.print(
                text, style="dim", markup=False, emoji=False, highlight=False, soft_wrap=True
            )

    def replay(self, lines: list[dict[str, Any]]) -> None:
        """Take in what earlier sessions did, without showing it line by line."""
        for line in lines:
            self._count(line)
        self._running.clear()  # what was left open runs once it is started again
        self._epochs_before = self._epochs

    def __call__(self, event: dict[str, Any]) -> None:
        """Take in one journal event."""
        self._count(event)
        if event["event"] == "end":
            self._tell(self._finished_line(event["trial"], event["state"]))
        elif event["event"] == "error":
            told = f"trial {event['trial']:>3} broke off: {event['error']}"
            self._tell(Text(told, style="red", overflow="ellipsis", no_wrap=True))

    def _tell(self, line: Text) -> None:
        self._recent = [*self._recent, line][-RECENT:]
        if not self._live and not self._quiet:
            self._console.print(line, soft_wrap=True)

    def _count(self, event: dict[str, Any]) -> None:
        number = event["trial"]
        if event["event"] == "start":
            self._configs[number] = event["config"]
            if not event.get("waits"):
                self._running[number] = None
            if number in self._ended:  # a failed one, tried again
                self._states[self._ended.pop(number)] -= 1
                self._epochs_of_finished -= self._last.get(number, {}).get("epoch", 0)
                self._show_finished()
        elif event["event"] == "epoch":
            self._last[number] = event
            self._epochs += 1
        elif event["event"] == "end":
            self._running.pop(number, None)
            if number in self._ended:  # in an earlier session, failed first
                self._states[self._ended[number]] -= 1
            self._ended[number] = event["state"]
            self._states[event["state"]] += 1
            self._epochs_of_finished += self._last.get(number, {}).get("epoch", 0)
            if self._ranked and event["state"] == "completed" and self._beats_best(number):
                self._best = number
            self._show_finished()

    def _show_finished(self) -> None:
        self._bar.update(self._task, completed=self._finished())

    def _finished(self) -> int:
        return self._states.total()

    def _beats_best(self, number: int) -> bool:
        value = self._last[number][self._metric.name]
        best = float("nan") if self._best is None else self._last[self._best][self._metric.name]
        return is_better(self._metric, value, best)

    def _finished_line(self, number: int, state: str) -> Text:
        record = self._last.get(number)
        told = Text(f"trial {number:>3} ")
        told.append(f"{state:<9}", style=_STYLES[state])
        if record:
            told.append(f" {record['epoch']:>3}/{record['epochs']:<3}")
            told.append(f"{self._metric.name} {figure(record[self._metric.name])}")
        told.append(f"  {describe(self._configs.get(number, {}), BRIEF)}", style="dim")
        if number == self._best:
            told.append(" leads", style="bold green")
        return told

    def _panel(self) -> Group:
        parts: list[Any] = [self._bar, self._counts(), *self._recent]
        for number in self._running:
            parts.append(self._running_line(number))
        if self._best is not None:
            parts.append(self._best_line())
        return Group(*parts)

    def _counts(self) -> Table:
        grid = Table.grid(padding=(0, 2))
        elapsed = time.monotonic() - self._start
        rate = (self._epochs - self._epochs_before) / elapsed if elapsed else 0.0
        grid.add_row(
            f"{len(self._running)} running",
            *_worded(self._states),
            f"{rate:.2f} epochs/s",
            self._time_left(rate),
        )
        return grid

    def _time_left(self, rate: float) -> str:
        finished = self._finished()
        if not finished or not rate:
            return "time left: unknown yet"
        mean = self._epochs_of_finished / finished
        begun = sum(self._last.get(n, {}).get("epoch", 0) for n in self._running)
        left = max(0.0, (self._trials - finished) * mean - begun)
        return f"about {duration(left / rate)} left"

    def _running_line(self, number: int) -> Text:
        record = self._last.get(number, {})
        config = self._configs.get(number, {})
        value = record.get(self._metric.name)
        shown = "" if value is None else f"{self._metric.name} {figure(value)}"
        return Text(
            f"trial {number:>3} running   {record.get('epoch', 0):>3}/"
            f"{config.get('epochs', 0):<3}{shown}  {describe(config, BRIEF)}",
            overflow="ellipsis",
            no_wrap=True,
        )

    def _best_line(self) -> Text:
        assert self._best is not None
        value = self._last[self._best][self._metric.name]
        told = Text("best so far  ", style="bold green")
        told.append(f"{self._metric.name} {figure(value)}  trial {self._best}  ", style="green")
        told.append(describe(self._configs[self._best], BRIEF), style="default")
        return told


def begun(events: Iterable[dict[str, Any]]) -> str:
    """ "3 epochs of 2 trials, none of which has ended", by these events; "" without an epoch.

    What has ended has failed, where this is asked: it begins anew.
    """
    last: dict[int, int] = {}
    for event in events:
        if event["event"] == "epoch":
            last[event["trial"]] = event["epoch"]
        elif event["event"] == "end":
            last.pop(event["trial"], None)
    if not last:
        return ""
    trials = counted(len(last), "trial, which has not", "trials, none of which has")
    return f"{counted(sum(last.values()), 'epoch')} of {trials} ended"


def _worded(states: Counter[str]) -> list[str]:
    return [f"{count} {state}" for state, count in sorted(states.items()) if count]


def speaker(console: Console, quiet: bool) -> Callable[[str], None]:
    """Says lines as `Display.note` does, where there is nothing to display."""

    def say(text: str) -> None:
        if not quiet:
            console.print(
                text, style="dim", markup=False, emoji=False, highlight=False, soft_wrap=True
            )

    return say


_STYLES = {
    "completed": "green",
    "pruned": "yellow",
    "diverged": "magenta",
    "failed": "bold red",
    "running": "cyan",
}
