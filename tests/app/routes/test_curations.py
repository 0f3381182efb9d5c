"""Curations over HTTP: what is pinned comes first, what is hidden does not come."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from molt.engine.engine import Engine
from molt.engine.search.query import SearchQuery
from molt.engine.settings import load_settings
from tests.app.serving import open_engine, service_of, serving

PATH = "/collections/default/curations"
DOCUMENTS = [
    {"id": "boots", "text": "warm waterproof boots", "metadata": {"price": 80}},
    {"id": "wellies", "text": "waterproof boots", "metadata": {"price": 30}},
    {"id": "socks", "text": "warm wool socks", "metadata": {"price": 12}},
    {"id": "tent", "text": "a tent for two", "metadata": {"price": 200}},
]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[TestClient]:
    with serving(tmp_path) as client:
        client.post("/collections", json={"name": "default"})
        client.post("/collections/default/documents", json={"documents": DOCUMENTS})
        yield client


def curate(client: TestClient, **curation: Any) -> None:
    answer = client.put(PATH, json={"query": "warm boots"} | curation)
    assert answer.status_code == 200, answer.text


def search(client: TestClient, query: str = "warm boots", **body: object) -> dict[str, Any]:
    answer = client.post("/search", json={"query": query} | body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(found: dict[str, Any]) -> list[str]:
    return [hit["id"] for hit in found["hits"]]


def test_pinned_documents_come_first_in_their_order_and_say_so(shop: TestClient) -> None:
    plain = {hit["id"]: hit["score"] for hit in search(shop)["hits"]}
    curate(shop, pinned=["tent", "socks"])
    found = search(shop)
    assert ids(found) == ["tent", "socks", "boots", "wellies"]
    assert [hit.get("pinned", False) for hit in found["hits"]] == [True, True, False, False]
    assert [hit["rank"] for hit in found["hits"]] == [1, 2, 3, 4]
    assert {hit["id"]: hit["score"] for hit in found["hits"]} == pytest.approx(plain)
    assert found["total"] == {"value": 4, "relation": "eq"}


def test_what_is_pinned_is_scored_by_words_where_these_are_asked_for(shop: TestClient) -> None:
    curate(shop, pinned=["tent", "socks"])
    plain = {hit["id"]: hit["score"] for hit in search(shop, "boots warm", mode="lexical")["hits"]}
    found = search(shop, mode="lexical")
    assert ids(found) == ["tent", "socks", "boots", "wellies"]
    assert {hit["id"]: hit["score"] for hit in found["hits"]} == plain | {"tent": 0.0}
    assert found["hits"][0]["scores"] == {"dense": None, "lexical": None, "rerank": None}
    assert "encode" not in found["search"]["stages_ms"]


def test_hidden_documents_do_not_come_and_are_not_counted(shop: TestClient) -> None:
    curate(shop, hidden=["boots", "nobody"])
    found = search(shop)
    assert "boots" not in ids(found)
    assert found["total"]["value"] == 3


def test_pages_of_a_curated_query_join_up(shop: TestClient) -> None:
    curate(shop, pinned=["tent", "socks"], hidden=["wellies"])
    pages = [ids(search(shop, k=1, offset=offset)) for offset in range(4)]
    assert pages == [["tent"], ["socks"], ["boots"], []]


def test_a_filter_keeps_pinned_documents_out(shop: TestClient) -> None:
    curate(shop, pinned=["tent", "socks"])
    found = search(shop, filter={"field": "price", "lt": 50})
    assert ids(found) == ["socks", "wellies"]
    assert found["total"]["value"] == 2


def test_a_least_score_is_not_asked_of_what_is_pinned(shop: TestClient) -> None:
    curate(shop, pinned=["tent"])
    found = search(shop, min_score=0.9)
    assert ids(found) == ["tent"]
    assert found["hits"][0]["score"] < 0.9


def test_another_query_is_not_touched(shop: TestClient) -> None:
    before = ids(search(shop, "warm waterproof boots"))
    curate(shop, pinned=["tent"], hidden=["boots"])
    assert ids(search(shop, "warm waterproof boots")) == before
    assert ids(search(shop, " WARM  Boots"))[0] == "tent"


def test_every_way_to_search_is_curated(shop: TestClient) -> None:
    curate(shop, pinned=["tent"])
    query = {"query": "warm boots"}
    answers = [
        shop.get("/search", params={"q": "warm boots"}).json(),
        shop.post("/collections/default/search", json=query).json(),
        shop.post("/search/batch", json={"searches": [query]}).json()["results"][0]["answer"],
    ]
    assert [ids(answer)[0] for answer in answers] == ["tent"] * 3


def test_a_curation_is_listed_replaced_and_deleted(shop: TestClient) -> None:
    curate(shop, pinned=["tent"])
    curate(shop, query=" Warm BOOTS", hidden=["tent"])
    assert shop.get(PATH).json() == {
        "curations": [{"query": "warm boots", "pinned": [], "hidden": ["tent"]}]
    }
    assert shop.delete(PATH, params={"query": "WARM boots"}).status_code == 204
    assert shop.get(PATH).json() == {"curations": []}
    assert "tent" in ids(search(shop))
    gone = shop.delete(PATH, params={"query": "warm boots"})
    assert (gone.status_code, gone.json()["type"]) == (404, "urn:molt:problem:curation_not_found")
    other = shop.put("/collections/none/curations", json={"query": "a", "pinned": ["b"]})
    assert other.status_code == 404


def test_another_process_sees_a_change_when_it_looks(shop: TestClient, tmp_path: Path) -> None:
    other = open_engine(load_settings(home=tmp_path))
    try:
        other.live_collections.refresh_changed()
        assert pinned(other) == ()
        curate(shop, pinned=["tent"])
        other.live_collections.refresh_changed()
        assert pinned(other) == ("tent",)
        shop.delete(PATH, params={"query": "warm boots"})
        other.live_collections.refresh_changed()
        assert pinned(other) == ()
    finally:
        other.close()


def pinned(engine: Engine) -> tuple[str, ...]:
    hits = engine.search(SearchQuery("warm boots", "default")).page.hits
    return tuple(hit.id for hit in hits if hit.pinned)


@pytest.mark.parametrize(
    "body",
    [
        {"query": "boots"},
        {"query": " ", "pinned": ["a"]},
        {"query": "boots", "pinned": ["a"], "hidden": ["a"]},
        {"query": "boots", "pinned": ["x"] * 101},
        {"query": "boots", "pinned": [""]},
        {"query": "x" * 9000, "pinned": ["a"]},
        {"query": "boots", "pin": ["a"]},
        {"pinned": ["a"]},
    ],
)
def test_a_curation_that_makes_no_sense_is_refused(shop: TestClient, body: dict[str, Any]) -> None:
    assert shop.put(PATH, json=body).status_code == 422
    assert shop.get(PATH).json() == {"curations": []}


def test_who_changed_a_curation_is_in_the_audit_log(shop: TestClient) -> None:
    curate(shop, pinned=["tent"])
    shop.delete(PATH, params={"query": "warm boots"})
    actions = [one["action"] for one in shop.get("/admin/audit").json()["entries"]]
    path = "/collections/{collection}/curations"
    assert actions[:2] == [f"DELETE {path}", f"PUT {path}"]


def test_boosts_kept_with_a_collection_hold_for_searches_that_name_none(shop: TestClient) -> None:
    boost = {"field": "price", "weight": 1, "pivot": 30}
    changed = shop.patch("/collections/default", json={"boosts": [boost]})
    assert changed.status_code == 200
    assert changed.json()["boosts"] == [boost]
    assert shop.get("/collections/default").json()["boosts"] == [boost]
    assert ids(search(shop, "wool", k=4))[0] == "tent"
    plain = search(shop, "wool", boosts=[])
    assert ids(plain)[0] == "socks"
    assert "boost" not in plain["hits"][0]["scores"]
    assert shop.patch("/collections/default", json={"boosts": []}).json()["boosts"] == []
    assert ids(search(shop, "wool"))[0] == "socks"


def test_a_change_of_boosts_keeps_the_expiry_and_the_other_way_round(shop: TestClient) -> None:
    boost = {"field": "price", "weight": 1.0, "pivot": 30.0}
    shop.patch("/collections/default", json={"expiry_field": "until", "boosts": [boost]})
    assert shop.patch("/collections/default", json={"boosts": []}).json()["expiry_field"] == "until"
    shop.patch("/collections/default", json={"boosts": [boost]})
    after = shop.patch("/collections/default", json={"expiry_field": ""}).json()
    assert (after["expiry_field"], after["boosts"]) == (None, [boost])
    assert shop.patch("/collections/default", json={}).status_code == 422


def test_nothing_is_kept_in_memory_of_a_collection_that_was_deleted(shop: TestClient) -> None:
    curate(shop, hidden=["tent"])
    search(shop)
    shop.delete("/collections/default")
    shop.post("/collections", json={"name": "default"})
    curate(shop, hidden=["tent"])
    search(shop)
    engine = service_of(shop).engine
    assert [*engine.searcher._curator._known] == [engine.catalog.collections.get("default").id]
