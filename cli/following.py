"""Following a job: its events as lines, and how far it is as one bar, or as a line now and then.

A training that the command does itself is shown in the same way. What a job tells is the worker's,
maybe one of another version: nothing of it is taken for granted.
"""

# ruff: noqa: PLC0415  what a command needs is imported when it runs; help loads nothing

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from molt.cli.invocation import Invocation
from molt.cli.output import write_json, write_note
from molt.cli.progress import SECONDS_BETWEEN_LINES

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

    from molt.index.jobs.job import JobProgress
    from molt.training.fit.progress import TrainingEvent

ShowEvent = Callable[[Mapping[str, Any], "JobProgress"], None]

_UNTOLD = frozenset(("event", "at", "step", "steps", "stage", "epoch", "seconds_left"))
_MEASURES = {"ndcg10": "nDCG@10 on dev", "cosine": "cosine to the teacher"}


@contextmanager
def shown_job(call: Invocation, kind: str) -> Iterator[ShowEvent]:
    """Show the events of a job for the length of the block, as the invocation wants it."""
    if call.json:
        yield _Lines(_write_json_line, write_event=lambda content: write_json(dict(content)))
    elif sys.stderr.isatty():
        with _display() as display:
            yield _Bar(display, kind)
    else:
        yield _Lines(lambda _, progress: write_note(told_progress(progress)))


@contextmanager
def shown_training(call: Invocation, kind: str) -> Iterator["Callable[[TrainingEvent], None]"]:
    """Show `train`, `tune` or `distil` for the length of the block, as a job of it is shown."""
    from molt.index.jobs.progress import ProgressMeter, event_of

    meter = ProgressMeter(kind)
    meter.hear({"event": "step", "step": kind, "at": time.time()})
    with shown_job(call, kind) as show_event:

        def show(event: "TrainingEvent") -> None:
            content = event_of(event.fields())
            progress = meter.hear(content | {"at": time.time()})
            measured = {name: content[name] for name in _MEASURES if name in content}
            if measured:
                content = {"event": event.stage, "epoch": event.epoch} | measured
            show_event(content, progress)

        yield show


def told_event(content: Mapping[str, Any]) -> str:
    """An event that is no progress, as a line."""
    subject = content.get("stage") or content.get("step") or content.get("event") or "event"
    epoch = content.get("epoch")
    if epoch and isinstance(epoch, int | float):
        subject = f"{subject}, epoch {epoch:g}"
    facts = [
        f"{_MEASURES.get(name, name)} {told_value(value)}"
        for name, value in content.items()
        if name not in _UNTOLD
    ]
    return f"{subject}: {', '.join(facts)}" if facts else str(subject)


def told_progress(progress: "JobProgress") -> str:
    """How far a job is, as a line."""
    left = progress.seconds_left
    until = "" if left is None else f", about {told_seconds(left)} left"
    return f"{told_place(progress)}: {progress.percent:.0f} %{until}"


def told_place(progress: "JobProgress") -> str:
    """The step that a job is at, and what it does there."""
    step, stage = progress.step or "job", progress.stage
    return step if stage in {None, step} else f"{step}, {stage}"


def told_seconds(seconds: float) -> str:
    """A time that is left, as exactly as an estimate can be."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{max(1, round(seconds))} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def told_value(value: object) -> str:
    """A value of an event or of a result, on one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {told_value(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(map(told_value, value)) or "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4f}" if isinstance(value, float) else str("-" if value is None else value)


class _Lines:
    """An event a line, and of progress one every few seconds."""

    def __init__(
        self,
        write_progress: ShowEvent,
        *,
        write_event: Callable[[Mapping[str, Any]], None] = lambda it: write_note(told_event(it)),
    ) -> None:
        self._write_progress = write_progress
        self._write_event = write_event
        self._due = time.monotonic() + SECONDS_BETWEEN_LINES

    def __call__(self, content: Mapping[str, Any], progress: "JobProgress") -> None:
        if content.get("event") != "progress":
            self._write_event(content)
        elif time.monotonic() >= self._due:
            self._write_progress(content, progress)
            self._due = time.monotonic() + SECONDS_BETWEEN_LINES


class _Bar:
    """A bar for the whole job, which says what it is at, under a line for each event."""

    def __init__(self, display: "RichProgress", kind: str) -> None:
        self._display = display
        self._task = display.add_task(kind, total=100.0, left="")

    def __call__(self, content: Mapping[str, Any], progress: "JobProgress") -> None:
        if content.get("event") != "progress":
            write_note(told_event(content))
        left = progress.seconds_left
        self._display.update(
            self._task,
            description=told_place(progress),
            completed=progress.percent,
            left="" if left is None else f"about {told_seconds(left)} left",
        )


def _write_json_line(content: Mapping[str, Any], progress: "JobProgress") -> None:
    known = {"percent": progress.percent, "seconds_left": progress.seconds_left}
    write_json({name: value for name, value in content.items() if name != "at"} | known)


def _display() -> "RichProgress":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[left]}", markup=False),
        console=Console(stderr=True),
    )
