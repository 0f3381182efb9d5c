"""Deadlines: what becomes of a computation that does not end.

A thread that is inside a runtime or a tokenizer cannot be interrupted. So its work is given up:
whoever waits for it is told, whoever owns the thread may start another one, and no more is begun
while it hangs. Knows neither requests nor graphs.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

GiveUp = Callable[[Exception], None]
"""Told in another thread that a piece of work is given up, and why."""

_LOOKS = 4  # within each deadline
_own = threading.local()


@contextmanager
def abandonable(give_up: GiveUp) -> Iterator[None]:
    """Say how the work of this thread is given up, for as long as the block lasts."""
    outer = _own_give_up()
    _own.give_up = give_up
    try:
        yield
    finally:
        _own.give_up = outer


@contextmanager
def told_when_abandoned(tell: Callable[[], None]) -> Iterator[None]:
    """Have `tell` called first where the work in the block is given up, if it can be."""
    outer = _own_give_up()
    if outer is None:
        yield
        return

    def give_up(error: Exception) -> None:
        tell()
        outer(error)

    with abandonable(give_up):
        yield


def _own_give_up() -> GiveUp | None:
    return getattr(_own, "give_up", None)


class _Computation:
    """Something that a thread is at; `hangs` once it has taken too long."""

    __slots__ = ("give_up", "hangs", "until")

    def __init__(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds
        self.give_up = _own_give_up()
        self.hangs = False


class Deadline:
    """Watches computations that may take `seconds` each.

    `on_overdue` is called with `make_error()` for each that takes longer, after whoever waits for
    just that one was told.
    """

    def __init__(
        self, seconds: float, *, make_error: Callable[[], Exception], on_overdue: GiveUp
    ) -> None:
        self.seconds = seconds
        self._make_error = make_error
        self._on_overdue = on_overdue
        self._running: set[_Computation] = set()
        self._busy = threading.Event()
        self._stopped = threading.Event()
        if math.isfinite(seconds):
            threading.Thread(target=self._watch, name="molt-deadline", daemon=True).start()

    @property
    def hangs(self) -> bool:
        """Does anything go on that has taken too long?"""
        return any(one.hangs for one in self._running.copy())

    @contextmanager
    def computing(self, *, times: float = 1.0) -> Iterator[None]:
        """Watch the block, which may take so many times as long as others."""
        one = _Computation(times * self.seconds)
        self._running.add(one)
        if not self._busy.is_set():
            self._busy.set()
        try:
            yield
        finally:
            self._running.discard(one)

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()
        self._busy.set()

    def _watch(self) -> None:
        """Look a few times within each deadline while there is anything to look at."""
        while self._busy.wait() and not self._stopped.wait(self.seconds / _LOOKS):
            if not self._running:
                self._busy.clear()
                if self._running:  # it began before that was cleared
                    self._busy.set()
            self._look()

    def _look(self) -> None:
        now = time.monotonic()
        for one in self._running.copy():
            if one.until > now or one.hangs:
                continue
            one.hangs = True
            error = self._make_error()
            if one.give_up is not None:
                one.give_up(error)
            self._on_overdue(error)
