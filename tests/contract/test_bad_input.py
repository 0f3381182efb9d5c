"""No input causes a 5xx (P5): each bad one has its documented answer, and the next is served."""

import gzip
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from molt.app.http.envelopes import family_of
from tests.app.serving import service_of

pytestmark = pytest.mark.promise("P5", "bad input to every route")

JSON_TYPE = "application/json"
JSON = {"Content-Type": JSON_TYPE}
NDJSON = {"Content-Type": "application/x-ndjson"}
DOCUMENTS = "/collections/default/documents"
JUDGMENTS = "/collections/default/judgments"

ROUTES: dict[str, dict[str, Any]] = {
    "/search": {"query": "boots"},
    "/collections/default/search": {"query": "boots"},
    "/search/batch": {"searches": [{"query": "boots"}]},
    "/collections": {"name": "bad"},
    DOCUMENTS: {"documents": [{"id": "bad", "text": "boots"}], "wait": False},
    f"{DOCUMENTS}/get": {"ids": ["d1"]},
    f"{DOCUMENTS}/delete": {"ids": ["nobody"]},
    JUDGMENTS: {"pairs": [{"query": "boots", "doc_id": "d1"}]},
    "/events": {"action_name": "click"},
    "/v1/embeddings": {"model": "default", "input": "boots"},
    "/openai/deployments/default/embeddings": {"input": "boots"},
    "/embed": {"inputs": "boots"},
    "/embed_all": {"inputs": "boots"},
    "/similarity": {"inputs": {"source_sentence": "boots", "sentences": ["socks"]}},
    "/tokenize": {"inputs": "boots"},
    "/decode": {"ids": [0, 1]},
    "/rerank": {"query": "boots", "texts": ["socks"]},
    "/v1/rerank": {"query": "boots", "documents": ["socks"]},
    "/admin/retrain": {"collection": "default"},
    "/admin/reload": {"collection": "default", "checkpoint": "0" * 16},
    "/admin/reindex": {"collection": "default"},
    "/admin/merge": {"collection": "default"},
    "/admin/tune": {"collection": "default"},
    "/admin/tune-search": {"collection": "default"},
    "/admin/evaluate": {"collection": "default", "checkpoint": "0" * 16},
    "/admin/experiments": {"collection": "default", "b": {"mode": "dense"}},
    "/admin/experiments/stop": {"collection": "default"},
    "/admin/activate": {"generation": "0" * 32},
    "/admin/rollback": {"collection": "default"},
    "/admin/releases/name": {"collection": "default", "epoch": 1, "name": "first"},
}
NOT_JSON: dict[str, bytes] = {
    "nothing but a brace": b"{",
    "a half string": b'{"query": "',
    "NaN": b'{"query": "x", "min_score": NaN}',
    "Infinity": b'{"query": "x", "min_score": -Infinity}',
    "beyond a double": b'{"query": "x", "min_score": 1e400}',
    "a lone surrogate": b'{"query": "\\ud800"}',
    "a lone surrogate as a key": b'{"\\udfff": 1}',
    "bytes that are not UTF-8": b'{"query": "\xff\xfe"}',
    "an encoded surrogate": b'{"query": "\xed\xa0\x80"}',
    "UTF-16": '{"query": "x"}'.encode("utf-16"),
    "100,000 open brackets": b"[" * 100_000,
    "100,000 nested objects": b'{"a":' * 100_000,
    "a NUL byte": b"\x00",
    "a comment": b'{"query": "x"} // please',
    "single quotes": b"{'query': 'x'}",
}
NOT_THE_SHAPE: dict[str, bytes] = {
    "nothing": b"",
    "null": b"null",
    "a number": b"17",
    "a string": b'"query"',
    "an empty list": b'[["x"]]',
    "true": b"true",
    "an unknown key": b'{"qurey": "x"}',
    "a huge unknown key": json.dumps({"x" * 1_000_000: 1}).encode(),
    "a NUL in a key": b'{"\\u0000": 1}',
}
FRAMEWORK = re.compile(
    r"Input should|Field required|instance of|valid dictionary|after validation|function-|"
    r"<\w+\.\w+:"
)
"""What only somebody who knows the libraries behind it would understand."""


