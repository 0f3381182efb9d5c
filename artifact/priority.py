"""What a thread has of a processor that others want too."""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

_T = TypeVar("_T")

_lock = threading.Lock()
_starter: "_Starter | None" = None


def give_way(niceness: int) -> None:
    """Let the calling thread have less of a busy processor; threads it starts inherit that.

    `niceness` is added to what the process has, 19 at most in all; a thread that has more stays as
    it is. Only Linux knows that of a thread; elsewhere, and where it is not allowed, nothing
    happens. A thread that is nice must not hold the GIL for long: it would be in others' way when
    it sleeps.
    """
    if not niceness or sys.platform != "linux":
        return
    _started()
    with suppress(OSError):  # a sandbox may forbid it, and who gives way works all the same
        wanted = _niceness(os.getpid()) + niceness
        os.setpriority(os.PRIO_PROCESS, 0, max(_niceness(), wanted))


def without_giving_way(work: Callable[[], _T]) -> _T:
    """Do `work`, and wait for it, in a thread that has what the process has of a processor.

    That is the calling one, unless it gave way, or one that started it did. So what others share,
    and what starts threads of its own, can be made by whoever needs it first.
    """
    starter = _starter
    if starter is None or _niceness() <= _niceness(os.getpid()):
        return work()
    return starter.done(work)


class _Starter:
    """A thread that never gives way, for starting others: no thread can have more than its own."""

    def __init__(self) -> None:
        self._asked: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        threading.Thread(target=self._start, name="starter", daemon=True).start()

    def done(self, work: Callable[[], _T]) -> _T:
        """What `work` returns, or raises."""
        future: Future[_T] = Future()
        self._asked.put((future, work))
        return future.result()

    def _start(self) -> None:
        while True:
            future, work = self._asked.get()
            try:
                doing = partial(_do, future, work)
                threading.Thread(target=doing, name="started", daemon=True).start()
                del doing
            except RuntimeError as error:  # there are too many
                future.set_exception(error)
            del future, work


def _do(future: "Future[_T]", work: Callable[[], _T]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # noqa: BLE001  raised again by whoever waits
        future.set_exception(error)


def _started() -> None:
    """Have a starter before the first thread gives way, which then is as the process is."""
    global _starter  # noqa: PLW0603  a process has one
    with _lock:
        if _starter is None:
            _starter = _Starter()


def _niceness(thread: int = 0) -> int:
    """What a thread has, by its number; that of a process is its main thread's."""
    return os.getpriority(os.PRIO_PROCESS, thread)
