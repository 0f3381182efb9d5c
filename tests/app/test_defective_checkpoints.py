"""A checkpoint that fails, hangs or computes nonsense costs its own collection and nothing else."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from starlette.testclient import TestClient

from molt.artifact import Home
from molt.encoder import Checkpoint, Encoder
from molt.engine.search.query import SearchQuery
from molt.engine.settings import load_settings
from molt.index.catalog.document import Document
from tests.app.serving import BOOTS, open_engine, service_of, serving
from tests.checkpoints import build_checkpoint
from tests.encoder.safety.graphs import scaled, with_graph
from tests.waiting import wait_until

SOON = 30.0
MANY = 40
Vectors = NDArray[np.float32]


class Odd:
    """A runtime that does something else with texts of four tokens."""

    def __init__(self, encoder: Encoder, otherwise: Callable[[Vectors], Vectors]) -> None:
        self.runtime = encoder._model.runtime
        self.otherwise = otherwise
        encoder._model.runtime = self

    def run(self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]) -> Vectors:
        vectors = self.runtime.run(input_ids, attention_mask)
        odd = (attention_mask.sum(axis=1) == 4).any()
        return self.otherwise(vectors) if odd else vectors


@pytest.fixture
def end() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def tiny(tmp_path: Path) -> Checkpoint:
    return build_checkpoint(Home(tmp_path).checkpoints)


@pytest.fixture
def client(tiny: Checkpoint, tmp_path: Path) -> Iterator[TestClient]:
    """A collection of the default checkpoint, which is a hashing encoder's, and one of the tiny."""
    with serving(tmp_path, limits={"encode_seconds": 0.2}) as client:
        catalog = service_of(client).engine.catalog
        for name, default in (("sound", catalog.aliases.get("default")), ("odd", tiny.id)):
            catalog.aliases.set("default", default)
            assert client.post("/collections", json={"name": name}).status_code == 201
            answer = client.post(f"/collections/{name}/documents", json={"documents": BOOTS})
            assert answer.json()["indexed"]
        service_of(client).engine.live_collections.look()
        yield client


def make_odd(
    client: TestClient, checkpoint: Checkpoint, otherwise: Callable[[Vectors], Vectors]
) -> None:
    Odd(service_of(client).engine._encoders.get(checkpoint.id), otherwise)


def search(client: TestClient, collection: str, query: str) -> Any:
    return client.post("/search", json={"collection": collection, "query": query})


def check_refused(answer: Any, why: str) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) >= 1
    assert why in answer.json()["detail"]


def failing(vectors: Vectors) -> Vectors:
    raise RuntimeError("the graph broke")


@pytest.mark.parametrize(
    ("otherwise", "why"),
    [
        (failing, "fails at a text of 4 tokens: the graph broke"),
        (lambda vectors: vectors * np.float32(np.nan), "values that are not finite numbers"),
        (lambda vectors: vectors * 3, "not normalised: one has the length 3"),
        (lambda vectors: vectors[:, 1:], "makes vectors of shape (7,)"),
    ],
)
def test_what_goes_wrong_at_a_text_is_the_checkpoint_s_own_error(
    client: TestClient, tiny: Checkpoint, otherwise: Callable[[Vectors], Vectors], why: str
) -> None:
    make_odd(client, tiny, otherwise)
    check_refused(search(client, "odd", "ab"), why)
    for path, body in (("/v1/embeddings", {"input": "ab"}), ("/embed", {"inputs": "ab"})):
        answer = client.post(path, json=body | ({"model": "odd"} if path[1] == "v" else {}))
        assert answer.status_code == 503
        assert tiny.id in answer.text
    assert search(client, "odd", "abc").status_code == 200
    assert search(client, "sound", "ab").status_code == 200


