"""What a connection makes of the bytes that come, in whatever pieces; its transport is a list."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from molt.app.http.connections.connection import Connection
from molt.app.http.connections.monitor import MONITOR, ConnectionMonitor
from molt.app.http.connections.pace import PATIENCE_SECONDS
from molt.engine.sections import LimitSettings

pytestmark = pytest.mark.promise("P5", "heads without end, slow clients, too many connections")

LIMITS = LimitSettings()
CHUNKED = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
ENDLESS = b"POST / HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\nx"


class Transport(asyncio.Transport):
    """Takes what is written, and can be closed."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return 0

    def can_write_eof(self) -> bool:
        return False

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    @property
    def statuses(self) -> list[int]:
        return [int(part[:3]) for part in self.written.split(b"HTTP/1.1 ")[1:]]


class Made:
    """A connection, and the headers of each request that its application has answered."""

    def __init__(self) -> None:
        self.transport = Transport()
        self.requests: list[list[tuple[bytes, bytes]]] = []
        self.body = b""
        config = uvicorn.Config(
            self.app, log_config=None, interface="asgi3", ws="none", timeout_keep_alive=75
        )
        config.load()
        state = {MONITOR: ConnectionMonitor(LIMITS, most=50)}
        self.connection = Connection(config=config, server_state=ServerState(), app_state=state)
        self.connection.connection_made(self.transport)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        self.requests.append(scope["headers"])
        while scope["path"] == "/read":
            message = await receive()
            self.body += message["body"]
            if not message["more_body"]:
                break
        headers = [(b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def say(self, content: bytes, *, pieces: int) -> None:
        """Send it in pieces of so many bytes, and let what it begins come to its end."""
        for start in range(0, len(content), pieces):
            self.connection.data_received(content[start : start + pieces])
        for _ in range(200):
            await asyncio.sleep(0)


@asynccontextmanager
async def made() -> AsyncIterator[Made]:
    one = Made()
    try:
        yield one
    finally:
        one.connection.connection_lost(None)
        one.connection._monitor._looking = False


def in_a_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    @wraps(test)
    def run(**given: Any) -> None:
        asyncio.run(test(**given))

    return run


def get(headers: int) -> bytes:
    return b"GET / HTTP/1.1\r\n" + b"X: 1\r\n" * headers + b"\r\n"


@pytest.fixture(params=[1, 7, 4096, 10**6], ids=lambda size: f"pieces of {size}")
def pieces(request: pytest.FixtureRequest) -> int:
    size: int = request.param
    return size


@in_a_loop
async def test_as_many_headers_as_there_may_be_are_taken_of_each_request(pieces: int) -> None:
    async with made() as one:
        await one.say(get(LIMITS.max_headers) * 20, pieces=pieces)
        assert one.transport.statuses == [200] * 20


@in_a_loop
async def test_one_header_more_is_refused_after_what_came_before_it(pieces: int) -> None:
    async with made() as one:
        await one.say(get(1), pieces=pieces)
        await one.say(get(LIMITS.max_headers + 1) + get(1), pieces=pieces)
        assert one.transport.statuses == [200, 431]


@in_a_loop
async def test_what_comes_behind_a_body_is_no_header(pieces: int) -> None:
    trailers = b"Authorization: Bearer mine\r\nX-Request-ID: theirs\r\n\r\n"
    async with made() as one:
        await one.say(CHUNKED + trailers + get(2), pieces=pieces)
        assert one.transport.statuses == [200, 200]
        assert one.requests == [[(b"transfer-encoding", b"chunked")], [(b"x", b"1")] * 2]


@in_a_loop
async def test_more_behind_a_body_than_there_may_be_headers_is_refused(pieces: int) -> None:
    async with made() as one:
        await one.say(CHUNKED + b"X: 1\r\n" * (LIMITS.max_headers + 1) + b"\r\n", pieces=pieces)
        assert one.transport.statuses[-1] == 431
        assert not one.connection.is_idle


@in_a_loop
async def test_the_rest_of_a_body_that_was_answered_is_awaited_for_a_while() -> None:
    async with made() as one:
        await one.say(ENDLESS, pieces=4096)
        assert one.transport.statuses == [200]
        answered = one.connection.since
        one.connection.data_received(b"x" * 10**6)
        one.connection.look(answered + PATIENCE_SECONDS - 1)
        assert not one.transport.closed
        one.connection.look(answered + PATIENCE_SECONDS + 1)
        assert one.transport.closed


@in_a_loop
async def test_a_body_that_ends_after_its_answer_leaves_the_connection_open() -> None:
    async with made() as one:
        await one.say(CHUNKED[:-3], pieces=4096)
        await one.say(CHUNKED[-3:] + b"\r\n" + get(1), pieces=4096)
        one.connection.look(one.connection.since + PATIENCE_SECONDS + 1)
        assert one.transport.statuses == [200, 200]
        assert not one.transport.closed


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket"])
@in_a_loop
async def test_a_request_that_would_change_the_protocol_is_taken_as_any_other(
    pieces: int, protocol: bytes
) -> None:
    head = b"POST /read HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: " + protocol
    body = b"\r\nContent-Length: 5\r\n\r\nboots"
    async with made() as one:
        for _ in range(2):
            await one.say(head + body + get(1), pieces=pieces)
        assert one.transport.statuses == [200] * 4
        assert one.body == b"bootsboots"
        assert one.requests[0] == [(b"connection", b"Upgrade"), (b"content-length", b"5")]


@in_a_loop
async def test_many_requests_that_would_change_the_protocol_are_all_answered(pieces: int) -> None:
    asked = b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    async with made() as one:
        await one.say(asked * 50, pieces=pieces)
        await one.say(get(LIMITS.max_headers + 1), pieces=pieces)
        assert one.transport.statuses == [200] * 50 + [431]


@in_a_loop
async def test_a_tunnel_is_refused(pieces: int) -> None:
    async with made() as one:
        await one.say(b"CONNECT localhost:80 HTTP/1.1\r\nUpgrade: h2c\r\n\r\n", pieces=pieces)
        assert one.transport.statuses == [400]
