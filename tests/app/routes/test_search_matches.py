"""Facets, order, groups and pages over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.app.serving import service_of, serving
from tests.generations import make_generation

MODES = ["hybrid", "dense", "lexical"]
DOCUMENTS = [
    {
        "id": "d1",
        "text": "warm boots",
        "metadata": {"brand": "acme", "price": 80, "size": {"eu": 1}},
    },
    {"id": "d2", "text": "warm socks", "metadata": {"brand": "acme", "price": 12}},
    {"id": "d3", "text": "a tent", "metadata": {"brand": "zeta", "price": 200}},
    {"id": "d4", "text": "a stove", "metadata": {}},
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Four documents in the collection `default`, indexed."""
    with serving(tmp_path_factory.mktemp("shop")) as client:
        fill(client, DOCUMENTS)
        yield client


def fill(client: TestClient, documents: list[dict[str, Any]]) -> None:
    client.post("/collections", json={"name": "default"}).raise_for_status()
    put(client, documents)


def put(client: TestClient, documents: list[dict[str, Any]]) -> None:
    answer = client.post("/collections/default/documents", json={"documents": documents})
    assert answer.json()["indexed"] is True


def search(client: TestClient, **body: Any) -> dict[str, Any]:
    answer = client.post("/search", json={"query": "warm boots"} | body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(answer: dict[str, Any]) -> list[str]:
    return [hit["id"] for hit in answer["hits"]]


def refused(client: TestClient, **body: Any) -> tuple[int, str, str]:
    answer = client.post("/search", json={"query": "warm boots"} | body)
    problem = answer.json()
    return answer.status_code, problem["type"].rpartition(":")[2], problem["errors"][0]["pointer"]


def test_facets_count_everything_that_matches_and_not_the_page(shop: TestClient) -> None:
    found = search(shop, k=1, facets=["brand", {"field": "price", "ranges": [{"lt": 100}]}])
    assert found["facets"] == {
        "brand": [{"value": "acme", "count": 2}, {"value": "zeta", "count": 1}],
        "price": [{"value": {"lt": 100}, "count": 2}],
    }
    assert len(found["hits"]) == 1


def test_facets_count_what_the_filter_and_the_least_score_leave(shop: TestClient) -> None:
    cheap = search(shop, filter={"field": "price", "lt": 50}, facets=["brand"])
    assert cheap["facets"] == {"brand": [{"value": "acme", "count": 1}]}
    best = search(shop)["hits"][0]["score"]
    near = search(shop, min_score=best - 0.001, facets=["price"])
    assert near["facets"] == {"price": [{"value": 80, "count": 1}]}
    assert near["total"] == {"value": 1, "relation": "eq"}


def test_a_collection_without_documents_has_no_counts_and_no_order(client: TestClient) -> None:
    client.post("/collections", json={"name": "default"})
    found = search(client, facets=["brand"], sort=["price"], group_by="brand")
    assert (found["facets"], found["hits"], found["cursor"]) == ({"brand": []}, [], None)


def test_hits_come_in_the_order_that_was_asked_for(shop: TestClient) -> None:
    rising = search(shop, sort=[{"field": "price", "order": "asc"}])
    assert ids(rising) == ["d2", "d1", "d3", "d4"]
    assert [hit["rank"] for hit in rising["hits"]] == [1, 2, 3, 4]
    assert ids(search(shop, sort=["price:desc"], offset=1, k=2)) == ["d1", "d2"]


@pytest.mark.parametrize("mode", MODES)
def test_a_sorted_hit_keeps_its_scores(shop: TestClient, mode: str) -> None:
    hits = {hit["id"]: hit for hit in search(shop, mode=mode)["hits"]}
    ordered = search(shop, sort=["price"], mode=mode)["hits"]
    assert {hit["id"] for hit in ordered} == hits.keys()
    for hit in ordered:
        assert hit | {"rank": 0} == hits[hit["id"]] | {"rank": 0}


def test_one_hit_stands_for_each_group(shop: TestClient) -> None:
    found = search(shop, group_by="brand", sort=["price"])
    assert [(hit["id"], hit["group"]) for hit in found["hits"]] == [
        ("d2", {"value": "acme", "size": 2}),
        ("d3", {"value": "zeta", "size": 1}),
        ("d4", {"value": None, "size": 1}),
    ]
    assert found["total"]["value"] == 4
    assert search(shop)["hits"][0]["group"] is None


def test_the_query_string_names_fields(shop: TestClient) -> None:
    asked = {"q": "warm boots", "facets": ["brand"], "sort": ["price:desc"], "group_by": "brand"}
    by_url = shop.get("/search", params=asked).json()
    by_body = search(shop, facets=["brand"], sort=["price:desc"], group_by="brand")
    assert (by_url["hits"], by_url["facets"]) == (by_body["hits"], by_body["facets"])


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"facets": ["colour"]}, "unknown_field", "#/facets"),
        ({"facets": ["size"]}, "invalid_facet", "#/facets"),
        ({"facets": [{"field": "brand", "buckets": 3}]}, "invalid_facet", "#/facets"),
        ({"facets": [{"field": "brand", "ranges": [{"lt": 3}]}]}, "invalid_facet", "#/facets"),
        ({"facets": [{"field": "price", "limit": 1001}]}, "invalid_facet", "#/facets"),
        ({"facets": [f"f{n}" for n in range(21)]}, "invalid_facet", "#/facets"),
        ({"sort": ["colour"]}, "unknown_field", "#/sort"),
        ({"sort": ["size"]}, "invalid_sort", "#/sort"),
        ({"sort": [{"field": "price", "order": "up"}]}, "invalid_sort", "#/sort"),
        ({"group_by": "colour"}, "unknown_field", "#/group_by"),
        ({"group_by": "size"}, "invalid_group", "#/group_by"),
        ({"filter": {"field": "colour", "eq": "red"}}, "unknown_field", "#/filter"),
        ({"cursor": "b2Zmc2V0OjEw"}, "invalid_cursor", "#/cursor"),
        ({"cursor": "\u00e9"}, "invalid_cursor", "#/cursor"),
    ],
)
def test_what_cannot_be_answered_is_refused_by_its_name(
    shop: TestClient, body: dict[str, Any], code: str, pointer: str
) -> None:
    assert refused(shop, **body) == (422, code, pointer)