@pytest.fixture(autouse=True)
def _still_serving(shop: TestClient) -> Iterator[None]:
    yield
    assert shop.post("/search", json={"query": "boots"}).json()["hits"][0]["id"] == "d1"


def check(answer: Any, status: int) -> None:
    """The status, in the envelope of the path, in our own words, without what was sent."""
    assert answer.status_code == status, answer.text[:500]
    assert not FRAMEWORK.search(answer.text), answer.text[:500]
    body = answer.json()
    path = answer.request.url.path
    if family_of(path) == "openai":
        assert body["error"].keys() == {"message", "type", "param", "code"}
    elif family_of(path) == "tei":
        assert body.keys() == {"error", "error_type"}
    else:
        assert answer.headers["content-type"] == "application/problem+json"
        assert body["status"] == status
        assert body.keys() >= {"type", "title", "detail", "instance"}
    assert len(answer.content) < 16_384


def test_no_route_that_takes_json_is_left_out(shop: TestClient) -> None:
    paths = shop.get("/openapi.json").json()["paths"]
    bodies = {path: ways.get("post", {}).get("requestBody") for path, ways in paths.items()}
    taking = {path for path, body in bodies.items() if body and JSON_TYPE in body["content"]}
    assert {re.sub(r"{\w+}", "default", path) for path in taking} == ROUTES.keys()


@pytest.mark.parametrize("name", NOT_JSON)
@pytest.mark.parametrize("path", ROUTES)
def test_a_body_that_is_not_json_is_refused(shop: TestClient, path: str, name: str) -> None:
    check(shop.post(path, content=NOT_JSON[name], headers=JSON), 422)


@pytest.mark.parametrize("name", NOT_THE_SHAPE)
@pytest.mark.parametrize("path", ROUTES)
def test_a_body_of_another_shape_is_refused(shop: TestClient, path: str, name: str) -> None:
    check(shop.post(path, content=NOT_THE_SHAPE[name], headers=JSON), 422)


@pytest.mark.parametrize("path", [path for path in ROUTES if path != "/events"])
def test_an_unknown_key_is_refused_by_name(shop: TestClient, path: str) -> None:
    answer = shop.post(path, json=ROUTES[path] | {"qurey": 1})
    check(answer, 422)
    assert "qurey" in answer.text


@pytest.mark.parametrize(
    "media_type", ["", "text/plain", "application/xml", "multipart/form-data; boundary=x", "\xff"]
)
@pytest.mark.parametrize("path", ROUTES)
def test_a_body_of_another_type_is_refused(shop: TestClient, path: str, media_type: str) -> None:
    body = json.dumps(ROUTES[path]).encode()
    headers = {"Content-Type": media_type.encode("latin-1")}
    check(shop.post(path, content=body, headers=headers), 415)


@pytest.mark.parametrize("path", ROUTES)
def test_a_body_that_is_not_packed_as_it_says_is_refused(shop: TestClient, path: str) -> None:
    body = gzip.compress(json.dumps(ROUTES[path]).encode())
    check(shop.post(path, content=body, headers=JSON | {"Content-Encoding": "br"}), 415)
    check(shop.post(path, content=body, headers=JSON | {"Content-Encoding": "zstd"}), 422)
    check(shop.post(path, content=body[:-9], headers=JSON | {"Content-Encoding": "gzip"}), 422)


@pytest.fixture(scope="module")
def bomb(shop: TestClient) -> bytes:
    """A few kilobytes that are more than a body may be once they are unpacked."""
    return gzip.compress(b" " * (service_of(shop).settings.limits.max_body_bytes + 1), 1)


