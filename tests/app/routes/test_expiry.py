"""Documents that expire by a date in their metadata, over HTTP."""

from typing import Any

import pytest
from starlette.testclient import TestClient

PAST, FUTURE = "2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"


def put(client: TestClient, name: str = "shop", **until: object) -> None:
    documents = [
        {"id": one, "text": f"text {one}", "metadata": {} if said is None else {"until": said}}
        for one, said in until.items()
    ]
    answer = client.post(f"/collections/{name}/documents", json={"documents": documents})
    assert answer.json()["indexed"] is True


def found(client: TestClient, name: str = "shop") -> list[str]:
    answer = client.post("/search", json={"query": "text", "collection": name}).json()
    assert answer["total"]["value"] == len(answer["hits"])
    return sorted(hit["id"] for hit in answer["hits"])


def state(client: TestClient, name: str = "shop") -> Any:
    return client.get(f"/collections/{name}").json()


def test_a_collection_says_by_which_field_its_documents_expire(client: TestClient) -> None:
    made = client.post("/collections", json={"name": "shop", "expiry_field": "until"})
    assert made.status_code == 201
    assert made.json()["expiry_field"] == "until"
    assert made.json() == state(client)
    assert made.json()["expiry"] == {
        "next": None,
        "unreadable": {"count": 0, "documents": []},
        "complete": True,
    }
    (listed,) = client.get("/collections").json()["collections"]
    assert (listed["expiry_field"], listed["expired_total"]) == ("until", 0)


@pytest.mark.parametrize("body", [{"name": "shop"}, {"name": "shop", "expiry_field": None}])
def test_without_a_field_no_document_expires(client: TestClient, body: dict[str, Any]) -> None:
    made = client.post("/collections", json=body).json()
    assert (made["expiry_field"], made["expiry"], made["warnings"]) == (None, None, [])
    put(client, a=PAST)
    assert found(client) == ["a"]


def test_a_field_chosen_later_holds_at_once_for_what_is_there(client: TestClient) -> None:
    client.post("/collections", json={"name": "shop"})
    put(client, old=PAST, new=FUTURE, never=None, odd="soon")
    changed = client.patch("/collections/shop", json={"expiry_field": "until"})
    assert changed.status_code == 200
    assert changed.headers["etag"] == f'"{changed.json()["revision"]}"'
    assert changed.json()["expiry_field"] == "until"
    missing, odd = changed.json()["warnings"]
    assert "1 never expire: 'until' is empty" in missing
    assert "1 never expire: what 'until' holds is no date ('odd')" in odd
    assert found(client) == ["never", "new", "odd"]


def test_a_field_that_holds_no_dates_is_told_when_it_is_chosen(client: TestClient) -> None:
    client.post("/collections", json={"name": "shop"})
    put(client, a=12, b=13)
    told = client.patch("/collections/shop", json={"expiry_field": "until"}).json()["warnings"]
    assert "none has a date in 'until'" in told[0]
    put(client, c=None)
    told = client.patch("/collections/shop", json={"expiry_field": "untill"}).json()["warnings"]
    assert "none has a date in 'untill'" in told[0]


def test_an_empty_field_lets_documents_expire_no_more(client: TestClient) -> None:
    client.post("/collections", json={"name": "shop", "expiry_field": "other"})
    put(client, old=PAST)
    client.patch("/collections/shop", json={"expiry_field": ""})
    changed = state(client)
    assert (changed["expiry_field"], changed["expiry"]) == (None, None)
    assert found(client) == ["old"]


@pytest.mark.parametrize("body", [{}, {"expiry_field": None}])
def test_a_change_of_nothing_is_refused_and_changes_nothing(
    client: TestClient, body: dict[str, Any]
) -> None:
    client.post("/collections", json={"name": "shop", "expiry_field": "until"})
    answer = client.patch("/collections/shop", json=body)
    assert answer.status_code == 422
    assert "expiry_field" in answer.json()["detail"]
    assert state(client)["expiry_field"] == "until"


@pytest.mark.parametrize("field", ["id", "x" * 513, "a\0b", 7])
def test_a_field_that_cannot_be_is_refused(client: TestClient, field: object) -> None:
    client.post("/collections", json={"name": "shop"})
    assert client.patch("/collections/shop", json={"expiry_field": field}).status_code == 422
    made = client.post("/collections", json={"name": "new", "expiry_field": field})
    assert made.status_code == 422
    assert client.get("/collections/new").status_code == 404


def test_a_change_depends_on_the_collection_and_its_revision(client: TestClient) -> None:
    body = {"expiry_field": "until"}
    assert client.patch("/collections/shop", json=body).status_code == 404
    client.post("/collections", json={"name": "shop"})
    put(client, a=FUTURE)
    stale = client.patch("/collections/shop", json=body, headers={"If-Match": '"0"'})
    assert stale.status_code == 412
    assert state(client)["expiry_field"] is None
    right = client.patch("/collections/shop", json=body, headers={"If-Match": '"1"'})
    assert right.status_code == 200


def test_what_has_expired_is_deleted_and_counted(client: TestClient) -> None:
    client.post("/collections", json={"name": "shop", "expiry_field": "until"})
    put(client, old=PAST, new=FUTURE, odd="soon")
    assert found(client) == ["new", "odd"]
    indexer = client.app.state.service.engine.indexer  # type: ignore[attr-defined]
    while indexer.expire():
        pass
    assert client.get("/collections/shop/documents/old").status_code == 404
    documents = client.get("/collections/shop/documents").json()["documents"]
    assert [one["id"] for one in documents] == ["new", "odd"]
    after = state(client)
    assert (after["documents"], after["expired_total"]) == (2, 1)
    assert after["expiry"]["next"].startswith("2999-01-01T00:00:00")
    assert after["expiry"]["unreadable"] == {"count": 1, "documents": ["odd"]}
    assert after["expiry"]["complete"] is True
    assert after["warnings"] == ["1 document never expires: what 'until' holds is no date ('odd')"]
    metrics = client.get("/metrics").text
    assert 'molt_collection_expired_total{collection="shop"} 1.0' in metrics
    assert "old" not in client.get("/collections/shop/export").text


def test_choosing_a_field_is_written_down(client: TestClient) -> None:
    client.post("/collections", json={"name": "shop"})
    client.patch("/collections/shop", json={"expiry_field": "until"})
    entries = client.get("/admin/audit").json()["entries"]
    assert any("PATCH /collections/{collection}" in one["action"] for one in entries)
