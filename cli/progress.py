"""Progress of a long command: bars on a terminal, lines elsewhere, JSON lines where asked for."""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from molt.cli.invocation import Invocation
from molt.cli.output import write_json, write_note

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

SECONDS_BETWEEN_LINES = 2.0


class Progress(Protocol):
    """Where stages of a command say how far they are."""

    def report(self, stage: str, done: int, *, total: int | None = None) -> None:
        """`done` of `total` are done; None where nobody knows how many there will be."""

    def finish(self, stage: str, done: int) -> None:
        """The stage has ended."""


class Lines:
    """Writes a line every few seconds, and one at the end of each stage."""

    def __init__(self, write: Callable[[str, int, int | None], None]) -> None:
        self._write = write
        self._due = time.monotonic() + SECONDS_BETWEEN_LINES

    def report(self, stage: str, done: int, *, total: int | None = None) -> None:
        """Write a line unless the last one was just now."""
        if time.monotonic() >= self._due:
            self._write(stage, done, total)
            self._due = time.monotonic() + SECONDS_BETWEEN_LINES

    def finish(self, stage: str, done: int) -> None:
        """Write the last line of the stage."""
        self._write(stage, done, done)


class Bars:
    """A bar for each stage."""

    def __init__(self, display: "RichProgress") -> None:
        self._display = display
        self._tasks: dict[str, TaskID] = {}

    def report(self, stage: str, done: int, *, total: int | None = None) -> None:
        """Draw the bar of a stage, or a moving one where the total is unknown."""
        if stage not in self._tasks:
            self._tasks[stage] = self._display.add_task(stage, total=total)
        self._display.update(self._tasks[stage], completed=done, total=total)

    def finish(self, stage: str, done: int) -> None:
        """Fill the bar."""
        self.report(stage, done, total=done)


@contextmanager
def shown_progress(call: Invocation) -> Iterator[Progress]:
    """Show progress for the length of the block, as this invocation and terminal want it."""
    if call.json:
        yield Lines(_write_json_line)
    elif sys.stderr.isatty():
        with _bars() as display:
            yield Bars(display)
    else:
        yield Lines(_write_line)


def _write_json_line(stage: str, done: int, total: int | None) -> None:
    write_json({"event": "progress", "stage": stage, "done": done, "total": total})


def _write_line(stage: str, done: int, total: int | None) -> None:
    write_note(f"{stage}: {done:,}" if total in (None, done) else f"{stage}: {done:,} of {total:,}")


def _bars() -> "RichProgress":
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as RichProgress

    return RichProgress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