@pytest.mark.parametrize("path", ROUTES)
def test_a_bomb_is_refused(shop: TestClient, bomb: bytes, path: str) -> None:
    check(shop.post(path, content=bomb, headers=JSON | {"Content-Encoding": "gzip"}), 413)


@pytest.mark.parametrize("path", ROUTES)
def test_a_body_beyond_the_limit_is_refused_before_it_is_read(shop: TestClient, path: str) -> None:
    limit = service_of(shop).settings.limits.max_body_bytes
    headers = JSON | {"Content-Length": str(limit + 1)}
    check(shop.post(path, content=b"{}", headers=headers), 413)


@pytest.mark.parametrize("path", ROUTES)
def test_a_body_of_unknown_length_is_cut_off_at_the_limit(shop: TestClient, path: str) -> None:
    limit = service_of(shop).settings.limits.max_body_bytes
    chunks = (b" " * 2**20 for _ in range(limit // 2**20 + 1))
    check(shop.post(path, content=chunks, headers=JSON), 413)


SEARCHES: dict[str, dict[str, Any]] = {
    "an empty query": {"query": ""},
    "a blank query": {"query": " \n"},
    "a query of 1 MB": {"query": "x" * 2**20},
    "a query with a NUL": {"query": "warm\0boots"},
    "a query that is a number": {"query": 1},
    "a query that is missing": {"query": None},
    "no hits": {"k": 0},
    "fewer hits than none": {"k": -1},
    "too many hits": {"k": 1001},
    "a number of hits beyond 64 bits": {"k": 2**70},
    "hits as a string": {"k": "10"},
    "hits as a fraction": {"k": 1.5},
    "hits as a boolean": {"k": True},
    "a window too large": {"k": 10, "offset": 9_991},
    "a negative offset": {"offset": -1},
    "a mode that does not exist": {"mode": "psychic"},
    "a part that does not exist": {"include": ["vector"]},
    "parts that are no list": {"include": "title"},
    "a collection with a NUL": {"collection": "\0"},
    "an empty collection": {"collection": ""},
    "an unknown filter field": {"filter": {"field": "colour", "eq": "red"}},
    "an unknown operator": {"filter": {"field": "brand", "like": "a%"}},
    "a filter without operators": {"filter": {"field": "brand"}},
    "a filter without a field": {"filter": {"eq": 1}},
    "a filter of another engine": {"filter": {"brand": {"$eq": "acme"}}},
    "an integer beyond 64 bits in a filter": {"filter": {"field": "price", "lt": 2**64}},
    "an element of what is no object": {"filter": {"field": "price", "any_element": {}}},
    "a part of a number": {"filter": {"field": "price", "contains": "8"}},
    "a filter that is a list": {"filter": [1]},
    "a filter that is a string": {"filter": "brand = acme"},
    "an empty all": {"filter": {"all": []}},
    "a null in a filter": {"filter": {"field": "brand", "eq": None}},
    "a list in eq": {"filter": {"field": "brand", "eq": ["acme"]}},
    "a range of a string and a number": {"filter": {"field": "price", "gt": 1, "lt": "b"}},
    "too many conditions": {"filter": {"all": [{"field": "brand", "eq": "a"}] * 1000}},
    "a null byte in a field": {"filter": {"field": "br\0and", "eq": "a"}},
    "a least score that is a string": {"min_score": "high"},
}


@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_that_makes_no_sense_is_refused(shop: TestClient, name: str) -> None:
    check(shop.post("/search", json={"query": "boots"} | SEARCHES[name]), 422)


def test_a_filter_nested_to_any_depth_is_refused(shop: TestClient) -> None:
    depth = 500
    nested = '{"not":' * depth + '{"field": "brand", "eq": "acme"}' + "}" * depth
    body = f'{{"query": "boots", "filter": {nested}}}'.encode()
    check(shop.post("/search", content=body, headers=JSON), 422)


def test_a_collection_that_does_not_exist_is_not_found(shop: TestClient) -> None:
    for name in ("none", "No Such Name", "../../etc", "ü" * 100):
        check(shop.post("/search", json={"query": "boots", "collection": name}), 404)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "q=",
        "q=%20",
        "q=%ff",
        "q=%ED%A0%80",
        "q=boots%00",
        "q=boots&k=ten",
        "q=boots&k=",
        "q=boots&k=1e3",
        "q=boots&k=99999999999999999999999",
        "q=boots&min_score=nan",
        "q=boots&min_score=inf",
        "q=boots&min_score=1e400",
        "q=boots&colection=default",
        "q=boots&mode=hybrids",
        "q=boots&include=vector",
        "q=" + "x" * 10_000,
        "&&&===%%%",
    ],
)
def test_a_bad_query_string_is_refused(shop: TestClient, query: str) -> None:
    check(shop.get(f"/search?{query}"), 422)


