"""What the client sends again, when, and what it does not; the server's part is played."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from molt_client import AsyncMolt, Molt, MoltError, Retries, UnreachableError
from molt_client.shapes import JobEvent

BUSY = {"type": "urn:molt:problem:overloaded", "detail": "come back"}
QUICK = Retries(first_seconds=0.0001)
EVENTS = [
    b'event: progress\nid: 1\ndata: {"step": "train"}\n\n',
    b'event: progress\nid: 2\ndata: {"step":\ndata: "swap"}\n\n',
    b'event: end\nid: 3\ndata: {"state": "done"}\n\n',
]
Answer = httpx.Response | Exception
Followed = Callable[[list[Answer]], tuple[list[JobEvent], list[httpx.Request]]]


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("molt_client.client.time.sleep", slept.append)
    monkeypatch.setattr("molt_client.asynchronous.asyncio.sleep", sleep)
    return slept


def played(answers: list[Answer], seen: list[httpx.Request]) -> httpx.MockTransport:
    left = iter(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        given = next(left)
        if isinstance(given, Exception):
            raise given
        return given

    return httpx.MockTransport(answer)


def alone(answers: list[Answer], ask: Callable[[Molt], Any]) -> tuple[Any, list[httpx.Request]]:
    seen: list[httpx.Request] = []
    with Molt("http://molt", retries=QUICK, transport=played(answers, seen)) as molt:
        return ask(molt), seen


def followed_alone(answers: list[Answer]) -> tuple[list[JobEvent], list[httpx.Request]]:
    return alone(answers, lambda molt: list(molt.follow("j1")))


def followed_by_coroutines(answers: list[Answer]) -> tuple[list[JobEvent], list[httpx.Request]]:
    seen: list[httpx.Request] = []

    async def follow() -> list[JobEvent]:
        transport = played(answers, seen)
        async with AsyncMolt("http://molt", retries=QUICK, transport=transport) as molt:
            return [event async for event in molt.follow("j1")]

    return asyncio.run(follow()), seen


@pytest.fixture(params=[followed_alone, followed_by_coroutines])
def followed(request: pytest.FixtureRequest) -> Followed:
    """Follows a job by either client: the events, and what was asked for."""
    found: Followed = request.param
    return found


def busy(status: int = 429, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json=BUSY, headers=named)


def sound() -> httpx.Response:
    return httpx.Response(200, json={"collections": []})


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again_when_it_says(status: int, pauses: list[float]) -> None:
    answers: list[Answer] = [busy(status, retry_after="3"), sound()]
    found, seen = alone(answers, Molt.collections)
    assert found == []
    assert len(seen) == 2
    assert 3 <= pauses[0] <= 3.25


def test_no_pause_is_longer_than_the_longest(pauses: list[float]) -> None:
    alone([busy(retry_after="7200"), sound()], Molt.collections)
    assert pauses == [QUICK.longest_seconds]


def test_pauses_double_where_the_server_says_nothing(pauses: list[float]) -> None:
    alone([busy(), busy(), busy(), sound()], Molt.collections)
    for at, pause in enumerate(pauses):
        assert 0.5 <= pause / (QUICK.first_seconds * 2**at) <= 1


def test_it_is_asked_so_often_and_then_told(pauses: list[float]) -> None:
    with pytest.raises(MoltError, match="come back") as caught:
        alone([busy() for _ in range(9)], Molt.collections)
    assert caught.value.code == "overloaded"
    assert len(pauses) == QUICK.attempts - 1


@pytest.mark.parametrize("status", [401, 404, 413, 422, 500, 507])
def test_other_errors_are_told_at_once(status: int, pauses: list[float]) -> None:
    with pytest.raises(MoltError):
        alone([busy(status), sound()], Molt.collections)
    assert pauses == []


def test_a_lost_answer_is_asked_for_again_where_that_changes_nothing(pauses: list[float]) -> None:
    lost = httpx.ReadError("gone")
    _, seen = alone([lost, sound()], Molt.collections)
    assert len(seen) == 2
    with pytest.raises(UnreachableError):
        alone([lost, sound()], lambda molt: molt.send_events([{"action_name": "click"}]))
    assert len(pauses) == 1


def test_what_was_never_sent_is_sent_again_whatever_it_is(pauses: list[float]) -> None:
    answers: list[Answer] = [httpx.ConnectError("away"), httpx.Response(200, json={"accepted": 1})]
    kept, _ = alone(answers, lambda molt: molt.send_events([{"action_name": "click"}]))
    assert kept == 1
    assert len(pauses) == 1


def test_what_a_stopping_server_may_have_done_is_not_asked_for_twice(pauses: list[float]) -> None:
    with pytest.raises(MoltError, match="come back"):
        alone([busy(503), httpx.Response(200, json={})], lambda molt: molt.rollback("shop"))
    assert pauses == []
    _, seen = alone([busy(429), httpx.Response(200, json={})], lambda molt: molt.rollback("shop"))
    assert len(seen) == 2


def test_a_page_of_a_proxy_is_an_error_like_others() -> None:
    with pytest.raises(MoltError) as caught:
        alone([httpx.Response(502, text="<h1>Bad gateway</h1>")], Molt.collections)
    assert (caught.value.status, caught.value.detail) == (502, "Bad Gateway")


def test_a_retrain_that_is_asked_for_twice_has_one_key(pauses: list[float]) -> None:
    answers: list[Answer] = [httpx.ReadError("gone"), httpx.Response(202, json={"id": "j1"})]
    job, seen = alone(answers, lambda molt: molt.retrain("shop"))
    first, second = (request.headers["idempotency-key"] for request in seen)
    assert first == second
    assert job == {"id": "j1"}
    assert json.loads(seen[0].content)["promote"] == "gated"


class Cut(httpx.SyncByteStream, httpx.AsyncByteStream):
    """Some bytes, and then the connection is gone."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces
        raise httpx.ReadError("cut")

    async def __aiter__(self):
        for piece in self:
            yield piece


