"""Admission: how many requests may be at work or waiting, and the threads they work in.

Requests of different kinds have bulkheads between them: each kind has threads and a bound of its
own, so that no kind waits for another. Beyond its bound a request is refused at once, with the time
after which a place should be free, so that what was accepted stays fast.
"""

import asyncio
import math
import time
from collections.abc import Callable
from enum import StrEnum
from typing import ParamSpec, TypeVar

from molt.app.http.threads import Pause, RequestThreads, at_once
from molt.artifact import panics_contained
from molt.artifact.tracing import within_trace

_P = ParamSpec("_P")
_T = TypeVar("_T")

_SMOOTHING = 0.05


class Bulkhead(StrEnum):
    """A kind of request that waits for none of another kind."""

    READS = "reads"
    """Short ones that only read: a search, a document."""
    RERANKS = "reranks"
    """Searches that re-rank, for which passages may have to be encoded."""
    QUERIES = "queries"
    """The embedding of one query."""
    BULK = "bulk"
    """Long ones that only read: embeddings of many texts, lists."""
    EXPORTS = "exports"
    """Whole collections, each as long as its client takes to read it."""
    WRITES = "writes"
    """What takes the catalog's lock: documents, judgments, events, collections."""
    IMPORTS = "imports"
    """Streams of documents, which give way to all others."""
    ADMINISTRATION = "administration"
    """Releases, jobs, checkpoints, reports."""
    BODIES = "bodies"
    """Reading large bodies, whatever is asked with them."""
    KEYS = "keys"
    """Looking a key up, which comes before all others."""
    PACKING = "packing"
    """Packing large answers, whatever they answer."""
    METRICS = "metrics"
    """A scrape."""


class OverloadedError(Exception):
    """Too much is waiting; `retry_after` is in whole seconds, `where` names what is full."""

    def __init__(self, retry_after: int, *, where: str) -> None:
        super().__init__(f"the server is at its limit ({where}); try again in {retry_after} s")
        self.retry_after = retry_after
        self.where = where


class Admission:
    """A bounded queue in front of `threads` threads. Used from one event loop.

    `niceness` is added to that of the process, so that its threads give way to others, and `pause`
    is called with the seconds for which they worked (`RequestThreads`).
    `on_pending` is called with the number of requests at work or waiting when it changes.
    """

    def __init__(  # noqa: PLR0913  each by name
        self,
        bulkhead: Bulkhead,
        *,
        max_pending: int,
        threads: int,
        niceness: int = 0,
        pause: Pause = at_once,
        on_pending: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.bulkhead = bulkhead
        self._max_pending = max_pending
        self._threads = threads
        self._on_pending = on_pending
        # Not anyio's threads, which cost the event loop four times as much a call.
        self._pool = RequestThreads(threads, name=bulkhead, niceness=niceness, pause=pause)
        self._mean_seconds = 0.01
        self.pending = 0

    async def run(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run blocking `work` in a request thread. Raises `OverloadedError` where full."""
        self.check_room()
        self._count(1)
        try:
            loop = asyncio.get_running_loop()
            traced = within_trace(self._timed)
            return await loop.run_in_executor(self._pool, lambda: traced(work, args, kwargs))
        finally:
            self._count(-1)

    def check_room(self) -> None:
        """Raise `OverloadedError` where the next request would be refused."""
        if not self.has_room():
            raise OverloadedError(self.retry_after, where=self.bulkhead)

    def has_room(self, *, besides: int = 0) -> bool:
        """Would the next request be let in?

        `besides` are requests that were let in and have not come here yet.
        """
        return self.pending + besides < self._max_pending

    @property
    def retry_after(self) -> int:
        """Seconds, at least 1, in which the requests now waiting should be done."""
        return max(1, math.ceil(self.pending * self._mean_seconds / self._threads))

    def close(self) -> None:
        """Finish what was begun, drop what was not, and stop the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _count(self, change: int) -> None:
        self.pending += change
        self._on_pending(self.pending)

    def _timed(
        self, work: Callable[..., _T], args: tuple[object, ...], kwargs: dict[str, object]
    ) -> _T:
        started = time.monotonic()
        try:
            with panics_contained():  # or the request would be taken for one that was given up
                return work(*args, **kwargs)
        finally:
            spent = time.monotonic() - started
            self._mean_seconds += _SMOOTHING * (spent - self._mean_seconds)
