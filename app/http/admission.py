"""Admission: how many requests may be at work or waiting, and the threads they work in.

Beyond the bound a request is refused at once, with the time after which a place should be free,
so that what was accepted stays fast.
"""

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_SMOOTHING = 0.05


class OverloadedError(Exception):
    """Too many requests are waiting; `retry_after` is in whole seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"the server is at its limit; try again in {retry_after} s")
        self.retry_after = retry_after


class Admission:
    """A bounded queue in front of `threads` threads. Used from one event loop."""

    def __init__(self, *, max_pending: int, threads: int) -> None:
        self._max_pending = max_pending
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self._mean_seconds = 0.01
        self.pending = 0

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run blocking `work` in a request thread. Raises `OverloadedError` where full."""
        if self.pending >= self._max_pending:
            raise OverloadedError(self.retry_after)
        self.pending += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, lambda: self._timed(work, args, kwargs))
        finally:
            self.pending -= 1

    @property
    def retry_after(self) -> int:
        """Seconds, at least 1, in which the requests now waiting should be done."""
        return max(1, math.ceil(self.pending * self._mean_seconds / self._threads))

    def close(self) -> None:
        """Finish what was accepted and stop the threads."""
        self._pool.shutdown(wait=True)

    def _timed(
        self, work: Callable[..., T], args: tuple[object, ...], kwargs: dict[str, object]
    ) -> T:
        started = time.monotonic()
        try:
            return work(*args, **kwargs)
        finally:
            spent = time.monotonic() - started
            self._mean_seconds += _SMOOTHING * (spent - self._mean_seconds)