def cut_and_whole() -> list[Answer]:
    return [
        httpx.Response(200, stream=Cut(EVENTS[0], EVENTS[1][:20])),
        busy(503),
        httpx.Response(200, content=b": quiet\n\n" + EVENTS[1] + EVENTS[2]),
    ]


def test_a_job_is_followed_from_where_the_stream_was_cut(
    followed: Followed, pauses: list[float]
) -> None:
    told, seen = followed(cut_and_whole())
    assert [(one["id"], one["kind"]) for one in told] == [
        ("1", "progress"),
        ("2", "progress"),
        ("3", "end"),
    ]
    assert told[1]["data"] == {"step": "swap"}
    assert "last-event-id" not in seen[0].headers
    assert [request.headers["last-event-id"] for request in seen[1:]] == ["1", "1"]
    assert len(pauses) == 2


def test_a_stream_that_only_breaks_is_given_up(followed: Followed, pauses: list[float]) -> None:
    answers: list[Answer] = [httpx.Response(200, stream=Cut()) for _ in range(9)]
    with pytest.raises(UnreachableError):
        followed(answers)
    assert len(pauses) == QUICK.attempts - 1


@pytest.mark.parametrize("beginning", [b"", b"event: end", b"event: end\r"])
def test_a_stream_that_ends_and_says_nothing_of_that_is_given_up(
    followed: Followed, beginning: bytes, pauses: list[float]
) -> None:
    answers: list[Answer] = [httpx.Response(200, content=beginning) for _ in range(9)]
    with pytest.raises(UnreachableError, match="/admin/jobs/j1/events: the stream was cut"):
        followed(answers)
    assert len(pauses) == QUICK.attempts - 1


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_what_parts_lines_for_others_is_data_in_a_stream(followed: Followed, end: str) -> None:
    told = "one\u2028two\x85three"
    stream = f'event: end{end}id: 1{end}data: {{"told": "{told}"}}{end}{end}'.encode()
    pieces = [stream[at : at + 1] for at in range(len(stream))]
    answers: list[Answer] = [httpx.Response(200, stream=Cut(*pieces, b": more"))]
    (event,), _ = followed(answers)
    assert event["data"] == {"told": told}
