"""Many searches in one request, and the search of a collection by its path."""

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from molt.encoder import Lane
from molt.index.catalog.access.keys import Role
from molt.index.catalog.access.reach import Reach
from tests.app.serving import BOOTS, service_of, serving


def batch(client: TestClient, *searches: object, **headers: str) -> list[dict[str, Any]]:
    answer = client.post("/search/batch", json={"searches": searches}, headers=headers)
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def alone(client: TestClient, search: dict[str, Any]) -> dict[str, Any]:
    """What the same search is answered by itself, but for what differs from call to call."""
    found: dict[str, Any] = client.post("/search", json=search).json()
    return told(found)


def told(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer but for what differs from call to call."""
    search = {name: said for name, said in answer["search"].items() if name != "stages_ms"}
    return answer | {"query_id": "", "took_ms": 0, "search": search}


def test_each_search_is_answered_in_its_place_as_it_would_be_alone(shop: TestClient) -> None:
    searches = [{"query": "warm wool", "k": 2}, {"query": "a tent", "include": ["title"]}]
    found = batch(shop, *searches)
    assert [one["problem"] for one in found] == [None, None]
    assert [told(one["answer"]) for one in found] == [alone(shop, search) for search in searches]


def test_no_text_is_encoded_that_is_refused(
    shop: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead: list[str] = []
    searcher = service_of(shop).engine.searcher
    monkeypatch.setattr(searcher, "prepare", lambda asked: ahead.extend(one.text for one in asked))
    short, long = batch(shop, {"query": "boots"}, {"query": "boots " * 2_000})
    assert (short["problem"], long["problem"]["status"]) == (None, 422)
    assert ahead == ["boots"]


def test_what_is_no_search_at_all_is_refused_as_a_whole(shop: TestClient) -> None:
    answer = shop.post("/search/batch", json={"searches": [{"query": "boots"}, 17]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/searches/1"


@pytest.mark.parametrize(
    ("search", "status", "pointer"),
    [
        ({"query": ""}, 422, "#/searches/1/query"),
        ({"query": "boots", "k": 0}, 422, "#/searches/1/k"),
        ({"query": "b", "filter": {"field": "colour", "eq": 1}}, 422, "#/searches/1/filter"),
        ({"query": "b", "filter": {"gt": 1}}, 422, "#/searches/1/filter"),
        ({"query": "boots", "qurey": 1}, 422, "#/searches/1/qurey"),
        ({"query": "boots", "collection": "none"}, 404, None),
        ({"query": "boots", "offset": 9_999}, 422, "#/searches/1/offset"),
    ],
)
def test_the_problem_of_a_search_says_where_in_the_batch_it_is(
    shop: TestClient, search: dict[str, Any], status: int, pointer: str | None
) -> None:
    good, bad, other = batch(shop, {"query": "boots"}, search, {"query": "tent"})
    assert good["answer"]["hits"][0]["id"] == "d1"
    assert other["answer"]["hits"][0]["id"] == "d3"
    assert bad["answer"] is None
    assert bad["problem"]["status"] == status
    assert bad["problem"]["type"].startswith("urn:molt:problem:")
    found = [error["pointer"] for error in bad["problem"].get("errors", [])]
    assert found == ([] if pointer is None else [pointer])


def test_texts_are_encoded_together_for_each_encoder(shop: TestClient) -> None:
    encoder: Any = service_of(shop).engine.live_collections.encoder_of("default")
    before = len(encoder.calls)
    batch(shop, {"query": "warm"}, {"query": "wool"}, {"query": "none", "collection": "none"})
    (size, _, lane), *_ = encoder.calls[before:]
    assert (size, lane) == (2, Lane.INTERACTIVE)


def test_more_searches_than_the_limit_are_refused_as_a_whole(tmp_path: Path) -> None:
    with serving(tmp_path, limits={"max_searches": 2}) as client:
        answer = client.post("/search/batch", json={"searches": [{"query": "a"}] * 3})
        assert answer.status_code == 422
        assert answer.json()["detail"] == (
            "searches: holds 3 searches; the setting limits.max_searches allows 2"
        )
        assert client.post("/search/batch", json={"searches": []}).status_code == 422


def test_answers_beyond_what_one_may_have_are_left_out_and_say_so(tmp_path: Path) -> None:
    with serving(tmp_path, limits={"max_answer_bytes": 1024}) as client:
        client.post("/collections", json={"name": "default"})
        documents = [{"id": f"d{at}", "text": "boots " * 200} for at in range(3)]
        client.post("/collections/default/documents", json={"documents": documents})
        first, second = batch(client, {"query": "boots"}, {"query": "boots"})
        assert len(first["answer"]["hits"]) == 1
        assert "limits.max_answer_bytes" in second["problem"]["detail"]
        assert second["problem"]["errors"][0]["pointer"] == "#/searches/1"


def test_searches_of_a_batch_are_counted_by_its_route(shop: TestClient) -> None:
    batch(shop, {"query": "warm"}, {"query": "wool"})
    counts = [
        line
        for line in shop.get("/metrics").text.splitlines()
        if line.startswith('molt_search_seconds_count{route="/search/batch"}')
    ]
    assert counts
    assert float(counts[0].split()[-1]) >= 2


def test_a_key_of_some_collections_is_refused_the_others_one_by_one(tmp_path: Path) -> None:
    with serving(tmp_path) as client:
        for name in ("mine", "also", "theirs"):
            client.post("/collections", json={"name": name})
            client.post(f"/collections/{name}/documents", json={"documents": BOOTS})
        keys = service_of(client).engine.catalog.keys
        mine, also = (
            keys.create(name, Role.READ, reach=Reach.of([name])) for name in ("mine", "also")
        )
        service_of(client).guard._locked_until = 0.0
        searches = [{"query": "boots", "collection": name} for name in ("also", "mine", "theirs")]
        searches.append({"query": "boots"})
        found = batch(client, *searches, **{"api-key": mine, "Authorization": f"Bearer {also}"})
        assert [one["problem"] and one["problem"]["status"] for one in found] == [
            *(None, None, 403, 403)
        ]
        assert "'theirs'" in found[2]["problem"]["detail"]


def test_a_path_may_name_the_collection_that_is_searched(shop: TestClient) -> None:
    by_path = shop.post("/collections/default/search", json={"query": "warm boots"})
    assert by_path.status_code == 200
    assert by_path.json()["hits"] == alone(shop, {"query": "warm boots"})["hits"]


def test_a_body_may_repeat_the_collection_of_the_path_and_name_no_other(shop: TestClient) -> None:
    def status(**body: object) -> int:
        return shop.post("/collections/default/search", json={"query": "boots"} | body).status_code

    assert status(collection="default") == 200
    assert status(collection=None) == 200
    assert status(collection="other") == 422
    answer = shop.post("/collections/none/search", json={"query": "boots"})
    assert answer.status_code == 404
