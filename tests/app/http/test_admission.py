"""Admission bounds how many requests are at work or waiting."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from molt.app.http.admission import Admission, Bulkhead, OverloadedError
from molt.artifact import PanicError
from tests.panics import PanicException

SOON = 20.0


@pytest.fixture
def admission() -> Iterator[Admission]:
    admission = Admission(Bulkhead.READS, max_pending=2, threads=1)
    yield admission
    admission.close()


def test_work_is_done_in_a_thread_of_its_own(admission: Admission) -> None:
    async def scenario() -> None:
        assert await admission.run(threading.get_ident) != threading.get_ident()

    asyncio.run(scenario())


def test_beyond_the_bound_a_request_is_refused_at_once_and_the_others_end(
    admission: Admission,
) -> None:
    release = threading.Event()

    async def scenario() -> None:
        accepted = [asyncio.create_task(admission.run(release.wait)) for _ in range(2)]
        await asyncio.sleep(0)
        assert admission.pending == 2
        with pytest.raises(OverloadedError) as refused:
            await admission.run(int)
        assert refused.value.retry_after >= 1
        assert refused.value.where == "reads"
        release.set()
        assert await asyncio.gather(*accepted) == [True, True]
        assert admission.pending == 0

    asyncio.run(scenario())


def test_closing_ends_what_was_begun_and_drops_what_was_not(admission: Admission) -> None:
    release, done = threading.Event(), list[int]()

    async def scenario() -> None:
        begun = asyncio.create_task(admission.run(release.wait))
        waiting = asyncio.create_task(admission.run(done.append, 1))
        await asyncio.sleep(0)
        closing = asyncio.create_task(asyncio.to_thread(admission.close))
        async with asyncio.timeout(SOON):
            while not admission._pool._closed:
                await asyncio.sleep(0)
        release.set()
        ended = await asyncio.gather(begun, waiting, return_exceptions=True)
        await closing
        assert ended[0] is True
        assert isinstance(ended[1], asyncio.CancelledError)

    asyncio.run(scenario())
    assert done == []


def test_a_panic_is_an_error_like_others(admission: Admission) -> None:
    """Starlette would take what is no `Exception` for a client that went away."""

    def panic() -> None:
        raise PanicException("a secret")

    with pytest.raises(PanicError) as raised:
        asyncio.run(admission.run(panic))
    assert "secret" not in str(raised.value)


def test_a_failure_frees_its_place(admission: Admission) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    async def scenario() -> None:
        for _ in range(5):
            with pytest.raises(ZeroDivisionError):
                await admission.run(fail)
        assert admission.pending == 0

    asyncio.run(scenario())


def test_the_time_to_retry_grows_with_the_time_that_requests_take(admission: Admission) -> None:
    admission.pending = 2
    soon = admission.retry_after
    admission._mean_seconds = 30.0
    assert soon == 1
    assert admission.retry_after == 60
