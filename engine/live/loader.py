"""The loader: threads for what takes as long as it takes to read an index.

What can wait is loaded one after another; what somebody waits for has a thread of its own, so that
it never waits for another collection. What hangs, as the trial of a checkpoint may for minutes,
keeps no process from ending. Knows nothing of what is loaded.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue

from molt.artifact import panics_contained
from molt.engine.threads import CLOSE_SECONDS

Work = Callable[[], None]

_AT_ONCE = 32


class Loader:
    """Runs each piece of work by its name; one that has not begun yet is not asked for twice."""

    def __init__(self) -> None:
        self._patient = _DaemonPool(1, name="loading")
        self._urgent = _DaemonPool(_AT_ONCE, name="loading-now")
        self._waiting: dict[str, Future[None]] = {}
        self._running: dict[str, Future[None]] = {}
        self._lock = threading.Lock()

    def soon(self, name: str, work: Work) -> Future[None]:
        """When its turn comes."""
        with self._lock:
            found = self._waiting.get(name)
            if found is None or found.running() or found.done():
                found = self._patient.submit(work)
            self._waiting = _unfinished(self._waiting | {name: found})
            return found

    def now(self, name: str, work: Work) -> Future[None]:
        """At once; whoever asks for it while it goes on waits for the same."""
        with self._lock:
            found = self._running.get(name)
            if found is None or found.done():
                found = self._urgent.submit(work)
            self._running = _unfinished(self._running | {name: found})
            return found

    def close(self, *, patience: float = CLOSE_SECONDS) -> None:
        """Begin nothing more, and wait for what is at work, `patience` seconds at most."""
        until = time.monotonic() + patience
        for pool in (self._patient, self._urgent):
            pool.stop()
        for pool in (self._patient, self._urgent):
            pool.join(until)


class _DaemonPool:
    """`most` threads, each started when there is none that waits for work."""

    def __init__(self, most: int, *, name: str) -> None:
        self._most = most
        self._name = name
        self._pieces: SimpleQueue[tuple[Future[None], Work] | None] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._threads: list[threading.Thread] = []
        self._stopped = False
        self._lock = threading.Lock()

    def submit(self, work: Work) -> Future[None]:
        """Do it as soon as a thread is free. Raises `RuntimeError` once the pool is stopped."""
        future: Future[None] = Future()
        with self._lock:
            if self._stopped:
                raise RuntimeError("nothing is loaded any more: the process is ending")
            self._pieces.put((future, work))
            if not self._idle.acquire(blocking=False) and len(self._threads) < self._most:
                name = f"{self._name}-{len(self._threads)}"
                thread = threading.Thread(target=self._last, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()
        return future

    def stop(self) -> None:
        """Begin nothing more; whoever waits for what was not begun is told."""
        with self._lock:
            self._stopped = True
            with suppress(Empty):
                while True:
                    piece = self._pieces.get_nowait()
                    if piece is not None:
                        piece[0].cancel()
            for _ in self._threads:
                self._pieces.put(None)

    def join(self, until: float) -> None:
        """Wait for the threads, but not beyond `until` (monotonic)."""
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _last(self) -> None:
        while (piece := self._pieces.get()) is not None:
            _do(*piece)
            del piece  # it may refer to a whole index
            self._idle.release()


def _do(future: Future[None], work: Work) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        _contained(work)
    except BaseException as error:  # noqa: BLE001  raised again by whoever waits for it
        future.set_exception(error)
    else:
        future.set_result(None)


def _contained(work: Work) -> None:
    """Do it; a panic is raised as an `Exception`, which whoever waits for it can take."""
    with panics_contained():
        work()


def _unfinished(work: dict[str, Future[None]]) -> dict[str, Future[None]]:
    return {name: one for name, one in work.items() if not one.done()}
