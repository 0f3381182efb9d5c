"""Job problems: what keeps jobs from being done, wherever the worker runs.

A queue that is no database, or a worker that hangs, or dies again and again. Reads two small files,
and those only when they have changed; runs no job.
"""

import math
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from molt.artifact import exclusive
from molt.artifact.lock import SILENCE_SECONDS
from molt.engine.refusal import Files, file_at
from molt.engine.settings import Settings
from molt.index.catalog.catalog import sqlite_path
from molt.index.catalog.storage.soundness import is_sqlite

log = structlog.get_logger(__name__)

_LONGEST = 500
_Reader = Callable[[Path], str | None]


class JobProblems:
    """What keeps jobs from being done, as of the last look."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._queue = sqlite_path(settings.jobs)
        self._deaths = settings.layout.worker_deaths
        self._lock = settings.layout.worker_lock
        self._sign: Files = ()
        self._sign_seen = clock()
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
        self._note(self._lock, self._silence())

    def _look_at(self, path: Path, read: _Reader, *, gone: _Reader = lambda _: None) -> None:
        files = file_at(str(path))
        if self._seen.get(path, ()) == files:
            return
        was_sound = self._seen.get(path) and path not in self._found
        self._seen[path] = files
        self._note(path, read(path) if files else gone(path) if was_sound else None)

    def _silence(self) -> str | None:
        """What to say of a worker that has the home and gives no sign.

        How long is counted here: the clock that the sign was given by may have been set since.
        """
        sign, now = file_at(str(self._lock)), self._clock()
        if sign != self._sign:
            self._sign, self._sign_seen = sign, now
        if not sign or now - self._sign_seen < SILENCE_SECONDS:
            return None
        if not _is_held(self._lock):
            self._sign_seen = math.inf  # whoever takes the home next gives a sign
            return None
        return (
            f"the worker of {self._lock.parent} gives no sign of life, so no job is done; end its "
            "process, and start another where `molt serve` does not"
        )

    def _note(self, path: Path, problem: str | None) -> None:
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


def _is_held(lock: Path) -> bool:
    try:
        with exclusive(lock):
            return False
    except BlockingIOError:
        return True
    except OSError:
        return False
