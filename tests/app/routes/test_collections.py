from starlette.testclient import TestClient


def test_a_new_collection_is_empty_and_tells_where_it_is(client: TestClient) -> None:
    answer = client.post("/collections", json={"name": "shop"})
    assert answer.status_code == 201
    assert answer.headers["location"] == "/collections/shop"
    assert answer.json() == client.get("/collections/shop").json()
    state = answer.json()
    assert (state["documents"], state["revision"], state["indexed_revision"]) == (0, 0, 0)
    assert state["generation"] is None


def test_collections_are_listed_by_name(client: TestClient) -> None:
    for name in ("b", "a"):
        client.post("/collections", json={"name": name})
    names = [state["name"] for state in client.get("/collections").json()["collections"]]
    assert names == ["a", "b"]


def test_a_name_is_taken_once(client: TestClient) -> None:
    client.post("/collections", json={"name": "shop"})
    answer = client.post("/collections", json={"name": "shop"})
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:molt:problem:collection_exists"


def test_a_deleted_collection_is_gone_and_its_name_is_free(client: TestClient) -> None:
    client.post("/collections", json={"name": "shop"})
    documents = {"documents": [{"id": "a", "text": "boots"}]}
    client.post("/collections/shop/documents", json=documents)
    assert client.delete("/collections/shop").status_code == 204
    assert client.get("/collections/shop").status_code == 404
    assert client.post("/search", json={"query": "boots", "collection": "shop"}).status_code == 404
    client.post("/collections", json={"name": "shop"})
    again = client.post("/search", json={"query": "boots", "collection": "shop"}).json()
    assert again["hits"] == []


def test_the_state_follows_the_documents(shop: TestClient) -> None:
    state = shop.get("/collections/default").json()
    assert state["documents"] == 3
    assert state["indexed_revision"] == state["revision"] == 3
    assert state["generation"] is not None
