"""Cancellation: work that nobody waits for any more is not begun.

What a thread does within `Cancellation.scope` can be given up from outside. Only work that is cut
into pieces heeds it, between two of them.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from molt.encoder.errors import AbandonedError

_current: "ContextVar[Cancellation | None]" = ContextVar("cancellation", default=None)


class Cancellation:
    """Whether somebody still waits. Once cancelled it stays so; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        """Has nobody an interest any more?"""
        return self._cancelled

    def cancel(self) -> None:
        """Nobody waits any more; returns when those who asked to be told have been."""
        with self._lock:
            self._cancelled = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    @contextmanager
    def scope(self) -> Iterator[None]:
        """What this thread does within heeds it. Raises `AbandonedError` where it is cancelled."""
        self.check()
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    @contextmanager
    def telling(self, callback: Callable[[], None]) -> Iterator[None]:
        """Call `callback` when it is cancelled within, or at once where it is."""
        with self._lock:
            told = not self._cancelled
            if told:
                self._callbacks.append(callback)
        if not told:
            callback()
        try:
            yield
        finally:
            with self._lock:
                if callback in self._callbacks:
                    self._callbacks.remove(callback)

    def check(self) -> None:
        """Raise `AbandonedError` where it is cancelled."""
        if self._cancelled:
            raise AbandonedError


def current() -> Cancellation:
    """That of the innermost scope of this thread; one that is never cancelled outside of any."""
    return _current.get() or Cancellation()
