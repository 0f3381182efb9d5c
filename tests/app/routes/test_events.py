import json

import pytest
from starlette.testclient import TestClient

from tests.app.serving import service_of
from tests.kept_events import kept_events

CLICK = {
    "application": "shop",
    "action_name": "click",
    "query_id": "0f3a",
    "client_id": "c1",
    "timestamp": "2026-11-20T12:00:00Z",
    "message": "clicked",
    "event_attributes": {
        "object": {"object_id": "d1", "object_id_field": "sku"},
        "position": {"ordinal": 3, "x": 10},
        "anything": ["else"],
    },
}


@pytest.fixture
def client(client: TestClient) -> TestClient:
    client.post("/collections", json={"name": "default"})
    return client


def test_an_event_of_the_ubi_schema_is_kept(client: TestClient) -> None:
    answer = client.post("/events", json=CLICK)
    assert (answer.status_code, answer.json()) == (200, {"accepted": 1})
    catalog = service_of(client).engine.catalog
    (kept,) = kept_events(catalog, catalog.collections.get("default"))
    assert (kept.object_id, kept.position, kept.query_id) == ("d1", 3, "0f3a")
    assert kept.rest["event_attributes"] == CLICK["event_attributes"]
    assert kept.rest["message"] == "clicked"


def test_many_events_may_come_at_once(client: TestClient) -> None:
    assert client.post("/events", json=[CLICK] * 3).json() == {"accepted": 3}


def test_events_belong_to_a_collection(client: TestClient) -> None:
    answer = client.post("/events", json=CLICK, params={"collection": "other"})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"action_name": ""},
        {"timestamp": "yesterday"},
        {"event_attributes": {"position": {"ordinal": -1}}},
        {"event_attributes": {"object": {"object_id": 1.5}}},
        {"event_attributes": []},
    ],
)
def test_an_event_that_cannot_be_understood_is_refused(
    client: TestClient, change: dict[str, object]
) -> None:
    assert client.post("/events", json=CLICK | change).status_code == 422


def test_a_search_is_kept_for_the_events_that_name_it(shop: TestClient) -> None:
    engine = service_of(shop).engine
    filtered = {"field": "price", "lt": 100}
    asked = {"query": "warm boots", "filter": filtered, "k": 2}
    answer = shop.post("/search", json=asked).json()
    event = CLICK | {"query_id": answer["query_id"]}
    assert shop.post("/events", json=event).json() == {"accepted": 1}
    engine.recorder.flush()
    collection = engine.catalog.collections.get("default")
    kept = {one.query_id: one for one in engine.catalog.searches.all(collection)}
    found = kept[answer["query_id"]]
    assert found.shown == tuple(hit["id"] for hit in answer["hits"])
    assert (found.generation, found.query) == (answer["generation"], "warm boots")
    assert json.loads(found.conditions) == filtered
    (action,) = engine.catalog.searches.actions(collection)
    assert (action.query_id, action.doc_id) == (answer["query_id"], "d1")
    assert action.user not in {None, "c1"}
    told = shop.get("/metrics").text
    assert 'molt_kept_searches_total{outcome="kept"} 1.0' in told


def test_each_search_of_a_batch_is_kept_under_its_own_id(shop: TestClient) -> None:
    engine = service_of(shop).engine
    searches = [{"query": "a tent"}, {"query": "wool socks"}]
    results = shop.post("/search/batch", json={"searches": searches}).json()["results"]
    engine.recorder.flush()
    collection = engine.catalog.collections.get("default")
    kept = {one.query_id: one.query for one in engine.catalog.searches.all(collection)}
    assert [kept[one["answer"]["query_id"]] for one in results] == ["a tent", "wool socks"]
