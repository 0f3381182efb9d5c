"""Load shedding: refused at the edge, in the client's own words, on a connection that goes on."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from unittest.mock import patch

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from structlog.testing import capture_logs

from molt.app.application import create_app
from molt.app.errors import failure_of
from molt.app.http.admission import Admission, Bulkhead, OverloadedError
from molt.app.http.connections.refusals import Overload, written_overload
from molt.app.http.connections.shedding import SHEDDING, LoadShedding, SheddingConnection
from molt.app.http.envelopes import write_failure
from molt.engine.settings import load_settings
from tests.app.http.connections.made import KEPT_ALIVE, Made
from tests.app.serving import BOOTS, open_engine
from tests.waiting import wait_until

pytestmark = pytest.mark.promise("P5", "a bulkhead that is full")
SEARCH = {"query": "boots"}
PAGE = "http://localhost:3000"


class Served:
    """The application behind real connections, in this process."""

    def __init__(self, app: FastAPI, port: int) -> None:
        self.service = app.state.service
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def fill(self) -> None:
        """No search, embedding or write has room any more."""
        for bulkhead in (Bulkhead.READS, Bulkhead.BULK, Bulkhead.WRITES):
            self.service.bulkheads[bulkhead].pending = 512

    def clear(self) -> None:
        for admission in self.service.bulkheads.values():
            admission.pending = 0


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings = load_settings(home=tmp_path_factory.mktemp("home"), cors={"origins": [PAGE]})
    engine = open_engine(settings)
    engine.start()
    app = create_app(settings, engine)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, http=SheddingConnection, lifespan="on", log_config=None)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        served = Served(app, listening.getsockname()[1])
        body = {"documents": BOOTS, "wait": True}
        httpx.post(f"{served.url}/collections", json={"name": "default"})
        assert httpx.post(f"{served.url}/collections/default/documents", json=body).is_success
        yield served
        server.should_exit = True
        thread.join()


@pytest.fixture
def full(served: Served) -> Iterator[Served]:
    served.fill()
    yield served
    served.clear()


def test_a_search_beyond_the_bound_never_reaches_the_application(full: Served) -> None:
    with capture_logs() as logs:
        answer = httpx.post(f"{full.url}/search", json=SEARCH, headers={"X-Request-ID": "mine"})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["x-request-id"] == "mine"
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["instance"] == "urn:molt:request:mine"
    assert "reads" in answer.json()["detail"]
    assert not [line for line in logs if line["event"] == "request"]


def test_openai_clients_are_refused_in_their_own_words(full: Served) -> None:
    answer = httpx.post(f"{full.url}/v1/embeddings", json={"input": "boots", "model": "default"})
    assert answer.status_code == 429
    assert answer.json()["error"]["type"] == "rate_limit_error"


def test_a_page_that_may_ask_can_read_a_refusal(full: Served) -> None:
    answer = httpx.post(f"{full.url}/search", json=SEARCH, headers={"Origin": PAGE})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (429, PAGE)
    assert "Retry-After" in answer.headers["access-control-expose-headers"]
    other = httpx.post(f"{full.url}/search", json=SEARCH)
    assert (other.headers["vary"], other.status_code) == ("Origin", 429)


def test_the_connection_goes_on_after_a_refusal(full: Served) -> None:
    with httpx.Client(base_url=full.url) as client:
        statuses = [client.post("/search", json=SEARCH).status_code for _ in range(3)]
        full.clear()
        answer = client.post("/search", json=SEARCH)
        assert (statuses, answer.status_code) == ([429, 429, 429], 200)
        assert len(full.service.connections._connections) == 1


def test_a_client_that_asks_for_it_is_cut_off_after_its_refusal(full: Served) -> None:
    answer = said(full, head("POST", "/search", b"Connection: close\r\n"))
    assert answer.startswith(b"HTTP/1.1 429")


def test_health_and_what_has_parameters_in_its_path_is_asked_of_the_application(
    full: Served,
) -> None:
    assert httpx.get(f"{full.url}/livez").status_code == 200
    assert httpx.get(f"{full.url}/readyz").status_code == 200
    with capture_logs() as logs:
        assert httpx.get(f"{full.url}/collections/default").status_code == 429
    assert [line["status"] for line in logs if line["event"] == "request"] == [429]


def test_what_is_wrong_for_another_reason_is_still_told(full: Served) -> None:
    assert httpx.post(f"{full.url}/serach", json=SEARCH).status_code == 404
    assert httpx.put(f"{full.url}/search", json=SEARCH).status_code == 405


@pytest.mark.parametrize(
    "more",
    [b"Expect: 100-continue\r\n", b"Transfer-Encoding: chunked\r\n", b"Content-Length: 99999\r\n"],
)
def test_bodies_that_have_not_come_are_left_to_the_application(full: Served, more: bytes) -> None:
    with capture_logs() as logs:
        said(full, head("POST", "/search", more, length=b""), upto=b"HTTP/1.1 429")
        wait_until(lambda: any(line["event"] == "request" for line in logs))
    assert [line["status"] for line in logs if line["event"] == "request"] == [429]


def test_answers_keep_the_order_of_requests_that_were_sent_ahead(served: Served) -> None:
    body = json.dumps(SEARCH).encode()
    request = head("POST", "/search", length=b"Content-Length: %d\r\n" % len(body)) + body
    unknown = head("GET", "/unknown", b"Connection: close\r\n")
    answers = said(served, request + request + unknown)
    served.fill()
    refused = said(served, request + request + unknown)
    served.clear()
    assert statuses_of(answers) == [b"200", b"200", b"404"]
    assert statuses_of(refused) == [b"429", b"429", b"404"]


def test_refusals_are_counted_and_told_once_a_second(full: Served) -> None:
    def counted() -> float:
        lines = httpx.get(f"{full.url}/metrics").text.splitlines()
        wanted = 'molt_requests_total{method="GET",route="/search",status="429"}'
        return sum(float(line.split()[-1]) for line in lines if line.startswith(wanted))

    before = counted()
    with capture_logs() as logs:
        for _ in range(20):
            httpx.get(f"{full.url}/search", params={"q": "boots"})
        wait_until(lambda: counted() - before >= 20)
    told = [line for line in logs if line["event"] == "requests.shed"]
    assert counted() - before == 20
    assert sum(line["bulkheads"]["reads"] for line in told) >= 20
    assert len(told) < 20


def test_what_was_let_in_at_once_counts_before_it_comes_to_the_bulkhead() -> None:
    async def refused() -> list[bool]:
        admission = Admission(Bulkhead.READS, max_pending=2, threads=1)
        shedding = LoadShedding({("GET", "/search"): admission})
        at_once = [shedding.overload(b"GET", b"/search") is not None for _ in range(3)]
        await asyncio.sleep(0)
        later = [shedding.overload(b"GET", b"/search") is not None]
        admission.close()
        return at_once + later

    assert asyncio.run(refused()) == [False, False, True, False]


@pytest.mark.parametrize("path", ["/search", "/v1/embeddings", "/embed"])
@pytest.mark.parametrize("request_id", ["a", "mine-1._2", "f" * 64])
def test_a_refusal_says_what_the_application_would_say(path: str, request_id: str) -> None:
    def answer(more: list[tuple[bytes, bytes]]) -> bytes:
        overload = Overload("reads", 3, path)
        return written_overload(overload, request_id=request_id, more=more)

    error = OverloadedError(3, where="reads")
    wanted = write_failure(failure_of(error), path=path, request_id=request_id)
    told, _, body = answer([(b"date", b"today")]).partition(b"\r\n\r\n")
    status, *lines = told.split(b"\r\n")
    assert (status, body) == (b"HTTP/1.1 429 Too Many Requests", wanted.body)
    more = [(b"date", b"today"), (b"x-request-id", request_id.encode())]
    assert sorted(lines) == sorted(b"%s: %s" % each for each in [*wanted.raw_headers, *more])
    assert answer([]).count(b"date") == 0


def test_a_connection_is_kept_alive_for_a_while_after_a_refusal() -> None:
    admission = Admission(Bulkhead.READS, max_pending=0, threads=1)
    shedding = LoadShedding({("POST", "/search"): admission})
    with patch.object(LoadShedding, "_count"):  # for which a loop has to run
        made = Made(SheddingConnection, **{SHEDDING: shedding})
        made.receives(head("POST", "/search"))
    admission.close()
    assert made.transport.write.call_args[0][0].startswith(b"HTTP/1.1 429")
    made.passes(KEPT_ALIVE - 1)
    assert made.one.is_idle
    assert not made.is_ended
    made.passes(2.0)
    assert made.transport.close.called
    assert made.refused == []


def head(
    method: str, path: str, more: bytes = b"", *, length: bytes = b"Content-Length: 0\r\n"
) -> bytes:
    line = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return line.encode() + more + length + b"\r\n"


def said(server: Served, content: bytes, *, upto: bytes | None = None) -> bytes:
    """What the server says to these bytes, until it ends the connection or has said `upto`."""
    answer = b""
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=30)) as connection:
        connection.sendall(content)
        while piece := connection.recv(65_536):
            answer += piece
            if upto and upto in answer:
                break
    return answer


def statuses_of(answers: bytes) -> list[bytes]:
    return [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]]
