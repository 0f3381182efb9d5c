"""Answers as their client takes them: packed where that is worth it, and heads alone for HEAD."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from backports import zstd
from starlette.testclient import TestClient

from molt.app.http.admission import Bulkhead
from molt.app.http.answers import Json
from molt.app.http.transport import packing
from molt.app.http.transport.codings import coding_wanted
from tests.app.serving import service_of, serving

LARGE = "/openapi.json"
READ = {"gzip": gzip.decompress, "zstd": zstd.decompress}


def raw(client: TestClient, path: str, accepted: str, method: str = "GET") -> tuple[Any, bytes]:
    """An answer and the bytes that were sent, which the client would otherwise unpack."""
    headers = {"Accept-Encoding": accepted}
    with client.stream(method, path, headers=headers) as answer:
        return answer, b"".join(answer.iter_raw())


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_a_large_answer_is_packed_as_the_client_asks(shop: TestClient, coding: str) -> None:
    plain_answer, plain = raw(shop, LARGE, "identity")
    answer, content = raw(shop, LARGE, coding)
    assert READ[coding](content) == plain
    assert len(content) < len(plain) / 4
    assert answer.headers["content-encoding"] == coding
    assert int(answer.headers["content-length"]) == len(content)
    assert "content-encoding" not in plain_answer.headers
    assert {"accept-encoding"} == {one.headers["vary"].lower() for one in (answer, plain_answer)}


def test_an_answer_beyond_the_size_of_a_piece_arrives_whole(client: TestClient) -> None:
    client.post("/collections", json={"name": "default"})
    documents = [{"id": f"d{at}", "text": f"{at:x} " * 9000} for at in range(20)]
    body = {"documents": documents, "wait": False}
    client.post("/collections/default/documents", json=body).raise_for_status()
    path = "/collections/default/documents"
    for coding, read in READ.items():
        _, content = raw(client, path, coding)
        assert len(json.loads(read(content))["documents"]) == 20
    assert service_of(client).answers.in_flight == 0


def test_a_tiny_answer_is_never_packed_and_varies_with_nothing(shop: TestClient) -> None:
    answer, _ = raw(shop, "/livez", "gzip")
    assert answer.headers.keys().isdisjoint({"content-encoding", "vary"})


def test_what_is_large_is_packed_in_a_thread_of_its_own(
    shop: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    admission = service_of(shop).bulkheads[Bulkhead.PACKING]
    run, asked = admission.run, []

    async def noted(work: Any, *arguments: Any) -> Any:
        asked.append(len(arguments[0]))
        return await run(work, *arguments)

    monkeypatch.setattr(admission, "run", noted)
    raw(shop, LARGE, "gzip")
    raw(shop, "/collections", "gzip")
    assert len(asked) == 1
    assert asked[0] > 16 * 1024


def test_where_the_threads_have_no_room_an_answer_goes_as_it_is(shop: TestClient) -> None:
    admission = service_of(shop).bulkheads[Bulkhead.PACKING]
    admission.pending = 10_000
    try:
        answer, content = raw(shop, LARGE, "gzip")
    finally:
        admission.pending = 0
    assert (answer.status_code, "content-encoding" in answer.headers) == (200, False)
    assert json.loads(content)["openapi"]


def test_errors_are_packed_like_other_answers(
    shop: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "LEAST_BYTES", 64)
    answer, content = raw(shop, "/nothing", "gzip")
    assert answer.status_code == 404
    assert json.loads(gzip.decompress(content))["status"] == 404


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        (b"gzip, deflate", "gzip"),
        (b"gzip, deflate, br, zstd", "zstd"),
        (b"*", "gzip"),
        (b"GZIP", "gzip"),
        (b"zstd;q=0.5, gzip;q=0.8", "gzip"),
        (b"gzip;q=0", None),
        (b"gzip;q=0.5, identity;q=0.9", None),
        (b"*;q=0", None),
        (b"br", None),
        (b"", None),
        (b"gzip;q=often", None),
        (b"\xff\xfe;;=,", None),
        (b"gzip," * 1000, None),
    ],
)
def test_what_a_client_accepts_is_read_with_its_weights(header: bytes, coding: str | None) -> None:
    assert coding_wanted(header) == coding


@pytest.mark.parametrize(
    "path", ["/livez", "/readyz", "/health", "/docs", "/v1/models", "/search?q=a", "/metrics"]
)
def test_head_is_answered_wherever_get_is(shop: TestClient, path: str) -> None:
    got, head = shop.get(path), shop.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-type"] == got.headers["content-type"]
    assert head.headers["x-request-id"]


def test_head_says_what_get_would_say_of_its_body(shop: TestClient) -> None:
    plain, content = raw(shop, LARGE, "identity")
    head, nothing = raw(shop, LARGE, "identity", "HEAD")
    assert (head.headers["content-length"], nothing) == (str(len(content)), b"")
    packed, nothing = raw(shop, LARGE, "gzip", "HEAD")
    assert (packed.headers["content-encoding"], nothing) == ("gzip", b"")
    assert "content-length" not in packed.headers
    assert plain.headers["vary"] == head.headers["vary"] == packed.headers["vary"]


@pytest.mark.parametrize(
    ("path", "status"), [("/nothing", 404), ("/embed", 405), ("/collections/none", 404)]
)
def test_head_is_refused_like_get_and_without_a_body(
    shop: TestClient, path: str, status: int
) -> None:
    head = shop.head(path)
    assert (head.status_code, head.content) == (status, b"")
    assert head.headers.get("allow") == ("POST" if status == 405 else None)


def test_what_takes_get_says_that_it_takes_head(shop: TestClient) -> None:
    assert shop.put("/search").headers["allow"] == "GET, HEAD, POST"


def test_head_is_measured_under_its_route(shop: TestClient) -> None:
    shop.head("/health")
    line = 'molt_requests_total{method="HEAD",route="/health",status="200"}'
    assert line in shop.get("/metrics").text


def test_a_large_answer_counts_until_it_is_taken_packed_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path, limits={"max_answer_bytes_in_flight": 65 * 1024}) as client:
        monkeypatch.setattr(Json, "render", lambda *_: b'"' + b"a" * 70_000 + b'"')
        for coding in ("identity", "gzip"):
            answer = client.get("/collections", headers={"Accept-Encoding": coding})
            assert answer.status_code == 429
