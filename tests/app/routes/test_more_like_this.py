"""More like this over HTTP: what is like documents, or like a text."""

from pathlib import Path
from typing import Any

import pytest
from httpx import Response
from starlette.testclient import TestClient

from molt.encoder import InputType
from tests.app.serving import service_of, serving

DOCUMENTS = [
    {"id": "boots", "text": "warm waterproof boots", "metadata": {"price": 80}},
    {"id": "wellies", "text": "waterproof boots", "metadata": {"price": 30}},
    {"id": "socks", "text": "warm wool socks", "metadata": {"price": 12}},
    {"id": "tent", "text": "a tent for two", "metadata": {"price": 200}},
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with serving(tmp_path_factory.mktemp("home")) as client:
        client.post("/collections", json={"name": "default"})
        answer = client.post("/collections/default/documents", json={"documents": DOCUMENTS})
        assert answer.json()["indexed"]
        yield client


def ask(client: TestClient, like: object, **body: object) -> Response:
    response: Response = client.post("/search", json={"like": like} | body)
    return response


def ids(client: TestClient, like: object, **body: object) -> list[str]:
    answer = ask(client, like, **body)
    assert answer.status_code == 200, answer.text
    return [hit["id"] for hit in answer.json()["hits"]]


def test_what_is_like_a_document_comes_without_it_and_nothing_else_is_lost(
    shop: TestClient,
) -> None:
    assert ids(shop, {"id": "boots"})[0] == "wellies"
    assert sorted(ids(shop, {"id": "boots"})) == ["socks", "tent", "wellies"]
    assert ask(shop, {"id": "boots"}).json()["total"] == {"value": 3, "relation": "eq"}


def test_a_document_is_compared_by_its_stored_vector_and_nothing_is_encoded(
    shop: TestClient,
) -> None:
    encoder: Any = service_of(shop).engine.live_collections.encoder_of("default")
    before = len(encoder.calls)
    liked = ask(shop, {"id": "boots"}, k=3).json()["hits"]
    assert len(encoder.calls) == before
    body = {"query": "warm waterproof boots", "k": 4, "mode": "dense"}
    by_text = shop.post("/search", json=body).json()["hits"]
    scores = {hit["id"]: hit["score"] for hit in by_text}
    assert {hit["id"]: hit["score"] for hit in liked} == pytest.approx(
        {name: scores[name] for name in ("wellies", "socks", "tent")}, abs=1e-6
    )


def test_what_documents_are_like_is_told_by_meaning_and_nothing_is_said_to_be_missing(
    shop: TestClient,
) -> None:
    for like in ({"id": "boots"}, {"text": "warm -waterproof boots"}):
        found = ask(shop, like).json()
        assert (found["search"]["mode"], found["search"]["left_out"]) == ("dense", [])
        assert (found["search"]["fusion"], found["warnings"]) == (None, [])
        assert found["hits"] == ask(shop, like, mode="dense").json()["hits"]


def test_words_of_a_text_that_hits_are_to_be_like_have_no_signs(shop: TestClient) -> None:
    assert ids(shop, {"text": '-waterproof "socks wool"'}, mode="lexical") == [
        "socks",
        "wellies",
        "boots",
    ]


def test_words_cannot_tell_what_a_document_is_like(shop: TestClient) -> None:
    found = ask(shop, {"id": "boots"}, mode="lexical").json()
    assert found["search"]["left_out"] == ["lexical"]
    assert found["warnings"][0].startswith("the lexical index was left out: what documents are")


def test_the_query_string_names_documents_that_hits_are_to_be_like(shop: TestClient) -> None:
    by_url = shop.get("/search", params={"like": ["boots", "socks"], "k": 2}).json()
    assert by_url["hits"] == ask(shop, {"ids": ["boots", "socks"]}, k=2).json()["hits"]


@pytest.mark.parametrize(
    ("asked", "wrong", "said"),
    [
        ({}, "q", "is missing; say what to search for"),
        ({"q": "boots", "like": "boots"}, "like", "stands in place of `q`"),
    ],
)
def test_a_query_string_asks_for_one_thing(
    shop: TestClient, asked: dict[str, str], wrong: str, said: str
) -> None:
    answer = shop.get("/search", params=asked)
    assert answer.status_code == 422
    (violation,) = answer.json()["errors"]
    assert said in violation["detail"]
    assert violation["parameter"] == wrong


def test_several_documents_are_liked_for_what_they_have_in_common(shop: TestClient) -> None:
    found = ask(shop, {"ids": ["wellies", "socks", "wellies"]}).json()
    assert [hit["id"] for hit in found["hits"]] == ["boots", "tent"]
    assert found["total"]["value"] == 2


def test_a_filter_holds_for_what_is_like_a_document(shop: TestClient) -> None:
    assert ids(shop, {"id": "boots"}, filter={"field": "price", "gt": 20}) == ["wellies", "tent"]


def test_a_text_is_compared_as_a_document_is(shop: TestClient) -> None:
    encoder: Any = service_of(shop).engine.live_collections.encoder_of("default")
    assert ids(shop, {"text": "a tent for three"})[0] == "tent"
    assert encoder.calls[-1][1] is InputType.DOCUMENT


def test_a_document_that_is_not_there_is_not_found(shop: TestClient) -> None:
    answer = ask(shop, {"ids": ["boots", "nobody"]})
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:molt:problem:document_not_found"
    assert "'nobody'" in answer.json()["detail"]


def test_a_document_that_no_search_finds_yet_is_told_so(tmp_path: Path) -> None:
    with serving(tmp_path, index={"seal": False}) as client:
        client.post("/collections", json={"name": "default"})
        client.post("/collections/default/documents", json={"documents": DOCUMENTS, "wait": False})
        answer = ask(client, {"id": "boots"})
        assert answer.status_code == 409
        assert answer.json()["type"] == "urn:molt:problem:document_not_indexed"
        assert "not indexed yet" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/query"),
        ({"query": "boots", "like": {"id": "boots"}}, "#/like"),
        ({"like": {}}, "#/like"),
        ({"like": {"id": "boots", "text": "boots"}}, "#/like"),
        ({"like": {"ids": []}}, "#/like/ids"),
        ({"like": {"ids": ["d"] * 101}}, "#/like/ids"),
        ({"like": {"text": " "}}, "#/like/text"),
        ({"like": {"text": "x" * 9000}}, "#/like/text"),
        ({"like": {"name": "boots"}}, "#/like/name"),
        ({"like": "boots"}, "#/like"),
    ],
)
def test_what_is_not_one_thing_to_search_for_is_refused_in_its_place(
    shop: TestClient, body: dict[str, Any], pointer: str
) -> None:
    answer = shop.post("/search", json=body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
