"""The throttle in the application: a search holds back what goes on for long, and nothing else."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from molt.app.http.admission import Bulkhead
from molt.app.http.bodies import SMALL_BYTES
from molt.engine import throttle
from molt.engine.search.query import SearchQuery
from molt.engine.settings import load_settings
from molt.engine.throttle import SEARCHED_SECONDS
from molt.index.catalog.document import Document
from molt.index.lexical import writer
from tests.app.serving import BOOTS, open_engine, service_of, serving
from tests.waiting import wait_until

LINES = b"".join(b'{"id": "n%d", "text": "warm boots"}\n' % number for number in range(20))
LARGE: dict[str, dict[str, Any]] = {
    "/collections/default/documents": {
        "documents": [{"id": f"l{number}", "text": "warm boots " * 20} for number in range(400)]
    },
    "/collections/default/judgments": {
        "queries": [{"id": f"q{number}", "text": "warm boots " * 20} for number in range(400)]
    },
}


class Clock:
    """The throttle's time, which stands still; whoever pauses is noted, and goes on at once."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.paused: list[str] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, _seconds: float) -> None:
        self.paused.append(threading.current_thread().name)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(throttle, "time", clock)
    return clock


@pytest.fixture
def shop(tmp_path: Path, clock: Clock) -> Iterator[TestClient]:
    with serving(tmp_path) as client:
        client.post("/collections", json={"name": "default"})
        client.post("/collections/default/documents", json={"documents": BOOTS})
        yield client


def search(shop: TestClient) -> httpx.Response:
    return shop.get("/search", params={"q": "boots"})


def stream(shop: TestClient) -> httpx.Response:
    headers = {"Content-Type": "application/x-ndjson"}
    return shop.post("/collections/default/documents", content=LINES, headers=headers)


def test_every_search_is_noticed(shop: TestClient, clock: Clock) -> None:
    batch = {"searches": [{"query": "boots"}]}
    asked: dict[str, Callable[[], httpx.Response]] = {
        "by its URL": lambda: search(shop),
        "by a body": lambda: shop.post("/search", json={"query": "boots"}),
        "re-ranked": lambda: shop.post("/search", json={"query": "boots", "rerank": "tokens"}),
        "among others": lambda: shop.post("/search/batch", json=batch),
    }

    def is_noticed() -> bool:
        clock.paused.clear()
        service_of(shop).engine.throttle.pause(0.1)
        return bool(clock.paused)

    for how, ask in asked.items():
        clock.now += SEARCHED_SECONDS
        assert not is_noticed()
        assert ask().status_code == 200
        assert is_noticed(), how


def test_a_stream_of_documents_pauses_once_somebody_has_searched(
    shop: TestClient, clock: Clock
) -> None:
    assert stream(shop).status_code == 200
    assert clock.paused == []
    assert search(shop).status_code == 200
    assert stream(shop).status_code == 200
    wait_until(lambda: Bulkhead.IMPORTS in clock.paused)  # a little after its answer


def test_a_large_body_is_read_with_pauses_once_somebody_has_searched(
    shop: TestClient, clock: Clock
) -> None:
    def paused(path: str, body: dict[str, Any]) -> bool:
        clock.paused.clear()
        answer = shop.post(path, json=body)
        assert answer.is_success, answer.text
        return Bulkhead.BODIES in clock.paused

    for path, body in LARGE.items():
        few = {name: listed[:1] for name, listed in body.items()}
        assert len(httpx.Request("POST", "http://x", json=body).content) > SMALL_BYTES
        clock.now += SEARCHED_SECONDS
        assert not paused(path, body)
        assert search(shop).status_code == 200
        assert paused(path, body), path
        assert not paused(path, few)


def test_words_are_indexed_with_a_pause_between_two_batches(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_COMMIT_SECONDS", 60.0)
    with closing(open_engine(load_settings(home=tmp_path, index={"batch_documents": 2}))) as engine:
        made = engine.catalog.collections.create("shop")
        documents = [Document(f"d{number}", "warm boots") for number in range(5)]
        engine.catalog.documents.upsert(made, documents)
        engine.live_collections.refresh("shop")
        engine.search(SearchQuery("boots", "shop"))
        assert engine.indexer.acquire()
        assert engine.indexer.index_words()
    assert len(clock.paused) == 2
