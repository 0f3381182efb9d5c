"""The throttle: while searches come, work that goes on for long takes a part of the time only.

A thread that computes in Python holds the interpreter, and gives way to a search at best a moment
later, whatever its priority; what helps a search is that nobody else computes just then.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

SEARCHED_SECONDS = 1.0
"""For so long after a search the next one is expected."""
_SHARE = 5
"""While they are, one part in so many is worked."""
_LONGEST_PAUSE = 1.0
_steps: "ContextVar[_Steps | None]" = ContextVar("steps", default=None)


class Throttle:
    """Tells long work of one process to pause while that process is asked to search."""

    def __init__(self) -> None:
        self._busy_until = 0.0

    def search_came(self) -> None:
        """Somebody searches now."""
        self._busy_until = time.monotonic() + SEARCHED_SECONDS

    def pause(self, spent: float) -> None:
        """Sleep after `spent` seconds of work, a second at most; not at all without searches.

        To be called without a lock that a search or a short write would wait for.
        """
        if time.monotonic() < self._busy_until:
            time.sleep(min((_SHARE - 1) * spent, _LONGEST_PAUSE))

    @contextmanager
    def steps(self) -> Iterator[None]:
        """What this thread does within pauses wherever it calls `step_done`."""
        token = _steps.set(_Steps(self))
        try:
            yield
        finally:
            _steps.reset(token)


class _Steps:
    """Work that is done in steps, and when the one at work began."""

    def __init__(self, throttle: Throttle) -> None:
        self._throttle = throttle
        self._began = time.monotonic()

    def done(self) -> None:
        self._throttle.pause(time.monotonic() - self._began)
        self._began = time.monotonic()


def step_done() -> None:
    """A step of what takes long is done: pause, where the work is throttled."""
    steps = _steps.get()
    if steps is not None:
        steps.done()