def pages(client: TestClient, **body: Any) -> Iterator[list[str]]:
    """Every page, each asked for when it is wanted."""
    cursor = None
    while True:
        found = search(client, cursor=cursor, **body)
        yield ids(found)
        cursor = found["cursor"]
        if cursor is None:
            return


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"sort": ["brand:desc"]},
        {"sort": ["brand", "price"]},
        {"group_by": "brand"},
        {"min_score": -1.0, "filter": {"field": "price", "exists": True}},
    ],
)
def test_pages_join_up_to_the_whole(shop: TestClient, mode: str, asked: dict[str, Any]) -> None:
    whole = ids(search(shop, mode=mode, **asked))
    assert [one for page in pages(shop, k=1, mode=mode, **asked) for one in page] == whole


BOOSTS = [{"field": "price", "weight": 0.9, "pivot": 50}]


@pytest.mark.parametrize("more", [{"boosts": BOOSTS}, {"rerank": "tokens"}])
def test_pages_of_scores_that_were_changed_join_up_by_counting(
    shop: TestClient, more: dict[str, Any]
) -> None:
    whole = ids(search(shop, **more))
    assert [one for page in pages(shop, k=1, **more) for one in page] == whole


@pytest.mark.parametrize("more", [{"boosts": BOOSTS}, {"rerank": "tokens"}])
@pytest.mark.parametrize("order", [{"sort": ["brand"]}, {"group_by": "brand"}])
def test_scores_are_the_first_ones_beside_an_order(
    shop: TestClient, order: dict[str, Any], more: dict[str, Any]
) -> None:
    assert search(shop, **order, **more)["hits"] == search(shop, **order)["hits"]


