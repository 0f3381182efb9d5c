from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.app.routes.documents.conftest import DOCUMENTS, Put
from tests.hashing import HashingEncoder

BOOTS = {"id": "a", "title": "Boots", "text": "warm boots", "metadata": {"price": 80, "sold": 1}}


def test_a_patch_merges_metadata_and_null_removes_a_field(client: TestClient, put: Put) -> None:
    put(BOOTS | {"metadata": {"price": 80, "sold": True, "size": {"eu": 42, "us": 9}, "tags": [1]}})
    patch = {"price": 69, "sold": None, "size": {"us": None, "uk": 8}, "tags": ["x", None]}
    answer = client.patch(f"{DOCUMENTS}/a", json={"metadata": patch})
    assert answer.json() == {"accepted": 1, "revision": 2, "indexed": True}
    found = client.get(f"{DOCUMENTS}/a").json()
    assert found["metadata"] == {"price": 69, "size": {"eu": 42, "uk": 8}, "tags": ["x", None]}
    assert (found["title"], found["text"]) == ("Boots", "warm boots")


def test_a_patch_of_metadata_is_found_by_filters_and_encodes_nothing(
    client: TestClient, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(BOOTS)
    encoded: list[str] = []
    monkeypatch.setattr(HashingEncoder, "embed_documents", lambda _, texts: encoded.extend(texts))
    assert client.patch(f"{DOCUMENTS}/a", json={"metadata": {"price": 7}}).json()["indexed"] is True
    search = {"query": "boots", "filter": {"field": "price", "lt": 10}}
    assert [hit["id"] for hit in client.post("/search", json=search).json()["hits"]] == ["a"]
    assert encoded == []


def test_a_patch_of_the_text_is_searched_by_it(client: TestClient, put: Put) -> None:
    put(BOOTS, {"id": "b", "text": "a tent for two"})
    client.patch(f"{DOCUMENTS}/a", json={"text": "a wool hat", "title": None, "metadata": None})
    hits = client.get("/search", params={"q": "wool hat", "k": 1}).json()["hits"]
    assert [(hit["id"], hit["title"], hit["metadata"]) for hit in hits] == [
        ("a", "Boots", BOOTS["metadata"])
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"price": 3}, "price: is not a known name"),
        ({"metadata": [1]}, "metadata"),
        ({"text": " ", "title": ""}, "is empty"),
        ({"metadata": {"a": "\0"}}, "NUL"),
        ({"metadata": {"x": "y" * 1_048_576}}, "bytes of JSON"),
    ],
)
def test_a_patch_that_leaves_no_document_is_refused_and_changes_nothing(
    client: TestClient, put: Put, body: dict[str, Any], said: str
) -> None:
    put(BOOTS)
    answer = client.patch(f"{DOCUMENTS}/a", json=body)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert client.get(f"{DOCUMENTS}/a").json() == BOOTS | {"revision": 1, "truncated": False}


def test_a_patch_nested_deeper_than_any_metadata_is_refused(client: TestClient, put: Put) -> None:
    put(BOOTS)
    body = b'{"metadata": ' + b'{"a":' * 900 + b"1" + b"}" * 901
    headers = {"Content-Type": "application/merge-patch+json"}
    assert client.patch(f"{DOCUMENTS}/a", content=body, headers=headers).status_code == 422


def test_patching_what_is_not_there_is_404(client: TestClient) -> None:
    answer = client.patch(f"{DOCUMENTS}/a", json={"metadata": {}})
    assert (answer.status_code, answer.json()["type"]) == (
        404,
        "urn:molt:problem:document_not_found",
    )
    nowhere = client.patch("/collections/nowhere/documents/a", json={"metadata": {}})
    assert nowhere.json()["type"] == "urn:molt:problem:collection_not_found"


