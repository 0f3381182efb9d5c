"""Interest: whether the client of a request still waits for its answer. Knows no endpoint."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from starlette.requests import Request

from molt.app.http.admission import Admission
from molt.encoder.safety.cancellation import Cancellation

_T = TypeVar("_T")

_SHORT_SECONDS = 0.02
"""Work that is done by then is never given up."""


async def run_while_wanted(request: Request, work: Callable[[], _T], *, admission: Admission) -> _T:
    """Run blocking `work` in the threads of `admission` until the client goes away.

    The body must have been read. What has not begun then never does; what has is told by its
    cancellation. Raises `AbandonedError`, and as `Admission.run`.
    """
    cancellation = Cancellation()

    def heeding() -> _T:
        with cancellation.scope():
            return work()

    watch = _Watch(request, cancellation)
    try:
        return await admission.run(heeding)
    finally:
        watch.end()


class _Watch:
    """Looks for the end of a client, unless the work ends sooner than it would be worth it."""

    def __init__(self, request: Request, cancellation: Cancellation) -> None:
        self._request = request
        self._cancellation = cancellation
        self._gone: asyncio.Task[None] | None = None
        self._begin = asyncio.get_running_loop().call_later(_SHORT_SECONDS, self._look)

    def end(self) -> None:
        """Look no more."""
        self._begin.cancel()
        if self._gone is not None:
            self._gone.cancel()

    def _look(self) -> None:
        self._gone = asyncio.create_task(_gone(self._request))
        self._gone.add_done_callback(lambda _: self._cancellation.cancel())


async def _gone(request: Request) -> None:
    """Wait until the client has gone away."""
    while (await request.receive())["type"] != "http.disconnect":
        continue
