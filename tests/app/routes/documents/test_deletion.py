from typing import Any

import pytest
from starlette.testclient import TestClient

from molt.encoder.errors import EncoderError
from molt.index.errors import CatalogBusyError, CatalogFullError
from molt.index.selection import selection
from tests.app.routes.documents.conftest import DOCUMENTS, Put
from tests.app.serving import service_of
from tests.hashing import HashingEncoder

DELETE = f"{DOCUMENTS}/delete"


def documents() -> list[dict[str, Any]]:
    metadata = [{"price": 5}, {"price": 12, "sold": True}, {"price": "n/a"}, {}]
    return [{"id": f"d{n}", "text": f"boots {n}", "metadata": m} for n, m in enumerate(metadata)]


def ids(client: TestClient) -> list[str]:
    return [one["id"] for one in client.get(DOCUMENTS).json()["documents"]]


def test_documents_are_deleted_by_their_ids_and_found_no_more(client: TestClient, put: Put) -> None:
    put(*documents())
    answer = client.post(DELETE, json={"ids": ["d0", "x", "d3", "d0"]})
    assert answer.json() == {
        "accepted": 2,
        "deleted": 2,
        "revision": 6,
        "indexed": True,
        "missing": ["x"],
    }
    hits = client.get("/search", params={"q": "boots"}).json()["hits"]
    assert {hit["id"] for hit in hits} == {"d1", "d2"} == set(ids(client))


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ({"field": "price", "lte": 12}, ["d2", "d3"]),
        ({"field": "price", "eq": "n/a"}, ["d0", "d1", "d3"]),
        ({"field": "sold", "exists": True}, ["d0", "d2", "d3"]),
        ({"not": {"field": "price", "exists": True}}, ["d0", "d1", "d2"]),
        ({"any": [{"field": "price", "eq": 5}, {"field": "sold", "eq": True}]}, ["d2", "d3"]),
    ],
)
def test_documents_that_a_filter_keeps_are_deleted(
    client: TestClient, put: Put, where: dict[str, Any], left: list[str]
) -> None:
    put(*documents())
    answer = client.post(DELETE, json={"filter": where}).json()
    assert (answer["deleted"], answer["missing"]) == (4 - len(left), [])
    assert ids(client) == left
    hits = client.get("/search", params={"q": "boots"}).json()["hits"]
    assert sorted(hit["id"] for hit in hits) == left


@pytest.mark.parametrize(
    "where",
    [
        {},
        {"all": []},
        {"all": [{}]},
        {"not": {"not": {}}},
        {"not": {"any": []}},
        {"any": [{"field": "price", "eq": 5}, {}]},
        {"any": [{"field": "price", "exists": True}, {"field": "price", "exists": False}]},
        {"field": "id", "ne": ""},
        {"field": "id", "ne": True},
        {"field": "sold", "ne": "true"},
        {"not": {"field": "sold", "in": ["true"]}},
    ],
)
def test_a_filter_that_keeps_everything_deletes_nothing(
    client: TestClient, put: Put, where: dict[str, Any]
) -> None:
    put(*documents())
    answer = client.post(DELETE, json={"filter": where})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:molt:problem:invalid_filter")
    assert len(ids(client)) == 4


@pytest.mark.parametrize(
    "where",
    [
        {"field": "prize", "eq": 5},
        {"field": "prize", "exists": False},
        {"not": {"field": "prize", "exists": True}},
        {"any": [{"field": "price", "eq": 5}, {"field": "prize", "eq": 5}]},
        {"all": [{"field": "price", "eq": 5}, {"not": {"field": "prize", "eq": 5}}]},
    ],
)
def test_a_field_that_nobody_has_is_an_error_wherever_it_stands(
    client: TestClient, put: Put, where: dict[str, Any]
) -> None:
    put(*documents())
    answer = client.post(DELETE, json={"filter": where})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:molt:problem:unknown_field")
    assert "'prize'" in answer.json()["detail"]
    assert len(ids(client)) == 4


def test_a_field_that_only_deleted_documents_had_is_nobodys(client: TestClient, put: Put) -> None:
    put(*documents())
    where = {"filter": {"field": "sold", "eq": True}}
    assert client.post(DELETE, json=where).json()["deleted"] == 1
    assert client.post(DELETE, json=where).status_code == 422


