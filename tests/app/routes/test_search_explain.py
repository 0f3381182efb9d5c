"""`explain` of a search over HTTP."""

import pytest
from starlette.testclient import TestClient


def test_hits_are_explained_where_that_is_asked_for(shop: TestClient) -> None:
    body = {"query": "warm waterproof boots", "k": 2}
    plain = shop.post("/search", json=body).json()
    assert [hit["explanation"] for hit in plain["hits"]] == [None, None]
    found = shop.post("/search", json=body | {"explain": True}).json()
    for hit in found["hits"]:
        explanation = hit["explanation"]
        assert sum(explanation["parts"].values()) == pytest.approx(hit["score"])
        dense = explanation["dense"]
        asked = [one["text"] for one in dense["query"]["words"]]
        assert asked == ["warm", "waterproof", "boots"]
        assert dense["score"] == hit["scores"]["dense"]
        assert explanation["lexical"]["score"] == pytest.approx(hit["scores"]["lexical"])
    assert "explain" in found["search"]["stages_ms"]
    by_url = shop.get("/search", params={"q": body["query"], "k": 2, "explain": "true"}).json()
    assert by_url["hits"] == found["hits"]


def test_words_are_explained_in_the_mode_that_finds_by_them(shop: TestClient) -> None:
    body = {"query": "waterproof", "mode": "lexical", "explain": True}
    (hit,) = shop.post("/search", json=body).json()["hits"]
    (word,) = hit["explanation"]["lexical"]["words"]
    assert word["score"] == pytest.approx(hit["score"])
    assert hit["explanation"]["dense"] is None


def test_what_is_like_a_document_is_not_explained(shop: TestClient) -> None:
    answer = shop.post("/search", json={"like": {"id": "d1"}, "explain": True})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/explain"