INVALID_DOCUMENTS: dict[str, list[Any]] = {
    "no documents": [],
    "a number": [1],
    "no id": [{"text": "x"}],
    "no text": [{"id": "x"}],
    "an empty id": [{"id": "", "text": "x"}],
    "an id that is a fraction": [{"id": 1.5, "text": "x"}],
    "an id that a float cannot hold exactly": [{"id": 1e16, "text": "x"}],
    "an id that is true": [{"id": True, "text": "x"}],
    "an id of 513 characters": [{"id": "x" * 513, "text": "x"}],
    "a line break in an id": [{"id": "a\nb", "text": "x"}],
    "a NUL in an id": [{"id": "a\0", "text": "x"}],
    "a NUL in a text": [{"id": "a", "text": "x\0"}],
    "a NUL in a title": [{"id": "a", "text": "x", "title": "\0"}],
    "a NUL in metadata": [{"id": "a", "text": "x", "metadata": {"a": ["\0"]}}],
    "a NUL in a key": [{"id": "a", "text": "x", "metadata": {"\0": 1}}],
    "neither title nor text": [{"id": "a", "text": ""}],
    "a text beyond the limit": [{"id": "a", "text": "x" * 1_000_001}],
    "metadata that is a list": [{"id": "a", "text": "x", "metadata": []}],
    "metadata of 2 MB": [{"id": "a", "text": "x", "metadata": {"a": "x" * 2**21}}],
    "an unknown key": [{"id": "a", "text": "x", "metdata": {}}],
    "the same id twice": [{"id": "a", "text": "x"}, {"id": "a", "text": "y"}],
    "too many": [{"id": str(number), "text": "x"} for number in range(10_001)],
}


@pytest.mark.parametrize("name", INVALID_DOCUMENTS)
def test_documents_that_cannot_be_kept_are_refused_whole(shop: TestClient, name: str) -> None:
    documents = [{"id": "good", "text": "x"}, *INVALID_DOCUMENTS[name]]
    if not INVALID_DOCUMENTS[name]:
        documents = []
    before = shop.get("/collections/default").json()["revision"]
    check(shop.post(DOCUMENTS, json={"documents": documents}), 422)
    assert shop.get("/collections/default").json()["revision"] == before


def test_metadata_of_any_depth_is_refused(shop: TestClient) -> None:
    for depth in (17, 255, 900):
        nested = '{"a":' * depth + "1" + "}" * depth
        body = f'{{"documents": [{{"id": "a", "text": "x", "metadata": {nested}}}]}}'
        check(shop.post(DOCUMENTS, content=body.encode(), headers=JSON), 422)


def test_a_line_beyond_the_limit_is_refused(shop: TestClient) -> None:
    limit = service_of(shop).settings.limits.max_ndjson_line_bytes
    chunks = (b"x" * 2**20 for _ in range(limit // 2**20 + 2))
    answer = shop.post(DOCUMENTS, content=chunks, headers=NDJSON)
    check(answer, 422)
    assert (answer.json()["line"], answer.json()["accepted"]) == (1, 0)


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "after=%00", "after="])
def test_a_bad_page_is_refused(shop: TestClient, query: str) -> None:
    check(shop.get(f"{DOCUMENTS}?{query}"), 422)


