"""Request threads: a fixed number of them at most, however many of them hang.

Work that does not end is given up by whoever watches it (`molt.encoder.safety.deadline`): its
request is answered, another thread takes the place of the one that hangs, and that one ends if it
ever returns. None of them keeps the process from ending.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, InvalidStateError
from contextlib import suppress
from functools import partial
from typing import Any, ParamSpec, TypeVar

from molt.artifact import give_way
from molt.encoder.safety.deadline import abandonable

_P = ParamSpec("_P")
_T = TypeVar("_T")
Pause = Callable[[float], None]
_Task = tuple["Future[Any]", Callable[[], Any]]


def at_once(_spent: float) -> None:
    """No pause."""


class _Thread(threading.Thread):
    """One of them, and what it is to do next; None ends it."""

    def __init__(self, work: Callable[["_Thread"], None], task: _Task | None, *, name: str) -> None:
        super().__init__(target=work, args=(self,), name=name, daemon=True)
        self.task = task
        self._asleep = threading.Lock()
        self._asleep.acquire()

    def wake(self, task: _Task | None) -> None:
        """Have it go on with that."""
        self.task = task
        self._asleep.release()

    def sleep(self) -> None:
        """Wait to be woken."""
        self._asleep.acquire()


class RequestThreads(Executor):
    """At most `count` threads. Of those that are free the last one to be so takes what comes.

    Its caches are warm, and so is what a runtime keeps for it: taking them in turn costs a request
    that comes alone a tenth of its time. `niceness` is added to that of the process, of which Linux
    keeps one for each thread. When a thread has done something and its result is told, it calls
    `pause` with the seconds that took, times `count`, as others go on meanwhile.
    """

    def __init__(self, count: int, *, name: str, niceness: int = 0, pause: Pause = at_once) -> None:
        self._count = count
        self._pause = pause
        self._name = name
        self._niceness = niceness
        self._waiting: deque[_Task] = deque()
        self._alive: set[_Thread] = set()
        self._free: list[_Thread] = []
        self._closed = False
        self._changed = threading.Condition()

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> "Future[_T]":
        """Have it done by a thread that is free, or by the next one.

        Where there is none, and the system gives none, it ends with the `RuntimeError` of that.
        Raises `RuntimeError` once shut.
        """
        future: Future[_T] = Future()
        task = (future, partial(fn, *args, **kwargs))
        with self._changed:
            if self._closed:
                raise RuntimeError(f"the threads for {self._name} have been shut down")
            if self._free:
                self._free.pop().wake(task)
            else:
                self._waiting.append(task)
                self._have_more()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002  as the base class has it
        """Finish what was submitted and end the threads; waits for none that hangs.

        With `cancel_futures` finish what has begun, and drop what has not.
        """
        with self._changed:
            self._closed = True
            dropped = list(self._waiting) if cancel_futures else []
            if cancel_futures:
                self._waiting.clear()
            while self._free:
                self._free.pop().wake(None)
        for future, _ in dropped:
            future.cancel()
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: not self._alive)

    def _have_more(self) -> None:
        """Start threads for what waits, as far as there may be more and the system gives any."""
        try:
            while self._waiting and len(self._alive) < self._count:
                self._start(self._waiting[0])
                self._waiting.popleft()
        except RuntimeError as error:
            while self._waiting and not self._alive:  # nobody would ever do it
                future, _ = self._waiting.popleft()
                if future.set_running_or_notify_cancel():
                    future.set_exception(error)

    def _start(self, task: _Task) -> None:
        thread = _Thread(self._work, task, name=self._name)
        self._alive.add(thread)
        try:
            thread.start()
        except RuntimeError:  # no more of them, or no memory for one
            self._alive.discard(thread)
            raise

    def _work(self, thread: _Thread) -> None:
        give_way(self._niceness)
        while (task := thread.task) is not None:
            thread.task = None
            began = time.monotonic()
            kept = self._do(thread, *task)
            del task  # what it refers to may be let go while this thread waits
            if not kept:
                return  # another thread takes the place of this one
            self._pause((time.monotonic() - began) * self._count)
            self._find_next(thread)
        with self._changed:
            self._end(thread)

    def _find_next(self, thread: _Thread) -> None:
        with self._changed:
            if self._waiting:
                thread.task = self._waiting.popleft()
                return
            if self._closed:
                return
            self._free.append(thread)
        thread.sleep()

    def _do(self, thread: _Thread, future: "Future[Any]", work: Callable[[], Any]) -> bool:
        """Do the work unless nobody waits for it any more; False where it was given up."""
        if not future.set_running_or_notify_cancel():
            return True
        with abandonable(partial(self._give_up, future, thread)):
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

    def _give_up(self, future: "Future[Any]", thread: _Thread, error: Exception) -> None:
        with suppress(InvalidStateError):  # it has ended just now
            future.set_exception(error)
            with self._changed:
                self._end(thread)
                self._have_more()

    def _end(self, thread: _Thread) -> None:
        self._alive.discard(thread)
        self._changed.notify_all()
