"""What a run shows while it works: one live panel, or one plain line per finished trial."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from study.metrics import Metric
from study.tally import Tally
from study.words import BRIEF, describe, duration, figure

REFRESHES_PER_SECOND = 4
RECENT = 4  # finished trials that the panel lists


class Display:
    """Listens to the journal. Use as a context; `quiet` shows nothing at all.

    On a terminal it redraws one panel below what it notes; elsewhere it prints a line for each
    finished trial, too, so that a log stays readable. A run that breaks off ends with what is
    kept of it. trials: how many there will be. metric, ranked: see `Tally`.
    """

    def __init__(
        self, console: Console, metric: Metric, trials: int, *, ranked: bool, quiet: bool
    ) -> None:
        self._console, self._metric, self._trials, self._quiet = console, metric, trials, quiet
        self._tally = Tally(metric, ranked=ranked)
        self._recent: list[Text] = []
        self._epochs_before = 0
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
        if kind is not None and (kept := self._tally.kept(self._trials)):
            self.note(f"kept: {kept}")

    def note(self, text: str) -> None:
        """Say what is going on between trials: a line that stays, above the panel."""
        speaker(self._console, self._quiet)(text)

    def replay(self, lines: list[dict[str, Any]]) -> None:
        """Take in what earlier sessions did, without showing it line by line."""
        for line in lines:
            self._tally.count(line)
        self._tally.running.clear()  # what was left open runs once it is started again
        self._epochs_before = self._tally.epochs

    def __call__(self, event: dict[str, Any]) -> None:
        """Take in one journal event."""
        self._tally.count(event)
        if event["event"] == "end":
            self._tell(self._finished_line(event["trial"], event["state"]))
        elif event["event"] == "error":
            told = f"trial {event['trial']:>3} broke off: {event['error']}"
            self._tell(Text(told, style="red", overflow="ellipsis", no_wrap=True))

    def _tell(self, line: Text) -> None:
        self._recent = [*self._recent, line][-RECENT:]
        if not self._live and not self._quiet:
            self._console.print(line, soft_wrap=True)

    def _finished_line(self, number: int, state: str) -> Text:
        record = self._tally.last.get(number)
        told = Text(f"trial {number:>3} ")
        told.append(f"{state:<9}", style=_STYLES[state])
        if record:
            told.append(f" {record['epoch']:>3}/{record['epochs']:<3}")
            told.append(f"{self._metric.name} {figure(record[self._metric.name])}")
        told.append(f"  {describe(self._tally.configs.get(number, {}), BRIEF)}", style="dim")
        if number == self._tally.best:
            told.append(" leads", style="bold green")
        return told

    def _panel(self) -> Group:
        self._bar.update(self._task, completed=self._tally.finished)
        parts: list[Any] = [self._bar, self._counts(), *self._recent]
        for number in list(self._tally.running):  # rich draws in a thread of its own
            parts.append(self._running_line(number))
        if self._tally.best is not None:
            parts.append(self._best_line(self._tally.best))
        return Group(*parts)

    def _counts(self) -> Table:
        grid = Table.grid(padding=(0, 2))
        elapsed = time.monotonic() - self._start
        rate = (self._tally.epochs - self._epochs_before) / elapsed if elapsed else 0.0
        grid.add_row(
            f"{len(self._tally.running)} running",
            *self._tally.counts(),
            f"{rate:.2f} epochs/s",
            self._time_left(rate),
        )
        return grid

    def _time_left(self, rate: float) -> str:
        tally = self._tally
        if not tally.finished or not rate:
            return "time left: unknown yet"
        mean = tally.epochs_of_finished / tally.finished
        begun = sum(tally.last.get(n, {}).get("epoch", 0) for n in list(tally.running))
        left = max(0.0, (self._trials - tally.finished) * mean - begun)
        return f"about {duration(left / rate)} left"

    def _running_line(self, number: int) -> Text:
        record = self._tally.last.get(number, {})
        config = self._tally.configs.get(number, {})
        value = record.get(self._metric.name)
        shown = "" if value is None else f"{self._metric.name} {figure(value)}"
        return Text(
            f"trial {number:>3} running   {record.get('epoch', 0):>3}/"
            f"{config.get('epochs', 0):<3}{shown}  {describe(config, BRIEF)}",
            overflow="ellipsis",
            no_wrap=True,
        )

    def _best_line(self, best: int) -> Text:
        value = self._tally.last[best][self._metric.name]
        told = Text("best so far  ", style="bold green")
        told.append(f"{self._metric.name} {figure(value)}  trial {best}  ", style="green")
        told.append(describe(self._tally.configs[best], BRIEF), style="default")
        return told


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
}
