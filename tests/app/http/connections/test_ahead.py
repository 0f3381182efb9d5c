"""Requests sent ahead: they cost little while they wait, keep their order, and can be left."""

import asyncio
import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import uvicorn

from molt.app.http.connections.connection import Connection
from molt.app.http.connections.monitor import MONITOR, ConnectionMonitor
from molt.engine.sections import LimitSettings
from tests.waiting import wait_until

pytestmark = pytest.mark.promise("P5", "heads without end, slow clients, too many connections")

SOON = 20.0
GET = b"GET / HTTP/1.1\r\n\r\n"


class Served:
    """An application that answers when it is let, behind real connections in this process."""

    def __init__(self) -> None:
        self.monitor = ConnectionMonitor(LimitSettings(), most=50)
        self.let = threading.Event()
        self.begun: list[bytes] = []
        self.left = 0
        self.port = 0

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            scope["state"][MONITOR] = self.monitor
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = b""
        if scope["method"] == "POST":
            more = True
            while more:
                message = await receive()
                body += message["body"]
                more = message["more_body"]
        self.begun.append(body)
        leaving = asyncio.ensure_future(self._gone(receive))
        while not self.let.is_set() and not leaving.done():
            await asyncio.sleep(0.002)
        self.left += leaving.done()
        leaving.cancel()
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _gone(self, receive: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            continue

    @property
    def waiting(self) -> int:
        """How many requests were read and have not had their turn."""
        return sum(len(one.pipeline) for one in self.monitor._connections.copy())

    def connected(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=SOON)


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        made.port = listening.getsockname()[1]
        config = uvicorn.Config(
            made.app, http=Connection, lifespan="on", interface="asgi3", log_config=None
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield made
        made.let.set()
        server.should_exit = True
        thread.join()


def send_what_is_taken(connection: socket.socket, content: bytes) -> None:
    """Until the server takes no more."""
    connection.settimeout(0.5)
    try:
        connection.sendall(content)
    except TimeoutError:
        return


def test_few_of_the_requests_that_are_sent_ahead_are_read(served: Served) -> None:
    with closing(served.connected()) as greedy:
        send_what_is_taken(greedy, GET * 1_000_000)
        assert 0 < served.waiting < 1_000
        served.let.set()
        wait_until(lambda: len(served.begun) > 5_000)
        assert served.waiting < 1_000


def test_whoever_sends_ahead_gets_every_answer_in_its_order(served: Served) -> None:
    bodies = [b"%06d" % number + b"x" * (number % 977) for number in range(2_000)]
    requests = [b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(one) + one for one in bodies]
    served.let.set()
    with closing(served.connected()) as client:
        sending = threading.Thread(target=client.sendall, args=(b"".join(requests),))
        sending.start()
        with client.makefile("rb") as answers:
            got = []
            while len(got) < len(bodies):
                assert answers.readline() == b"HTTP/1.1 200 OK\r\n"
                size = 0
                while (line := answers.readline()) != b"\r\n":
                    name, _, value = line.partition(b": ")
                    size = int(value) if name == b"content-length" else size
                got.append(answers.read(size))
        sending.join()
    assert got == bodies


@pytest.mark.parametrize("how", ["reset", "closed"])
def test_a_client_that_goes_away_behind_a_request_sent_ahead_is_noticed(
    served: Served, how: str
) -> None:
    with closing(served.connected()) as client:
        client.sendall(GET + GET)
        wait_until(lambda: served.waiting == 1)
        if how == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wait_until(lambda: served.left == 1)
    assert len(served.begun) == 1


def test_a_head_that_is_refused_after_an_answer_is_told_why(served: Served) -> None:
    served.let.set()
    with closing(served.connected()) as client:
        client.sendall(GET)
        assert client.recv(65_536).startswith(b"HTTP/1.1 200")
        client.sendall(b"GET / HTTP/1.1\r\n" + b"X: 1\r\n" * 200 + b"\r\n")
        content = b""
        while piece := client.recv(65_536):
            content += piece
    assert content.startswith(b"HTTP/1.1 431")
    assert json.loads(content.partition(b"\r\n\r\n")[2])["status"] == 431


class Turns(threading.Event):
    """Lets one request be answered each time it is `set`."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 0

    def set(self) -> None:
        self.left += 1

    def is_set(self) -> bool:
        self.left -= 1
        return self.left >= 0 or bool(self.__dict__.update(left=0))


def test_a_client_that_has_said_all_gets_the_answer_to_what_it_sent_ahead(served: Served) -> None:
    served.let = Turns()
    with closing(served.connected()) as client:
        client.sendall(GET + GET)
        client.shutdown(socket.SHUT_WR)
        wait_until(lambda: len(served.begun) == 1)
        served.let.set()
        wait_until(lambda: len(served.begun) == 2)
        wait_until(lambda: all(one._half_closed for one in served.monitor._connections.copy()))
        served.let.set()
        content = b""
        while piece := client.recv(65_536):
            content += piece
    assert content.count(b"HTTP/1.1 200 OK") == 2
    assert served.left == 0


def test_a_connection_is_not_idle_while_what_was_sent_ahead_is_answered(served: Served) -> None:
    served.let = Turns()
    with closing(served.connected()) as client:
        client.sendall(GET + GET)
        wait_until(lambda: len(served.begun) == 1)
        served.let.set()
        wait_until(lambda: len(served.begun) == 2)
        (connection,) = served.monitor._connections
        assert not connection.is_idle
        served.let.set()
        wait_until(lambda: connection.is_idle)