def test_a_text_that_never_ends_is_answered_and_takes_no_thread_from_anybody(
    client: TestClient, tiny: Checkpoint, end: threading.Event
) -> None:
    def hang(vectors: Vectors) -> Vectors:
        assert end.wait(SOON)
        return vectors

    make_odd(client, tiny, hang)
    began = time.monotonic()
    with ThreadPoolExecutor(MANY) as pool:
        answers = list(pool.map(lambda _: search(client, "odd", "ab"), range(MANY)))
    for answer in answers:
        check_refused(answer, f"checkpoint {tiny.id} ha")
    assert time.monotonic() - began < SOON / 2, "nobody waited for the end"
    check_refused(search(client, "odd", "abc"), "hangs at a text, and is asked no more")
    assert search(client, "sound", "ab").status_code == 200
    assert any(tiny.id in problem for problem in client.get("/readyz").json()["problems"])
    end.set()
    wait_until(lambda: search(client, "odd", "abc").status_code == 200)
    assert client.get("/readyz").json()["problems"] == []


def test_a_search_that_never_ends_counts_as_one_that_failed(
    client: TestClient, tiny: Checkpoint, end: threading.Event
) -> None:
    def hang(vectors: Vectors) -> Vectors:
        assert end.wait(SOON)
        return vectors

    assert search(client, "odd", "abc").status_code == 200
    make_odd(client, tiny, hang)
    for _ in range(3):
        check_refused(search(client, "odd", "ab"), tiny.id)
    engine = service_of(client).engine
    guarded = engine.sentinel._guarded[engine.catalog.collections.get("odd").id]
    assert list(guarded.now.latest)[-3:] == [None, None, None]


def test_a_server_whose_threads_hang_ends_all_the_same(
    tiny: Checkpoint, tmp_path: Path, end: threading.Event
) -> None:
    def hang(vectors: Vectors) -> Vectors:
        assert end.wait(SOON)
        return vectors

    with serving(tmp_path, limits={"encode_seconds": 0.2}) as client:
        client.post("/v1/embeddings", json={"model": tiny.id, "input": "abc"})
        make_odd_lent(client, tiny, hang)
        answer = client.post("/v1/embeddings", json={"model": tiny.id, "input": "ab"})
        assert answer.status_code == 503
        began = time.monotonic()
    assert time.monotonic() - began < SOON / 2
    assert not end.is_set()


def make_odd_lent(
    client: TestClient, checkpoint: Checkpoint, otherwise: Callable[[Vectors], Vectors]
) -> None:
    with service_of(client).engine._encoders.lend(checkpoint.id) as encoder:
        Odd(encoder, otherwise)


def test_a_default_checkpoint_that_is_not_fit_to_serve_keeps_nothing_else_from_being_served(
    tmp_path: Path,
) -> None:
    defective = with_graph(build_checkpoint(Home(tmp_path).checkpoints), scaled(2.0))
    with serving(tmp_path, limits={"wait_seconds": 0.5}) as client:
        client.post("/collections", json={"name": "before"})
        assert search(client, "before", "boots").status_code == 200
        service_of(client).engine.catalog.aliases.set("default", defective.id)
        made = client.post("/collections", json={"name": "after"})
        assert made.status_code == 201, made.text
        wait_until(lambda: client.get("/collections/after").json()["state"] == "refused")
        check_refused(search(client, "after", "boots"), "not normalised")
        answer = client.post("/collections/after/documents", json={"documents": BOOTS})
        assert answer.status_code == 200, "it is kept all the same"
        assert client.get("/collections/before").status_code == 200


def test_a_server_starts_although_its_default_checkpoint_is_not_fit_to_serve(
    tmp_path: Path,
) -> None:
    defective = with_graph(build_checkpoint(Home(tmp_path).checkpoints), scaled(2.0))
    with closing(open_engine(load_settings(home=tmp_path))) as engine:
        before = engine.catalog.collections.create("before")
        engine.catalog.documents.upsert(before, [Document("a", "boots")])
        while engine.indexer.seal():
            continue
        engine.catalog.aliases.set("default", defective.id)
        engine.start()
        assert engine.search(SearchQuery("boots", "before")).page.total == 1
        assert engine.readiness().ready
        assert any(defective.id in problem for problem in engine.readiness().problems)


def test_a_server_starts_whatever_its_default_checkpoint_raises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> Encoder:
        raise ArithmeticError("nobody thought of this")

    with closing(open_engine(load_settings(home=tmp_path))) as engine:
        monkeypatch.setattr(engine._encoders, "get", fail)
        engine.start()
        assert "nobody thought of this" in engine.readiness().problems[0]