def test_what_is_pinned_comes_first_by_score_alone_and_what_is_hidden_never(
    client: TestClient,
) -> None:
    fill(client, DOCUMENTS)
    curation = {"query": "warm boots", "pinned": ["d4"], "hidden": ["d1"]}
    client.put("/collections/default/curations", json=curation).raise_for_status()
    found = search(client, facets=["brand"])
    assert ids(found)[0] == "d4"
    assert sorted(ids(found)) == ["d2", "d3", "d4"]
    assert [one["count"] for one in found["facets"]["brand"]] == [1, 1]
    assert [one for page in pages(client, k=1) for one in page] == ids(found)
    assert ids(search(client, sort=["price"])) == ["d2", "d3", "d4"]
    assert [one for page in pages(client, k=1, sort=["price"]) for one in page] == [
        "d2",
        "d3",
        "d4",
    ]


def test_what_is_like_a_document_is_counted_sorted_and_paged_too(shop: TestClient) -> None:
    asked = {"query": None, "like": {"id": "d1"}}
    found = search(shop, facets=["brand"], sort=["price"], **asked)
    assert ids(found) == ["d2", "d3", "d4"]
    assert [one["count"] for one in found["facets"]["brand"]] == [1, 1]
    near = search(shop, facets=["brand"], min_score=found["hits"][0]["score"] - 0.001, **asked)
    assert near["facets"] == {"brand": [{"value": "acme", "count": 1}]}
    whole = ids(search(shop, **asked))
    assert [one for page in pages(shop, k=1, **asked) for one in page] == whole


def test_ranks_go_on_from_page_to_page(shop: TestClient) -> None:
    cursor = search(shop, k=3)["cursor"]
    assert [hit["rank"] for hit in search(shop, k=3, cursor=cursor)["hits"]] == [4]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sort", [[], ["price"]])
def test_what_is_written_between_pages_moves_nothing(
    client: TestClient, sort: list[str], mode: str
) -> None:
    there = [{"id": f"d{n}", "text": f"boots {n}", "metadata": {"price": n % 4}} for n in range(12)]
    fill(client, there)
    seen: list[str] = []
    for number, page in enumerate(pages(client, k=2, sort=sort, mode=mode)):
        seen += page
        new = {"id": f"n{number}", "text": f"warm boots {number}", "metadata": {"price": number}}
        put(client, [new])
        client.delete(f"/collections/default/documents/{seen[0]}")
    assert len(seen) == len(set(seen))
    assert {one["id"] for one in there} <= {*seen}


def test_a_cursor_goes_beyond_the_window(tmp_path: Path) -> None:
    with serving(tmp_path, limits={"max_window": 2}) as client:
        fill(client, DOCUMENTS)
        found = [one for page in pages(client, k=2) for one in page]
    assert sorted(found) == ["d1", "d2", "d3", "d4"]


@pytest.mark.parametrize(
    "other",
    [
        {"query": "cold boots"},
        {"filter": {"field": "price", "lt": 500}},
        {"sort": ["price"]},
        {"group_by": "brand"},
        {"min_score": -1.0},
    ],
)
def test_a_cursor_of_another_search_is_refused(shop: TestClient, other: dict[str, Any]) -> None:
    cursor = search(shop, k=1)["cursor"]
    assert refused(shop, cursor=cursor, **other) == (422, "invalid_cursor", "#/cursor")


def test_k_facets_and_parts_may_differ_from_page_to_page(shop: TestClient) -> None:
    cursor = search(shop, k=1)["cursor"]
    rest = search(shop, cursor=cursor, k=3, facets=["brand"], include=["title"])
    assert ids(rest) == ids(search(shop))[1:]