def test_what_waits_for_the_index_and_what_cannot_be_encoded_is_deleted_too(
    client: TestClient, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = HashingEncoder._read

    def refuse(encoder: HashingEncoder, text: str) -> object:
        if "BAD" in text:
            raise EncoderError("cannot read that")
        return read(encoder, text)

    monkeypatch.setattr(HashingEncoder, "_read", refuse)
    put(*documents(), {"id": "bad", "text": "BAD", "metadata": {"price": 1}})
    assert client.get("/collections/default").json()["quarantine"]["count"] == 1
    monkeypatch.setattr(service_of(client).engine.indexer, "acquire", lambda: False)
    late = [{"id": "late", "text": "boots", "metadata": {"price": 2}}]
    late.append({"id": "d0", "text": "boots", "metadata": {"price": 500}})
    client.post(DOCUMENTS, json={"documents": late, "wait": False})
    answer = client.post(DELETE, json={"filter": {"field": "price", "lt": 10}})
    assert answer.json()["deleted"] == 2
    assert ids(client) == ["d0", "d1", "d2", "d3"]


def test_what_is_written_after_the_request_began_stays(
    client: TestClient, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(*documents())
    select = selection.select_matching

    def select_and_write(*given: Any) -> Any:
        selected = select(*given)
        changed = {"documents": [{"id": "d1", "text": "boots", "metadata": {"price": 11}}]}
        client.post(DOCUMENTS, json=changed | {"wait": False})
        return selected

    monkeypatch.setattr("molt.app.routes.documents.deletion.select_matching", select_and_write)
    answer = client.post(DELETE, json={"filter": {"field": "price", "lte": 12}})
    assert answer.json()["deleted"] == 1
    assert ids(client) == ["d1", "d2", "d3"]


def test_deleting_by_a_filter_can_depend_on_the_revision(client: TestClient, put: Put) -> None:
    put(*documents())
    body = {"filter": {"field": "price", "eq": 5}}
    refused = client.post(DELETE, json=body, headers={"If-Match": '"3"'})
    assert (refused.status_code, refused.json()["revision"]) == (412, 4)
    assert client.post(DELETE, json=body, headers={"If-None-Match": "*"}).status_code == 422
    assert client.post(DELETE, json=body, headers={"If-Match": '"4"'}).json()["deleted"] == 1


def test_a_revision_that_goes_by_while_documents_are_selected_matches_no_more(
    client: TestClient, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(*documents())
    select = selection.select_matching

    def select_and_write(*given: Any) -> Any:
        selected = select(*given)
        client.post(DOCUMENTS, json={"documents": [{"id": "e", "text": "boots"}], "wait": False})
        return selected

    monkeypatch.setattr("molt.app.routes.documents.deletion.select_matching", select_and_write)
    body = {"filter": {"field": "price", "lte": 12}}
    refused = client.post(DELETE, json=body, headers={"If-Match": '"4"'})
    assert (refused.status_code, refused.json()["revision"]) == (412, 5)
    assert ids(client) == ["d0", "d1", "d2", "d3", "e"]


def test_a_condition_holds_for_all_transactions_of_a_deletion(
    client: TestClient, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selection, "BATCH", 1)
    put(*documents())
    body = {"filter": {"field": "price", "lte": 12}}
    answer = client.post(DELETE, json=body, headers={"If-Match": '"4"'}).json()
    assert (answer["deleted"], ids(client)) == (2, ["d2", "d3"])


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (CatalogBusyError("the catalog is locked"), (503, "urn:molt:problem:catalog_busy")),
        (CatalogFullError("the disk is full"), (507, "urn:molt:problem:disk_full")),
    ],
)
def test_what_ends_a_deletion_says_how_many_documents_it_deleted(
    client: TestClient,
    put: Put,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    expected: tuple[int, str],
) -> None:
    monkeypatch.setattr(selection, "BATCH", 1)
    put(*documents())
    delete, calls = selection.delete_selected, []

    def delete_one(*given: Any, **named: Any) -> Any:
        calls.append(given)
        if len(calls) > 1:
            raise error
        return delete(*given, **named)

    monkeypatch.setattr("molt.app.routes.documents.deletion.delete_selected", delete_one)
    answer = client.post(DELETE, json={"filter": {"field": "price", "lte": 12}})
    told = answer.json()
    assert (answer.status_code, told["type"]) == expected
    assert (told["deleted"], told["revision"]) == (1, 5)
    assert "1 documents were deleted before" in told["detail"]
    assert ids(client) == ["d1", "d2", "d3"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ids": None, "filter": None},
        {"ids": ["a"], "filter": {"field": "a", "eq": 1}},
        {"ids": []},
        {"ids": ["a\0"]},
        {"filter": []},
    ],
)
def test_what_shall_be_deleted_is_said_in_one_way(client: TestClient, body: dict[str, Any]) -> None:
    assert client.post(DELETE, json=body).status_code == 422


def test_a_null_in_a_filter_does_not_widen_what_is_deleted(client: TestClient, put: Put) -> None:
    put({"id": "d1", "text": "x", "metadata": {"price": 3}})
    bounds = {"all": [{"field": "price", "gte": None, "lt": 5}]}
    answer = client.post(f"{DOCUMENTS}/delete", json={"filter": bounds})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("$.all[0].gte: null bounds nothing")
    assert client.post("/search", json={"query": "x", "filter": bounds}).json()["hits"]
