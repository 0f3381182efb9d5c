from typing import Any

import pytest
from starlette.testclient import TestClient

from molt.index.catalog.releases import Reason
from molt.index.ranking.ranking import SearchRanking
from molt.index.ranking.reranking import Reranking, RerankKind
from tests.app.serving import service_of


def search(client: TestClient, **body: Any) -> dict[str, Any]:
    answer = client.post("/search", json={"query": "warm waterproof boots"} | body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_best_document_comes_first_with_everything_the_surface_promises(
    shop: TestClient,
) -> None:
    found = search(shop)
    best = found["hits"][0]
    assert found.keys() == {
        *("query_id", "took_ms", "generation", "checkpoint", "total", "hits", "facets", "cursor"),
        "warnings",
        "answer",
        "truncated",
        "search",
    }
    stages = found["search"].pop("stages_ms")
    fusion = {"kind": "convex", "dense": 0.7, "basis": "estimated"}
    nothing = {"fields": None, "rerank": None, "left_out": [], "did_you_mean": None}
    assert found["search"] == {"mode": "hybrid", "fusion": fusion} | nothing
    assert stages.keys() == {"encode", "retrieve", "lexical", "fuse", "hydrate"}
    assert found["total"] == {"value": 3, "relation": "eq"}
    assert best | {"score": 0, "scores": 0} == {
        "id": "d1",
        "score": 0,
        "rank": 1,
        "title": "Boots",
        "text": "warm waterproof boots",
        "passage": {"start": 0, "end": 21},
        "metadata": {"price": 80},
        "highlights": [],
        "scores": 0,
        "group": None,
        "explanation": None,
    }
    assert best["scores"].keys() == {"dense", "lexical", "rerank"}
    assert best["scores"]["rerank"] is None
    assert best["scores"]["lexical"] > 0.0
    assert 0.0 < best["score"] <= 1.0


def test_the_query_string_asks_the_same_as_the_body(shop: TestClient) -> None:
    by_url = shop.get("/search", params={"q": "warm waterproof boots", "k": 2}).json()
    by_body = search(shop, k=2)
    assert by_url["hits"] == by_body["hits"]
    assert by_url["query_id"] != by_body["query_id"]


def test_documents_are_found_by_their_words_where_that_is_asked_for(shop: TestClient) -> None:
    found = search(shop, query="+warm -socks", mode="lexical")
    (hit,) = found["hits"]
    assert hit["id"] == "d1"
    assert hit["scores"] == {"dense": None, "lexical": hit["score"], "rerank": None}
    assert found["search"]["mode"] == "lexical"
    assert found["truncated"] is False
    by_url = shop.get("/search", params={"q": "+warm -socks", "mode": "lexical"}).json()
    assert by_url["hits"] == found["hits"]


def test_an_offset_continues_the_ranking(shop: TestClient) -> None:
    whole, rest = search(shop, k=3), search(shop, k=2, offset=1)
    assert rest["hits"] == whole["hits"][1:]
    assert [hit["rank"] for hit in rest["hits"]] == [2, 3]


def test_a_filter_leaves_out_what_does_not_match(shop: TestClient) -> None:
    found = search(shop, filter={"all": [{"field": "price", "gte": 10, "lt": 100}]})
    assert {hit["id"] for hit in found["hits"]} == {"d1", "d2"}


def test_a_filter_may_name_ids_or_nothing_at_all(shop: TestClient) -> None:
    named = search(shop, filter={"field": "id", "in": ["d1", "d3", "d\0"]})
    assert {hit["id"] for hit in named["hits"]} == {"d1", "d3"}
    assert search(shop, filter={})["hits"] == search(shop)["hits"]


def test_values_that_a_range_cannot_compare_are_told(client: TestClient) -> None:
    client.post("/collections", json={"name": "shop"})
    prices = [9, "9.5", "n/a", 12, 13, 2**53 + 1]
    documents = [
        {"id": f"d{place}", "text": "boots", "metadata": {"price": price}}
        for place, price in enumerate(prices)
    ]
    client.post("/collections/shop/documents", json={"documents": documents, "wait": True})
    found = search(client, collection="shop", filter={"field": "price", "lte": 12})
    assert {hit["id"] for hit in found["hits"]} == {"d0", "d1", "d3"}
    assert found["warnings"] == [
        "$: 'price' holds text in 1 of 6 documents; the range compares numbers alone"
    ]
    assert search(client, collection="shop")["warnings"] == []
    state = client.get("/collections/shop").json()
    assert state["fields"] == [{"field": "price", "kinds": {"number": 5, "text": 1}, "mixed": True}]


def test_a_least_score_leaves_out_what_scores_less(shop: TestClient) -> None:
    best = search(shop)["hits"][0]
    assert [hit["id"] for hit in search(shop, min_score=best["score"] - 0.001)["hits"]] == ["d1"]


def test_only_the_parts_that_are_asked_for_are_sent(shop: TestClient) -> None:
    hit = search(shop, include=["title"])["hits"][0]
    assert "title" in hit
    assert hit.keys().isdisjoint({"text", "metadata"})


def test_a_collection_without_documents_has_no_hits(client: TestClient) -> None:
    client.post("/collections", json={"name": "empty"})
    found = search(client, collection="empty")
    assert (found["hits"], found["total"]["value"], found["generation"]) == ([], 0, None)


@pytest.mark.parametrize("mode", ["hybrid", "lexical"])
def test_pages_by_words_go_on_where_the_one_before_ended(shop: TestClient, mode: str) -> None:
    wanted = {"query": "waterproof boots", "mode": mode}
    whole = [hit["id"] for hit in search(shop, **wanted, k=3)["hits"]]
    found, cursor = [], None
    while len(found) < len(whole):
        page = search(shop, **wanted, k=1, cursor=cursor)
        found += [hit["id"] for hit in page["hits"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert found == whole


def test_a_window_beyond_the_limit_is_said_in_what_was_sent(shop: TestClient) -> None:
    answer = shop.post("/search", json={"query": "a", "k": 10, "offset": 9995})
    assert answer.json()["detail"] == (
        "offset: hits 9996 to 10005 are asked for (offset 9995, k 10); the setting "
        "limits.max_window allows the first 10000"
    )


def test_null_is_the_same_as_left_out(shop: TestClient) -> None:
    names = ("collection", "k", "offset", "mode", "filter", "facets", "highlight", "explain")
    names += ("rerank", "min_score", "cursor", "include")
    found = search(shop, **dict.fromkeys(names))
    assert found["hits"] == search(shop)["hits"]


def test_every_field_of_the_surface_is_accepted(shop: TestClient) -> None:
    search(
        shop,
        collection="default",
        k=10,
        offset=0,
        mode="dense",
        filter=None,
        facets=[],
        highlight=False,
        answer=False,
        explain=False,
        rerank=False,
        min_score=None,
        include=["title", "text", "metadata"],
    )


def test_an_answer_says_that_the_query_was_cut(shop: TestClient) -> None:
    assert search(shop)["truncated"] is False
    assert search(shop, query="boots " * 300)["truncated"] is True


@pytest.mark.parametrize(
    "query", ["\u200b", "\ufeff \u2060", "\u00ad\u3164", "\ufe0f\u2800", "\U000e0041", "\x07\t"]
)
def test_a_query_that_nobody_sees_is_empty(shop: TestClient, query: str) -> None:
    for answer in (
        shop.post("/search", json={"query": query}),
        shop.get("/search", params={"q": query}),
    ):
        assert answer.status_code == 422
        assert "is empty" in answer.json()["detail"]
    assert search(shop, query=f"boots{query}")["hits"][0]["id"] == "d1"


def test_what_is_not_asked_for_may_be_null_false_or_empty(shop: TestClient) -> None:
    names = ("facets", "sort", "group_by", "like", "highlight", "explain", "rerank", "cursor")
    empty = {"facets": [], "sort": [], "highlight": False, "explain": False, "rerank": False}
    for more in (dict.fromkeys(names), empty):
        answer = shop.post("/search", json={"query": "boots", "k": 1} | more)
        assert answer.status_code == 200, answer.text


def test_a_search_is_re_ranked_by_tokens(shop: TestClient) -> None:
    assert search(shop)["search"]["rerank"] is None
    found = search(shop, rerank="tokens")
    assert found["search"]["rerank"] == {"kind": "tokens", "depth": 50, "weight": 0.2}
    assert found["hits"][0]["scores"]["rerank"] == pytest.approx(1, abs=0.02)
    assert search(shop, rerank={"kind": "tokens"})["hits"] == found["hits"]
    by_url = shop.get("/search", params={"q": "warm waterproof boots", "rerank": "tokens"}).json()
    same = search(shop, query="warm waterproof boots", rerank="tokens")
    assert by_url["hits"] == same["hits"]


def test_how_deep_and_how_much_can_be_said(shop: TestClient) -> None:
    wanted = {"kind": "tokens", "depth": 1, "weight": 0.25}
    found = search(shop, rerank=wanted)
    assert found["search"]["rerank"] == wanted
    ranked = [hit["scores"]["rerank"] is not None for hit in found["hits"]]
    assert ranked == [True, False, False]


@pytest.mark.parametrize(
    ("rerank", "said"),
    [
        (True, "must be false, `tokens`, `cross-encoder`, or an object"),
        ("colbert", "must be false, `tokens`, `cross-encoder`, or an object"),
        ("cross-encoder", "molt train default --kind cross-encoder"),
        ({"kind": "cross-encoder", "depth": 50}, "has no cross-encoder"),
        ({"kind": "tokens", "model": "default"}, "`model` is no part of `tokens`"),
        ({"depth": 50}, "is missing"),
        ({"kind": "tokens", "depth": 0}, "must be at least 1"),
        ({"kind": "tokens", "depth": 201}, "the setting limits.max_rerank allows 200"),
        ({"kind": "tokens", "weight": 1.5}, "must be at most 1"),
        ({"kind": "tokens", "deep": 3}, "is not a known name"),
    ],
)
def test_a_re_ranking_that_cannot_be_done_says_why(
    shop: TestClient, rerank: object, said: str
) -> None:
    answer = shop.post("/search", json={"query": "boots", "rerank": rerank})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert said in error["detail"]
    assert error["pointer"].startswith("#/rerank")


def test_a_collection_that_is_tuned_to_re_rank_does_so_unless_a_search_says_no(
    shop: TestClient,
) -> None:
    engine = service_of(shop).engine
    ranking = SearchRanking(rerank=Reranking(RerankKind.TOKENS, depth=2, weight=0.3))
    before = engine.catalog.collections.get("default")
    engine.releaser.retune(before, ranking, reason=Reason())
    told = {"kind": "tokens", "depth": 2, "weight": 0.3}
    assert search(shop, mode="hybrid")["search"]["rerank"] == told
    assert search(shop, mode="hybrid", rerank=None)["search"]["rerank"] == told
    assert search(shop, mode="hybrid", rerank=False)["search"]["rerank"] is None
    assert search(shop, mode="dense")["search"]["rerank"] is None
    url = {"q": "boots", "mode": "hybrid"}
    assert shop.get("/search", params=url).json()["search"]["rerank"] == told
    refused = shop.get("/search", params=url | {"rerank": "false"}).json()
    assert refused["search"]["rerank"] is None
    assert [engine.searcher.reranks("default", mode=mode) for mode in ("hybrid", "dense")] == [
        True,
        False,
    ]
    engine.releaser.rollback("default", reason=Reason())
    assert search(shop, mode="hybrid")["search"]["rerank"] is None


def test_re_ranking_in_a_url_is_a_word(shop: TestClient) -> None:
    plain = shop.get("/search", params={"q": "boots", "rerank": "false"})
    assert plain.json()["search"]["rerank"] is None
    for word in ("true", "cross-encoders", ""):
        answer = shop.get("/search", params={"q": "boots", "rerank": word})
        assert answer.status_code == 422, word


def test_a_url_says_how_deep_and_by_which_model(shop: TestClient) -> None:
    url = {"q": "boots", "rerank": "tokens", "rerank_depth": 2}
    assert shop.get("/search", params=url).json()["search"]["rerank"]["depth"] == 2
    for wrong in (
        {"rerank_depth": 2},
        {"rerank": "false", "rerank_depth": 2},
        {"rerank": "tokens", "rerank_model": "default"},
        {"rerank_model": "default"},
    ):
        answer = shop.get("/search", params={"q": "boots"} | wrong)
        assert answer.status_code == 422, wrong
        assert "belongs to `rerank` by" in answer.json()["errors"][0]["detail"]


def counted(client: TestClient, name: str) -> float:
    lines = client.get("/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith(name)).rpartition(" ")[2])


def test_re_ranked_searches_are_counted_by_what_had_to_be_encoded(shop: TestClient) -> None:
    name = 'molt_reranked_texts_total{tokens="cached"}'
    search(shop, rerank="tokens")
    before = counted(shop, name)
    search(shop, rerank="tokens")
    assert counted(shop, name) == before + 3


def test_what_is_like_a_document_is_not_re_ranked(shop: TestClient) -> None:
    answer = shop.post("/search", json={"like": {"id": "d1"}, "rerank": "tokens"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/rerank"
