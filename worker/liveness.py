"""Liveness of the worker: a sign at its lock that others read, as a health check does."""

import os
import time
from contextlib import suppress

from molt.artifact import Home, exclusive
from molt.artifact.lock import SILENCE_SECONDS
from molt.training.errors import TrainingError

BEAT_SECONDS = 10.0
"""How often a worker that lives gives its sign."""


class NoWorkerError(TrainingError):
    """No process runs the jobs of this home, or the one that has them hangs."""


class Heartbeat:
    """The sign of the worker that holds the lock of a home: when it was last at its loop."""

    def __init__(self, home: Home) -> None:
        self._lock = home.worker_lock
        self._next = 0.0

    def beat(self) -> None:
        """Give it, where the last one is old enough and the disk lets us."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + BEAT_SECONDS
            with suppress(OSError):
                os.utime(self._lock)


def require_worker(home: Home) -> None:
    """Raise `NoWorkerError` unless a worker has the home and gave its sign a short while ago."""
    if not home.worker_lock.exists() or _is_free(home):
        raise NoWorkerError(
            f"no process runs the jobs of {home.root}; start `molt worker` or `molt serve`"
        )
    silent = time.time() - home.worker_lock.stat().st_mtime
    if silent > SILENCE_SECONDS:
        raise NoWorkerError(
            f"the worker of {home.root} has given no sign for {silent:.0f} s; restart it"
        )


def _is_free(home: Home) -> bool:
    try:
        with exclusive(home.worker_lock):
            return True
    except BlockingIOError:
        return False