@pytest.mark.parametrize("mode", MODES)
def test_a_cursor_outlives_a_new_generation_and_not_a_swap(client: TestClient, mode: str) -> None:
    fill(client, DOCUMENTS)
    engine = service_of(client).engine
    whole = search(client, mode=mode)
    cursor = search(client, k=1, mode=mode)["cursor"]
    again, other = (make_generation(engine, "default", seed=seed) for seed in (0, 1))
    activate(client, again)
    rest = search(client, cursor=cursor, mode=mode)
    assert (ids(rest), rest["generation"]) == (ids(whole)[1:], again)
    activate(client, other)
    assert refused(client, cursor=cursor, mode=mode) == (422, "stale_cursor", "#/cursor")
    activate(client, again)
    assert ids(search(client, cursor=cursor, mode=mode)) == ids(whole)[1:]


def test_words_match_the_documents_that_have_them(shop: TestClient) -> None:
    found = search(shop, mode="lexical", facets=["brand"], k=1)
    assert found["total"] == {"value": 2, "relation": "eq"}
    assert found["facets"] == {"brand": [{"value": "acme", "count": 2}]}
    assert ids(search(shop, mode="lexical", sort=["price"])) == ["d2", "d1"]
    grouped = search(shop, mode="lexical", group_by="brand")["hits"]
    assert [(hit["id"], hit["group"]) for hit in grouped] == [("d1", {"value": "acme", "size": 2})]


def test_signs_and_quotes_say_what_matches_by_meaning_too(shop: TestClient) -> None:
    found = search(shop, query='boots -"warm socks"', facets=["brand"], sort=["price"])
    assert ids(found) == ["d1"]
    assert found["facets"] == {"brand": [{"value": "acme", "count": 1}]}
    without = search(shop, query="-boots", facets=["brand"])
    assert sorted(ids(without)) == ["d2", "d3", "d4"]
    assert without["total"] == {"value": 3, "relation": "eq"}
    assert [one["count"] for one in without["facets"]["brand"]] == [1, 1]


def test_without_signs_everything_matches_that_the_filter_keeps(shop: TestClient) -> None:
    found = search(shop, query="tent", facets=["brand"], filter={"field": "price", "lt": 100})
    assert (found["total"]["value"], sorted(ids(found))) == (2, ["d1", "d2"])
    assert found["facets"] == {"brand": [{"value": "acme", "count": 2}]}


@pytest.mark.parametrize("mode", MODES)
def test_a_least_score_cuts_facets_order_and_total_alike(shop: TestClient, mode: str) -> None:
    least = search(shop, mode=mode)["hits"][0]["score"] - 1e-6
    asked = {"mode": mode, "min_score": least}
    found = search(shop, **asked, facets=["price"], sort=["price"])
    assert (ids(found), found["total"]) == (["d1"], {"value": 1, "relation": "eq"})
    assert found["facets"] == {"price": [{"value": 80, "count": 1}]}
    assert search(shop, **asked, facets=["price"])["facets"] == found["facets"]


def test_a_search_by_words_that_is_sorted_encodes_nothing(shop: TestClient) -> None:
    stages = search(shop, mode="lexical", sort=["price"], facets=["brand"])["search"]["stages_ms"]
    assert "encode" not in stages


def test_more_hits_than_a_cursor_can_name_are_paged_by_counting(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("molt.engine.search.pages.MAX_WITHOUT", 5)
    fill(client, [{"id": f"d{n}", "text": f"boots {'wool ' * n}"} for n in range(12)])
    for asked in ({}, {"sort": ["id"]}, {"mode": "lexical"}):
        whole = ids(search(client, query="boots", k=20, **asked))
        assert len(whole) == 12
        found = pages(client, query="boots", k=2, **asked)
        assert [one for page in found for one in page] == whole


def activate(client: TestClient, generation: str) -> None:
    client.post("/admin/activate", json={"generation": generation}).raise_for_status()
