"""The least rate, by a clock of our own; and what a connection does to whoever keeps below it."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest
import uvicorn

from molt.app.application import create_app
from molt.app.http.connections import pace
from molt.app.http.connections.pace import PATIENCE_SECONDS, Pace
from molt.app.http.connections.shedding import SheddingConnection
from molt.engine.settings import load_settings
from tests.app.serving import open_engine
from tests.waiting import wait_until

RATE = 1000
LEAST = int(RATE * PATIENCE_SECONDS)
SOON = 60.0


def begun() -> Pace:
    made = Pace(RATE)
    made.begin(0.0)
    return made


def test_too_few_bytes_are_too_slow_only_when_the_time_for_them_is_over() -> None:
    slow = begun()
    slow.count(LEAST - 1)
    assert not slow.is_too_slow(PATIENCE_SECONDS - 0.1)
    assert slow.is_too_slow(PATIENCE_SECONDS)


def test_each_time_has_to_have_its_bytes() -> None:
    once = begun()
    once.count(10 * LEAST)
    assert not once.is_too_slow(PATIENCE_SECONDS)
    assert once.is_too_slow(2 * PATIENCE_SECONDS)


def test_what_a_reader_takes_is_what_is_left_less() -> None:
    reader = begun()
    assert not reader.is_too_slow(1.0, left=5 * LEAST)
    assert not reader.is_too_slow(PATIENCE_SECONDS, left=4 * LEAST)
    assert reader.is_too_slow(2 * PATIENCE_SECONDS, left=4 * LEAST - 10)


def test_more_to_be_sent_is_nothing_that_was_taken() -> None:
    reader = begun()
    assert not reader.is_too_slow(1.0, left=LEAST)
    assert reader.is_too_slow(PATIENCE_SECONDS, left=9 * LEAST)


@pytest.fixture
def served(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[int]:
    """The port of a server in this process that is patient for a second only."""
    monkeypatch.setattr(pace, "PATIENCE_SECONDS", 1.0)
    settings = load_settings(home=tmp_path_factory.mktemp("home"))
    engine = open_engine(settings)
    engine.start()
    app = create_app(settings, engine)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, http=SheddingConnection, lifespan="on", log_config=None)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@pytest.mark.promise("P5", "heads without end, slow clients, too many connections")
def test_a_body_that_comes_by_drops_is_refused(served: int) -> None:
    with closing(socket.create_connection(("127.0.0.1", served), timeout=SOON)) as slow:
        head = b"POST /search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        slow.sendall(head + b'Content-Length: 100000\r\n\r\n{"query"')
        content = b""
        while piece := slow.recv(65_536):
            content += piece
    said, _, body = content.partition(b"\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 408")
    assert json.loads(body)["type"] == "urn:molt:problem:slow_request"


@pytest.mark.promise("P5", "heads without end, slow clients, too many connections")
def test_a_reader_that_takes_nothing_of_its_answer_is_cut_off(served: int) -> None:
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect(("127.0.0.1", served))
        reader.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 60)
        told = 'molt_connections_refused_total{reason="slow_reader"} 1.0'
        wait_until(
            lambda: told in httpx.get(f"http://127.0.0.1:{served}/metrics", timeout=SOON).text
        )
