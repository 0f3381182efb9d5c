"""Interest: whether the client of a request still waits for its answer. Knows no endpoint."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from starlette.requests import Request

from molt.app.http.admission import Admission
from molt.encoder.safety.cancellation import Cancellation

_T = TypeVar("_T")


async def run_while_wanted(request: Request, work: Callable[[], _T], *, admission: Admission) -> _T:
    """Run blocking `work` in the threads of `admission` until the client goes away.

    The body must have been read. What has not begun then never does; what has is told by its
    cancellation. Raises `AbandonedError`, and as `Admission.run`.
    """
    cancellation = Cancellation()

    def heeding() -> _T:
        with cancellation.scope():
            return work()

    gone = asyncio.ensure_future(_gone(request))
    gone.add_done_callback(lambda _: cancellation.cancel())
    try:
        return await admission.run(heeding)
    finally:
        gone.cancel()


async def _gone(request: Request) -> None:
    """Wait until the client has gone away."""
    while (await request.receive())["type"] != "http.disconnect":
        continue
