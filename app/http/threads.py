"""Request threads: a fixed number of them, however many of them hang.

Work that does not end is given up by whoever watches it (`molt.encoder.safety.deadline`): its
request is answered, another thread takes the place of the one that hangs, and that one ends if it
ever returns. None of them keeps the process from ending.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, InvalidStateError
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, ParamSpec, TypeVar

from molt.encoder.safety.deadline import abandonable

_P = ParamSpec("_P")
_T = TypeVar("_T")
_Task = tuple["Future[Any]", Callable[[], Any]]


class RequestThreads(Executor):
    """`count` threads that take what is submitted in turn.

    `niceness` is added to that of the process, of which Linux keeps one for each thread.
    """

    def __init__(self, count: int, *, name: str, niceness: int = 0) -> None:
        self._name = name
        self._niceness = niceness
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._alive: set[threading.Thread] = set()
        self._changed = threading.Condition()
        for _ in range(count):
            self._start()

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> "Future[_T]":
        """Have it done by the next thread that is free."""
        future: Future[_T] = Future()
        self._tasks.put((future, partial(fn, *args, **kwargs)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002  as the base class has it
        """Finish what was submitted and end the threads; waits for none that hangs.

        With `cancel_futures` finish what has begun, and drop what has not.
        """
        if cancel_futures:
            with suppress(Empty):
                while (task := self._tasks.get_nowait()) is not None:
                    task[0].cancel()
        with self._changed:
            for _ in self._alive:
                self._tasks.put(None)
            if wait:
                self._changed.wait_for(lambda: not self._alive)

    def _start(self) -> None:
        thread = threading.Thread(target=self._work, name=self._name, daemon=True)
        with self._changed:
            self._alive.add(thread)
        thread.start()

    def _work(self) -> None:
        if self._niceness:
            os.setpriority(os.PRIO_PROCESS, 0, os.getpriority(os.PRIO_PROCESS, 0) + self._niceness)
        while (task := self._tasks.get()) is not None:
            kept = self._do(*task)
            del task  # what it refers to may be let go while this thread waits
            if not kept:
                return  # another thread has taken the place of this one
        self._end(threading.current_thread())

    def _do(self, future: "Future[Any]", work: Callable[[], Any]) -> bool:
        """Do the work unless nobody waits for it any more; False where it was given up."""
        if not future.set_running_or_notify_cancel():
            return True
        with abandonable(partial(self._give_up, future, threading.current_thread())):
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
                settle = partial(future.set_exception, error)
            else:
                settle = partial(future.set_result, result)
        try:
            settle()
        except InvalidStateError:
            return False
        return True

    def _give_up(self, future: "Future[Any]", thread: threading.Thread, error: Exception) -> None:
        with suppress(InvalidStateError):  # it has ended just now
            future.set_exception(error)
            self._start()
            self._end(thread)

    def _end(self, thread: threading.Thread) -> None:
        with self._changed:
            self._alive.discard(thread)
            self._changed.notify_all()
