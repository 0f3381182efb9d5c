"""Job problems: what keeps jobs from being done, wherever the worker runs.

A queue that is no database, or a worker that dies again and again. Reads two small files, and those
only when they have changed; runs no job.
"""

from collections.abc import Callable
from pathlib import Path

import structlog

from molt.engine.refusal import Files, file_at
from molt.engine.settings import Settings
from molt.index.catalog.catalog import sqlite_path
from molt.index.catalog.storage.soundness import is_sqlite

log = structlog.get_logger(__name__)

_LONGEST = 500
_Reader = Callable[[Path], str | None]


class JobProblems:
    """What keeps jobs from being done, as of the last look."""

    def __init__(self, settings: Settings) -> None:
        self._queue = sqlite_path(settings.jobs)
        self._deaths = settings.layout.worker_deaths
        self._seen: dict[Path, Files] = {}
        self._found: dict[Path, str] = {}

    @property
    def problems(self) -> tuple[str, ...]:
        """In words."""
        return tuple(self._found.copy().values())

    def look(self) -> None:
        """Read again what has changed."""
        if self._queue is not None:
            self._look_at(self._queue, _flaw_of_queue, gone=_is_gone)
        self._look_at(self._deaths, _last_words)

    def _look_at(self, path: Path, read: _Reader, *, gone: _Reader = lambda _: None) -> None:
        files = file_at(str(path))
        if self._seen.get(path, ()) == files:
            return
        known = self._seen.get(path)
        self._seen[path] = files
        problem = read(path) if files else gone(path) if known else None
        if problem is None:
            self._found.pop(path, None)
            return
        if self._found.get(path) != problem:
            log.error("jobs.hindered", reason=problem)
        self._found[path] = problem


def _flaw_of_queue(path: Path) -> str | None:
    if is_sqlite(path) or not path.stat().st_size:
        return None
    return f"the job queue {path} is not an SQLite database, so no job is done; `molt check`"


def _is_gone(path: Path) -> str:
    return f"the job queue {path} was removed; put it back, or start Molt again with an empty one"


def _last_words(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")[:_LONGEST].strip() or None
    except FileNotFoundError:
        return None
