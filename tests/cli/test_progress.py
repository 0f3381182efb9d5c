import io
import sys

import pytest
from rich.console import Console
from rich.progress import Progress

from molt.cli.invocation import Invocation
from molt.cli.progress import Bars, Lines, shown_progress


def test_lines_are_few_and_the_last_one_is_always_written() -> None:
    written: list[tuple[str, int, int | None]] = []
    lines = Lines(lambda *line: written.append(line))
    for done in range(10_000):
        lines.report("documents", done)
    lines.finish("documents", 10_000)
    assert written[-1] == ("documents", 10_000, 10_000)
    assert len(written) < 100


def test_a_line_is_written_when_it_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter((0.0, 1.0, 3.0, 3.0))
    monkeypatch.setattr("molt.cli.progress.time.monotonic", lambda: next(clock))
    written: list[tuple[str, int, int | None]] = []
    lines = Lines(lambda *line: written.append(line))
    lines.report("indexed", 1, total=9)
    lines.report("indexed", 2, total=9)
    assert written == [("indexed", 2, 9)]


def test_a_bar_follows_its_stage_and_ends_full() -> None:
    display = Progress(console=Console(file=io.StringIO()))
    bars = Bars(display)
    bars.report("documents", 10)
    bars.report("documents", 20, total=40)
    (task,) = display.tasks
    assert (task.completed, task.total) == (20, 40)
    bars.finish("documents", 41)
    assert task.finished


def test_a_terminal_gets_bars_and_json_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with shown_progress(Invocation()) as shown:
        assert isinstance(shown, Bars)
    with shown_progress(Invocation(json=True)) as shown:
        assert isinstance(shown, Lines)
