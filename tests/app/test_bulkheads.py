"""Nobody's load costs another's latency: what waits for one thing holds up nothing else."""

import asyncio
import os
import select
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.testclient import TestClient

from molt.app.application import THREADS
from molt.app.http import bodies, route
from molt.app.http.admission import Bulkhead
from molt.app.http.bodies import SMALL_BYTES
from molt.artifact import Home
from molt.encoder import Lane
from molt.engine.releasing import Released
from molt.index.catalog.access.keys import Role
from molt.index.catalog.releases import Reason
from molt.index.ranking.ranking import SearchRanking
from molt.index.ranking.reranking import Reranking, RerankKind
from tests.app.serving import BOOTS, Process, service_of, serving, started
from tests.hashing import HashingEncoder
from tests.waiting import wait_until

pytestmark = pytest.mark.promise("P5", "a search while something else is full")

MANY = 40
CLICK = {"action_name": "click"}
DEADLINE = 60.0


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[TestClient]:
    with serving(tmp_path) as client:
        client.post("/collections", json={"name": "default"})
        client.post("/collections/default/documents", json={"documents": BOOTS})
        yield client


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """Somebody else writes to the catalog, and takes their time."""
    with closing(sqlite3.connect(Home(home).catalog, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


@contextmanager
def released(waited_for: threading.Event) -> Iterator[None]:
    """Set the event in the end, whatever happens."""
    try:
        yield
    finally:
        waited_for.set()


def asking(
    pool: ThreadPoolExecutor, client: TestClient, bulkhead: Bulkhead, ask: Callable[[int], Any]
) -> list[Future[Any]]:
    """Many ask at once, and all of them wait."""
    asked = [pool.submit(ask, number) for number in range(MANY)]
    admission = service_of(client).bulkheads[bulkhead]
    wait_until(lambda: admission.pending == MANY)
    return asked


def test_a_search_with_a_key_nobody_has_seen_is_answered_while_writers_wait_for_the_lock(
    shop: TestClient, tmp_path: Path
) -> None:
    keys = service_of(shop).engine.catalog.keys
    writer = {"api-key": keys.create("writer", Role.WRITE)}
    reader = {"api-key": keys.create("reader", Role.READ)}

    def write(_: int) -> int:
        return shop.post("/events", json=CLICK, headers=writer).status_code

    assert write(0) == 200
    with ThreadPoolExecutor(MANY) as pool, locked(tmp_path):
        writing = asking(pool, shop, Bulkhead.WRITES, write)
        found = shop.get("/search", params={"q": "boots"}, headers=reader)
        shown = shop.get("/collections/default/documents/d1", headers=reader)
        told = shop.get("/metrics", headers=reader).text
        assert not any(each.done() for each in writing)
    assert (found.status_code, shown.status_code) == (200, 200)
    assert f'molt_requests_pending{{bulkhead="writes"}} {MANY}.0' in told
    assert {each.result() for each in writing} == {200}


def test_a_search_and_the_embedding_of_a_query_wait_for_no_long_embeddings(
    shop: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, encode = threading.Event(), HashingEncoder.encode

    def slow(self: HashingEncoder, texts: list[str], **more: Any) -> Any:
        if more["lane"] is Lane.INTERACTIVE:
            assert release.wait(DEADLINE)
        return encode(self, texts, **more)

    def embed(number: int) -> int:
        body = {"model": "default", "input": [f"{number}", "a tent"]}
        return shop.post("/v1/embeddings", json=body).status_code

    monkeypatch.setattr(HashingEncoder, "encode", slow)
    with ThreadPoolExecutor(MANY) as pool, released(release):
        embedding = asking(pool, shop, Bulkhead.BULK, embed)
        found = shop.get("/search", params={"q": "boots"})
        query = shop.post("/v1/embeddings", json={"model": "default", "input": "boots"})
        written = shop.post("/events", json=CLICK)
        assert not any(each.done() for each in embedding)
    assert {found.status_code, query.status_code, written.status_code} == {200}
    assert {each.result() for each in embedding} == {200}


@pytest.mark.parametrize("asked", [{"rerank": "tokens"}, {"mode": "hybrid"}])
def test_a_search_waits_for_no_search_that_re_ranks_by_its_wish_or_by_tuning(
    shop: TestClient, monkeypatch: pytest.MonkeyPatch, asked: dict[str, str]
) -> None:
    engine = service_of(shop).engine
    tuned = SearchRanking(rerank=Reranking(RerankKind.TOKENS))
    engine.releaser.retune(engine.catalog.collections.get("default"), tuned, reason=Reason())
    release, encode_tokens = threading.Event(), HashingEncoder.encode_tokens

    def slow(self: HashingEncoder, texts: list[str], **more: Any) -> Any:
        assert release.wait(DEADLINE)
        return encode_tokens(self, texts, **more)

    def search(number: int) -> int:
        body = {"query": f"boots {number}"} | asked
        return shop.post("/search", json=body).status_code

    monkeypatch.setattr(HashingEncoder, "encode_tokens", slow)
    with ThreadPoolExecutor(MANY) as pool, released(release):
        ranking = asking(pool, shop, Bulkhead.RERANKS, search)
        found = shop.get("/search", params={"q": "boots", "mode": "dense"})
        assert not any(each.done() for each in ranking)
    assert found.status_code == 200
    assert {each.result() for each in ranking} == {200}


def test_searches_and_writes_wait_for_no_administration(
    shop: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    engine = service_of(shop).engine
    collection = engine.catalog.collections.get("default")

    def slowly(*_: Any, **__: Any) -> Released:
        assert release.wait(DEADLINE)
        return Released(collection, None, "c" * 16)

    monkeypatch.setattr(engine.releaser, "rollback", slowly)

    def roll_back(_: int) -> int:
        return shop.post("/admin/rollback", json={"collection": "default"}).status_code

    with ThreadPoolExecutor(MANY) as pool, released(release):
        rolling = asking(pool, shop, Bulkhead.ADMINISTRATION, roll_back)
        found = shop.get("/search", params={"q": "boots"})
        written = shop.post("/collections/default/documents", json={"documents": BOOTS})
        assert not any(each.done() for each in rolling)
    assert (found.status_code, written.status_code) == (200, 200)
    assert {each.result() for each in rolling} == {200}


@pytest.mark.parametrize("size", [10, 2 * SMALL_BYTES])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/events", {"action_name": "click", "note": "{}"}),
        ("/collections/default/judgments", {"queries": [{"id": "q", "text": "{}"}]}),
        ("/embed", {"inputs": ["{}", "b"]}),
        ("/search", {"query": "boots", "filter": {"field": "a", "in": ["{}"]}}),
        ("/admin/tune", {"collection": "none", "config": {"a": "{}"}}),
    ],
)
def test_a_large_body_is_parsed_in_the_thread_for_them_and_a_small_one_where_it_is_read(
    shop: TestClient,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    body: dict[str, Any],
    size: int,
) -> None:
    threads: list[str] = []
    parse = bodies.parse_json

    def note(content: bytes) -> Any:
        threads.append(threading.current_thread().name)
        return parse(content)

    monkeypatch.setattr(route, "parse_json", note)
    content = httpx.Request("POST", "http://x", json=body).content.replace(b"{}", b"x" * size)
    answer = shop.post(path, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code < 500
    (thread,) = threads
    assert thread.startswith(Bulkhead.BODIES) is (size > SMALL_BYTES)


async def ask_and_leave(shop: TestClient, path: str, body: bytes, *, bulkhead: Bulkhead) -> None:
    """Go away while what is asked waits for a thread of a bulkhead, all of which are taken."""
    admission, held, gone = service_of(shop).bulkheads[bulkhead], threading.Event(), asyncio.Event()
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop()
        gone.set()
        return {"type": "http.disconnect"}

    async def send(_message: dict[str, Any]) -> None:
        pass

    with released(held):
        holding = [
            asyncio.ensure_future(admission.run(held.wait, DEADLINE))
            for _ in range(THREADS[bulkhead])
        ]
        asked = asyncio.ensure_future(shop.app(posted(path), receive, send))  # type: ignore[arg-type]
        await asyncio.wait_for(gone.wait(), DEADLINE)
        for _ in range(2):  # whoever looked for the client hears that it has gone
            await asyncio.sleep(0)
        held.set()
        await asyncio.gather(*holding, asked)


def test_a_large_body_whose_client_goes_away_while_it_waits_is_not_parsed(
    shop: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[bytes] = []
    monkeypatch.setattr(route, "parse_json", parsed.append)
    body = b'"' + b"x" * 2 * SMALL_BYTES + b'"'
    asyncio.run(ask_and_leave(shop, "/embed", body, bulkhead=Bulkhead.BODIES))
    assert parsed == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/embeddings", b'{"model": "default", "input": ["boots", "a tent"]}'),
        ("/embed", b'{"inputs": ["boots", "a tent"]}'),
        ("/embed_all", b'{"inputs": ["boots"]}'),
        ("/tokenize", b'{"inputs": ["boots"]}'),
        ("/decode", b'{"ids": [[7]]}'),
        ("/rerank", b'{"query": "boots", "texts": ["a tent"]}'),
        ("/v1/rerank", b'{"query": "boots", "documents": ["a tent"]}'),
        ("/search", b'{"query": "boots", "rerank": "tokens"}'),
    ],
)
def test_what_a_client_asks_for_that_goes_away_while_it_waits_is_not_begun(
    shop: TestClient, monkeypatch: pytest.MonkeyPatch, path: str, body: bytes
) -> None:
    begun: list[str] = []
    for name in ("encode", "encode_tokens", "split", "decode"):
        monkeypatch.setattr(HashingEncoder, name, lambda *_, name=name, **__: begun.append(name))
    bulkhead = Bulkhead.RERANKS if path == "/search" else Bulkhead.BULK
    asyncio.run(ask_and_leave(shop, path, body, bulkhead=bulkhead))
    assert begun == []


def posted(path: str) -> dict[str, Any]:
    """What a server says of a request with a JSON body."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }


def test_what_is_wrong_with_a_large_body_is_named_as_in_a_small_one(shop: TestClient) -> None:
    judgment = {"query_id": "q", "doc_id": "d1", "grade": 1}
    for count in (1, 5000):
        body = {"judgments": [judgment] * count + [judgment | {"grade": -1}]}
        answer = shop.post("/collections/default/judgments", json=body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == f"#/judgments/{count}/grade"


LIMIT = 400_000
HALF = LIMIT * 5 // 8


@contextmanager
def begun(server: Process, path: str) -> Iterator[socket.socket]:
    """A request of which all but the last byte has been sent."""
    where = urlsplit(server.url)
    with socket.create_connection((where.hostname, where.port), timeout=DEADLINE) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        body = b'"' + b"x" * (HALF - 2) + b'"'
        connection.sendall(f"{head}Content-Length: {HALF}\r\n\r\n".encode() + body[:-1])
        yield connection


def status(connection: socket.socket) -> int:
    return int(connection.recv(12)[9:12])


def test_bytes_of_slow_bodies_are_bounded_and_hold_up_nobody_else(tmp_path: Path) -> None:
    flags = {"MOLT_LIMITS__MAX_BYTES_IN_FLIGHT": str(LIMIT)}
    with (
        started(tmp_path, **flags) as server,
        httpx.Client(base_url=server.url, timeout=DEADLINE) as client,
    ):
        client.post("/collections", json={"name": "default"})
        path = "/collections/default/judgments"
        with begun(server, path) as first, begun(server, path) as second:
            (refused, *_), _, _ = select.select([first, second], [], [], DEADLINE)
            kept = second if refused is first else first  # whichever was read first
            head = refused.recv(4096).decode()
            assert head.startswith("HTTP/1.1 429")
            assert "retry-after: " in head.lower()
            assert client.get("/livez").status_code == 200
            assert client.get("/search", params={"q": "boots"}).status_code == 200
            assert client.post("/events", json=CLICK).status_code == 200
            told = client.get("/metrics").text
            assert 'molt_overload_refusals_total{where="bodies"} 1.0' in told
            kept.sendall(b'"')
            assert status(kept) == 422
        with begun(server, path):
            pass  # the client goes away
        wait_until(lambda: is_read(server, path))


def is_read(server: Process, path: str) -> bool:
    with begun(server, path) as connection:
        connection.sendall(b'"')
        return status(connection) == 422


def test_a_stream_keeps_what_it_has_where_large_bodies_have_no_room(
    shop: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = service_of(shop)
    monkeypatch.setattr(service.bodies, "in_flight", service.bodies.limit)
    text = "warm boots " * 100
    lines = b"".join(b'{"id": "n%d", "text": "%s"}\n' % (n, text.encode()) for n in range(400))
    answer = shop.post(
        "/collections/default/documents?wait=false",
        content=lines,
        headers={"Content-Type": "application/x-ndjson"},
    )
    assert (answer.status_code, answer.json()["accepted"]) == (200, 400)
    assert answer.json()["revision"] == len(BOOTS) + 400
    assert service.bodies.in_flight == service.bodies.limit


def test_whoever_computes_for_long_gives_way(shop: TestClient) -> None:
    own = os.getpriority(os.PRIO_PROCESS, 0)
    bulkheads = service_of(shop).bulkheads

    async def niceness(bulkhead: Bulkhead) -> int:
        return await bulkheads[bulkhead].run(os.getpriority, os.PRIO_PROCESS, 0) - own

    asked = {bulkhead: asyncio.run(niceness(bulkhead)) for bulkhead in Bulkhead}
    assert {bulkhead for bulkhead, more in asked.items() if more} == {
        Bulkhead.IMPORTS,
        Bulkhead.BODIES,
    }
    assert os.getpriority(os.PRIO_PROCESS, 0) == own
