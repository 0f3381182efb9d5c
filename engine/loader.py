"""The loader: threads for what takes as long as it takes to read an index.

What can wait is loaded one after another; what somebody waits for has a thread of its own, so that
it never waits for another collection. Knows nothing of what is loaded.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from molt.artifact import panics_contained

Work = Callable[[], None]

_AT_ONCE = 32


class Loader:
    """Runs each piece of work by its name; one that has not begun yet is not asked for twice."""

    def __init__(self) -> None:
        self._patient = ThreadPoolExecutor(1, thread_name_prefix="loading")
        self._urgent = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="loading-now")
        self._waiting: dict[str, Future[None]] = {}
        self._running: dict[str, Future[None]] = {}
        self._lock = threading.Lock()

    def soon(self, name: str, work: Work) -> Future[None]:
        """When its turn comes."""
        with self._lock:
            found = self._waiting.get(name)
            if found is None or found.running() or found.done():
                found = self._patient.submit(_contained, work)
            self._waiting = _unfinished(self._waiting | {name: found})
            return found

    def now(self, name: str, work: Work) -> Future[None]:
        """At once; whoever asks for it while it goes on waits for the same."""
        with self._lock:
            found = self._running.get(name)
            if found is None or found.done():
                found = self._urgent.submit(_contained, work)
            self._running = _unfinished(self._running | {name: found})
            return found

    def close(self) -> None:
        """Finish what is at work, and begin nothing more."""
        for pool in (self._patient, self._urgent):
            pool.shutdown(wait=True, cancel_futures=True)


def _contained(work: Work) -> None:
    """Do it; a panic is raised as an `Exception`, which whoever waits for it can take."""
    with panics_contained():
        work()


def _unfinished(work: dict[str, Future[None]]) -> dict[str, Future[None]]:
    return {name: one for name, one in work.items() if not one.done()}