@pytest.mark.parametrize("path", ["/collections/%00", f"{DOCUMENTS}/%00"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_bad_path_is_refused(shop: TestClient, method: str, path: str) -> None:
    check(shop.request(method, path), 422)


@pytest.mark.parametrize(
    "path", ["/collections/none", *(f"{DOCUMENTS}/{doc_id}" for doc_id in ("none", "%ff", "a%0Ab"))]
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_what_does_not_exist_is_not_found(shop: TestClient, method: str, path: str) -> None:
    check(shop.request(method, path), 404)


INPUTS: dict[str, tuple[dict[str, Any], int]] = {
    "an empty text": ({"input": ""}, 422),
    "an empty text among others": ({"input": ["x", ""]}, 422),
    "no texts": ({"input": []}, 422),
    "10,000 texts": ({"input": ["x"] * 10_000}, 422),
    "a text with a NUL": ({"input": ["x", "\0"]}, 422),
    "a text beyond the limit": ({"input": "x" * 1_000_001}, 422),
    "null": ({"input": None}, 422),
    "an object": ({"input": {"text": "x"}}, 422),
    "a null among texts": ({"input": ["x", None]}, 422),
    "tokens": ({"input": [1, 2]}, 400),
    "lists of tokens": ({"input": [[1], [2]]}, 400),
    "no dimensions": ({"dimensions": 0}, 422),
    "too many dimensions": ({"dimensions": 100_000}, 400),
    "dimensions as a string": ({"dimensions": "8"}, 422),
    "an unknown encoding": ({"encoding_format": "hex"}, 422),
    "an unknown input type": ({"input_type": "poem"}, 422),
    "no model": ({"model": None}, 422),
    "an empty model": ({"model": ""}, 422),
    "a model with a NUL": ({"model": "\0"}, 422),
    "an unknown model": ({"model": "text-embedding-3-small"}, 404),
    "a path as a model": ({"model": "../../etc/passwd"}, 404),
    "a model with a huge name": ({"model": "x" * 100_000}, 422),
}


@pytest.mark.parametrize("name", INPUTS)
def test_embeddings_that_cannot_be_made_are_refused(shop: TestClient, name: str) -> None:
    change, status = INPUTS[name]
    answer = shop.post("/v1/embeddings", json={"model": "default", "input": "x"} | change)
    check(answer, status)


@pytest.mark.parametrize(
    "change",
    [
        {"inputs": ""},
        {"inputs": []},
        {"inputs": ["x"] * 10_000},
        {"normalize": "yes"},
        {"truncate": "END"},
        {"truncation_direction": "up"},
        {"encoding_format": "base64"},
        {"prompt_name": "poem"},
    ],
)
def test_what_tei_could_do_and_molt_cannot_is_refused(
    shop: TestClient, change: dict[str, Any]
) -> None:
    check(shop.post("/embed", json={"inputs": "x"} | change), 422)


@pytest.mark.parametrize("path", ["/nothing", "/v1/nothing", "/searches/", "/v1", "/embed/x"])
def test_an_unknown_path_is_not_found(shop: TestClient, path: str) -> None:
    check(shop.get(path), 404)


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/search", "GET, HEAD, POST"),
        ("/v1/embeddings", "POST"),
        ("/embed", "POST"),
        ("/", "GET, HEAD, POST"),
        ("/aliases/a/b", "DELETE, PUT"),
        (f"{DOCUMENTS}/d1", "DELETE, GET, HEAD, PATCH, PUT"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(shop: TestClient, path: str, methods: str) -> None:
    answer = shop.request("TRACE", path)
    check(answer, 405)
    assert answer.headers["allow"] == methods
