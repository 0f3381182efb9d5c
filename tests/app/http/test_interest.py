"""Interest: work goes on while its client waits, and is given up once that has gone."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.requests import Request

from molt.app.http import interest
from molt.app.http.admission import Admission, Bulkhead
from molt.app.http.interest import run_while_wanted
from molt.encoder.errors import AbandonedError
from molt.encoder.safety.cancellation import current

SOON = 20.0
MORE = {"type": "http.request", "body": b"", "more_body": False}
GONE = {"type": "http.disconnect"}


class Client:
    """What a server says of a client: `messages`, and nothing after them until it is gone."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.messages = list(messages)
        self.looks = 0
        self.waited = asyncio.Event()
        self.gone = asyncio.Event()
        self.let_go = self.told = False

    async def receive(self) -> dict[str, Any]:
        self.looks += 1
        if self.messages:
            return self.messages.pop(0)
        self.waited.set()
        try:
            await self.gone.wait()
        except asyncio.CancelledError:
            self.let_go = True
            raise
        self.told = True
        return GONE

    @property
    def request(self) -> Request:
        return Request({"type": "http", "method": "POST", "headers": []}, self.receive)


@pytest.fixture
def admission() -> Iterator[Admission]:
    made = Admission(Bulkhead.BULK, max_pending=8, threads=1)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits is looked for without delay."""
    monkeypatch.setattr(interest, "_SHORT_SECONDS", 0.0)


async def until(condition: Callable[[], bool]) -> None:
    """Let others have their turn until it holds."""
    async with asyncio.timeout(SOON):
        while not condition():
            await asyncio.sleep(0)


def until_nobody_waits(begun: threading.Event) -> Callable[[], None]:
    """Work in pieces, each of which asks whether somebody still waits."""

    def work() -> None:
        begun.set()
        told = threading.Event()
        with current().telling(told.set):
            assert told.wait(SOON)
        current().check()

    return work


def test_work_whose_client_goes_away_is_told_and_given_up(admission: Admission) -> None:
    async def scenario() -> None:
        client, begun = Client(), threading.Event()
        work = until_nobody_waits(begun)
        asked = asyncio.create_task(run_while_wanted(client.request, work, admission=admission))
        await asyncio.wait_for(client.waited.wait(), SOON)
        assert await asyncio.to_thread(begun.wait, SOON)
        client.gone.set()
        with pytest.raises(AbandonedError):
            await asyncio.wait_for(asked, SOON)

    asyncio.run(scenario())


def test_what_waits_for_a_thread_is_not_begun_once_its_client_has_gone(
    admission: Admission,
) -> None:
    release, done = threading.Event(), list[int]()

    async def scenario() -> None:
        client = Client()
        holding = asyncio.create_task(admission.run(release.wait, SOON))
        asked = asyncio.create_task(
            run_while_wanted(client.request, lambda: done.append(1), admission=admission)
        )
        await asyncio.wait_for(client.waited.wait(), SOON)
        client.gone.set()
        await until(lambda: client.told)
        await asyncio.sleep(0)  # whoever looked hears of it
        release.set()
        with pytest.raises(AbandonedError):
            await asked
        await holding

    asyncio.run(scenario())
    assert done == []


def test_whatever_else_a_client_sends_is_no_end(admission: Admission) -> None:
    async def scenario() -> None:
        client, release = Client(MORE, MORE), threading.Event()
        asked = asyncio.create_task(
            run_while_wanted(
                client.request,
                lambda: (release.wait(SOON), current().cancelled),
                admission=admission,
            )
        )
        await asyncio.wait_for(client.waited.wait(), SOON)
        release.set()
        assert await asked == (True, False)

    asyncio.run(scenario())


def test_nobody_is_looked_for_after_the_work_has_ended(admission: Admission) -> None:
    async def scenario() -> None:
        client, release = Client(), threading.Event()
        asked = asyncio.create_task(
            run_while_wanted(client.request, lambda: release.wait(SOON), admission=admission)
        )
        await asyncio.wait_for(client.waited.wait(), SOON)
        release.set()
        assert await asked is True
        await until(lambda: client.let_go)

    asyncio.run(asyncio.wait_for(scenario(), SOON))


def test_for_short_work_nobody_is_looked_for(
    admission: Admission, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interest, "_SHORT_SECONDS", SOON)

    async def scenario() -> None:
        client, later = Client(), list[asyncio.TimerHandle]()
        loop = asyncio.get_running_loop()
        call_later = loop.call_later

        def note(delay: float, *given: Any) -> asyncio.TimerHandle:
            later.append(call_later(delay, *given))
            return later[-1]

        monkeypatch.setattr(loop, "call_later", note)
        assert await run_while_wanted(client.request, lambda: 1, admission=admission) == 1
        assert [one.cancelled() for one in later] == [True]
        assert client.looks == 0

    asyncio.run(scenario())


def test_what_fails_fails_as_it_would_otherwise(admission: Admission) -> None:
    async def scenario() -> None:
        client = Client()
        with pytest.raises(ZeroDivisionError):
            await run_while_wanted(client.request, lambda: 1 // 0, admission=admission)
        assert admission.pending == 0

    asyncio.run(scenario())
