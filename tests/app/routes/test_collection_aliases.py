"""An alias of a collection over HTTP: another name of it everywhere, moved in one step."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from molt.index.catalog.access.keys import Role
from molt.index.catalog.access.reach import Reach
from tests.app.serving import service_of, serving

OLD = [{"id": "old", "text": "warm waterproof boots"}]
NEW = [{"id": "new", "text": "warm waterproof boots"}]


@pytest.fixture
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Two collections, and `shop`, which stands for the first."""
    with serving(tmp_path_factory.mktemp("home")) as client:
        for name, documents in (("shop-1", OLD), ("shop-2", NEW)):
            client.post("/collections", json={"name": name})
            client.post(f"/collections/{name}/documents", json={"documents": documents})
        move(client, "shop-1")
        yield client


def move(client: TestClient, to: str) -> None:
    answer = client.put("/aliases/shop", json={"collection": to})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"name": "shop", "model": to, "source": "catalog"}


def found(client: TestClient) -> list[list[str]]:
    """What the alias finds, by each way to search."""
    query = {"query": "boots"}
    named = query | {"collection": "shop"}
    answers: list[dict[str, Any]] = [
        client.post("/search", json=named).json(),
        client.get("/search", params={"q": "boots", "collection": "shop"}).json(),
        client.post("/collections/shop/search", json=query).json(),
        client.post("/collections/shop/search", json=named).json(),
        client.post("/search/batch", json={"searches": [named]}).json()["results"][0]["answer"],
    ]
    return [[hit["id"] for hit in answer["hits"]] for answer in answers]


def test_collections_tell_their_other_names(client: TestClient) -> None:
    client.put("/aliases/best", json={"collection": "shop-1"})
    listed = client.get("/collections").json()["collections"]
    assert {one["name"]: one["aliases"] for one in listed} == {
        "shop-1": ["best", "shop"],
        "shop-2": [],
    }
    assert client.get("/collections/shop").json()["aliases"] == ["best", "shop"]
    assert client.post("/collections", json={"name": "new"}).json()["aliases"] == []


def test_every_search_follows_an_alias_when_it_is_moved(client: TestClient) -> None:
    assert found(client) == [["old"]] * 5
    move(client, "shop-2")
    assert found(client) == [["new"]] * 5


def test_documents_judgments_and_events_are_of_the_collection_behind_it(
    client: TestClient,
) -> None:
    documents = [{"id": "more", "text": "wool socks"}]
    assert client.post("/collections/shop/documents", json={"documents": documents}).json()[
        "indexed"
    ]
    assert client.get("/collections/shop-1/documents/more").json()["text"] == "wool socks"
    assert client.get("/collections/shop/documents/more").status_code == 200
    event = {"action_name": "click"}
    assert client.post("/events", params={"collection": "shop"}, json=event).status_code == 200
    pairs = {"pairs": [{"query": "boots", "doc_id": "old"}]}
    assert client.post("/collections/shop/judgments", json=pairs).status_code == 200
    assert client.get("/collections/shop-1/pairs").json()["pairs"][0]["doc_id"] == "old"


def test_answers_say_the_collections_own_name(client: TestClient) -> None:
    assert client.get("/collections/shop").json()["name"] == "shop-1"
    job = client.post("/admin/merge", json={"collection": "shop"}).json()
    assert job["collection"] == "shop-1"
    jobs = client.get("/admin/jobs", params={"collection": "shop"}).json()["jobs"]
    assert [one["id"] for one in jobs] == [job["id"]]


def test_no_collection_is_deleted_by_an_alias(client: TestClient) -> None:
    assert client.delete("/collections/shop").status_code == 404
    assert client.get("/collections/shop-1").status_code == 200


def test_an_alias_of_what_is_gone_stands_for_nothing(client: TestClient) -> None:
    assert client.delete("/collections/shop-1").status_code == 204
    for answer in (
        client.post("/search", json={"query": "boots", "collection": "shop"}),
        client.get("/collections/shop"),
    ):
        assert answer.status_code == 404
        assert "'shop'" in answer.json()["detail"]
    move(client, "shop-2")
    assert found(client) == [["new"]] * 5


def test_an_alias_of_no_collection_and_of_an_alias_is_refused(client: TestClient) -> None:
    for name in ("none", "shop"):
        assert client.put("/aliases/other", json={"collection": name}).status_code == 404
    for body in ({}, {"model": "default", "collection": "shop-1"}):
        answer = client.put("/aliases/other", json=body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "#/model"


def test_a_key_has_to_be_for_what_is_behind_an_alias(client: TestClient) -> None:
    keys = service_of(client).engine.catalog.keys
    by_name = keys.create("by-name", Role.READ, reach=Reach.of(["shop"]))
    of_one = keys.create("of-one", Role.READ, reach=Reach.of(["shop-1"]))
    admin = keys.create("admin", Role.ADMIN)
    service_of(client).guard._locked_until = 0.0

    def statuses(key: str) -> list[int]:
        query = {"query": "boots"}
        named = query | {"collection": "shop"}
        client.headers["api-key"] = key
        answers = [
            client.post("/search", json=named),
            client.get("/search", params={"q": "boots", "collection": "shop"}),
            client.post("/collections/shop/search", json=query),
            client.get("/collections/shop/documents/old"),
        ]
        (entry,) = client.post("/search/batch", json={"searches": [named]}).json()["results"]
        return [
            *(answer.status_code for answer in answers),
            200 if entry["answer"] else entry["problem"]["status"],
        ]

    assert statuses(by_name) == [403] * 5
    assert statuses(of_one) == [200] * 5
    client.headers["api-key"] = admin
    move(client, "shop-2")
    assert statuses(of_one) == [403] * 5