def test_a_document_is_put_under_the_id_of_its_path(client: TestClient) -> None:
    path = f"{DOCUMENTS}/https://example.org/a b"
    answer = client.put(path, json={"text": "warm boots", "title": None})
    assert (answer.json(), answer.headers["etag"]) == (
        {"accepted": 1, "revision": 1, "indexed": True},
        '"1"',
    )
    assert client.get(path).json()["id"] == "https://example.org/a b"
    other = client.put(path, json={"id": "b", "text": "x"})
    assert (other.status_code, "path" in other.json()["detail"]) == (422, True)


def test_the_tag_of_a_document_is_its_revision_and_not_the_collections(
    client: TestClient, put: Put
) -> None:
    put(BOOTS, {"id": "b", "text": "a tent"})
    assert client.get(f"{DOCUMENTS}/a").headers["etag"] == '"1"'
    assert client.get("/collections/default").headers["etag"] == '"2"'
    unchanged = {name: value for name, value in BOOTS.items() if name != "id"}
    assert client.put(f"{DOCUMENTS}/a", json=unchanged).headers["etag"] == '"1"'
    assert client.patch(f"{DOCUMENTS}/a", json={"title": "B"}).headers["etag"] == '"3"'


@pytest.mark.parametrize("tag", ['"1"', "1", '"7", "1"', "*", ' "1" '])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_write_happens_where_the_document_has_the_revision(
    client: TestClient, put: Put, method: str, tag: str
) -> None:
    put(BOOTS, {"id": "b", "text": "a tent"})
    body = None if method == "DELETE" else {"text": "boots"}
    answer = client.request(method, f"{DOCUMENTS}/a", json=body, headers={"If-Match": tag})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("tag", ['"2"', 'W/"1"', '"x"', '"1e0"', '"99999999999999999999999"', '""'])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_write_is_refused_where_the_document_has_another_revision(
    client: TestClient, put: Put, method: str, tag: str
) -> None:
    put(BOOTS, {"id": "b", "text": "a tent"})
    body = None if method == "DELETE" else {"text": "hat"}
    answer = client.request(method, f"{DOCUMENTS}/a", json=body, headers={"If-Match": tag})
    problem = answer.json()
    assert (answer.status_code, problem["revision"]) == (412, 1)
    assert problem["type"] == "urn:molt:problem:precondition_failed"
    assert client.get(f"{DOCUMENTS}/a").json()["text"] == "warm boots"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("tag", ["*", '"1"'])
def test_what_is_not_there_matches_nothing(client: TestClient, method: str, tag: str) -> None:
    body = None if method == "DELETE" else {"text": "hat"}
    answer = client.request(method, f"{DOCUMENTS}/a", json=body, headers={"If-Match": tag})
    assert (answer.status_code, answer.json()["revision"]) == (412, None)
    assert client.get(f"{DOCUMENTS}/a").status_code == 404


def test_a_document_is_made_only_once(client: TestClient) -> None:
    new = {"If-None-Match": "*"}
    assert client.put(f"{DOCUMENTS}/a", json={"text": "first"}, headers=new).status_code == 200
    again = client.put(f"{DOCUMENTS}/a", json={"text": "second"}, headers=new)
    assert (again.status_code, again.json()["revision"]) == (412, 1)
    assert client.get(f"{DOCUMENTS}/a").json()["text"] == "first"


@pytest.mark.parametrize(
    "headers",
    [{"If-Match": "abc"}, {"If-Match": '"1" "2"'}, {"If-Match": '"1'}, {"If-None-Match": '"1"'}],
)
def test_a_condition_that_cannot_be_understood_is_named(
    client: TestClient, put: Put, headers: dict[str, str]
) -> None:
    put(BOOTS)
    answer = client.delete(f"{DOCUMENTS}/a", headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, *headers)


def test_a_collection_is_deleted_only_as_it_was_seen(client: TestClient, put: Put) -> None:
    put(BOOTS)
    answer = client.delete("/collections/default", headers={"If-Match": '"0"'})
    assert (answer.status_code, answer.json()["revision"]) == (412, 1)
    seen = client.get("/collections/default").headers["etag"]
    assert client.delete("/collections/default", headers={"If-Match": seen}).status_code == 204
