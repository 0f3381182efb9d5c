"""Threads: each does one thing for as long as the process serves.

One that dies, of whatever it is, is started again after a rest, which grows while it dies again and
again; what it died of is told. Knows nothing of what a thread does.
"""

import threading
import time
from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from molt.artifact import give_way, is_panic, reason_of

log = structlog.get_logger(__name__)

CLOSE_SECONDS = 10.0
"""So long is a thread waited for that does not end at once, when the process is to."""
_FIRST_REST = 1.0
_LONGEST_REST = 10.0
_HEALTHY_SECONDS = 60.0
_LONGEST_IDLE = 60.0


@dataclass(frozen=True)
class _Death:
    """Why a thread died, for how many seconds it rests, and when that ends (monotonic)."""

    reason: str
    rest: float
    over: float


class LastingThread:
    """Does `work`, which is to return when `stopping` is set and not before.

    `niceness` is added to that of the process, of which Linux gives each thread its own; threads
    that a library starts while `work` calls it inherit that.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], None],
        *,
        stopping: threading.Event,
        niceness: int = 0,
    ) -> None:
        self.name = name
        self._niceness = niceness
        self.deaths = 0
        self._work = work
        self._stopping = stopping
        self._death: _Death | None = None
        self._thread: threading.Thread | None = None

    @property
    def problem(self) -> str | None:
        """Why its work is not being done, or was not a moment ago."""
        death = self._death
        if self._stopping.is_set() or self._thread is None:
            return None
        if not self._thread.is_alive():
            return f"the thread {self.name!r} has ended; start the server again"
        if death is None or time.monotonic() >= death.over + death.rest:
            return None
        return (
            f"the thread {self.name!r} died ({self.deaths} times since the start, the last of "
            f"{death.reason}); it is started again after {death.rest:g} s"
        )

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._last, name=self.name, daemon=True)
        self._thread.start()

    def join(self, patience: float = CLOSE_SECONDS) -> bool:
        """Wait until it has ended, `patience` seconds at most; has it? `stopping` is set before."""
        if self._thread is None:
            return True
        self._thread.join(max(0.0, patience))
        return not self._thread.is_alive()

    def _last(self) -> None:
        give_way(self._niceness)
        rest = _FIRST_REST / 2
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                self._work()
                error: BaseException = RuntimeError("its work ended")
            except BaseException as caught:  # noqa: BLE001  a panic, or who would end the thread
                error = caught
            if self._stopping.is_set():
                return
            lived = time.monotonic() - began
            rest = _FIRST_REST if lived > _HEALTHY_SECONDS else min(2 * rest, _LONGEST_REST)
            with suppress(Exception):  # that it cannot be logged is no reason to end
                self._note(error, rest)
            self._stopping.wait(rest)

    def _note(self, error: BaseException, rest: float) -> None:
        reason, former = reason_of(error), self._death
        self.deaths += 1
        self._death = _Death(reason, rest, time.monotonic() + rest)
        known = former is not None and former.reason == reason
        log.error(
            "thread.died",
            thread=self.name,
            reason=reason,
            again_in=rest,
            exc_info=None if known or is_panic(error) else error,
        )


class Backoff:
    """How long a thread that found nothing to do need not look while the catalog stays as it is.

    Longer each time, but a minute at most: that a reader lets go of a generation, say, is not
    told by the catalog.
    """

    def __init__(self, first: float) -> None:
        self._first = self._seconds = first
        self._until = 0.0
        self._seen: Hashable = None

    def is_over(self, version: Hashable) -> bool:
        """Is it time to look, the catalog being at `version`?"""
        if version != self._seen:
            self._seen = version
            self.end()
        return time.monotonic() >= self._until

    def begin(self, *, latest: float) -> None:
        """Nothing was found; look again at `latest` (monotonic) if not before."""
        self._until = min(time.monotonic() + self._seconds, latest)
        self._seconds = min(2 * self._seconds, _LONGEST_IDLE)

    def end(self) -> None:
        """Look now, and soon after that."""
        self._until, self._seconds = 0.0, self._first


def join_all(threads: Iterable[LastingThread], *, patience: float = CLOSE_SECONDS) -> bool:
    """Wait until all of them have ended, `patience` seconds at most; have they?

    One that has not keeps no process from ending.
    """
    until = time.monotonic() + patience
    return all(thread.join(until - time.monotonic()) for thread in threads)
