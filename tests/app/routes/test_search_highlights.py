"""`highlight` and `answer` of a search over HTTP."""

from typing import Any

import pytest
from starlette.testclient import TestClient

TEXT = "Boots of <b>felt</b> keep warm. They are made in a valley."


@pytest.fixture
def shop(client: TestClient) -> TestClient:
    client.post("/collections", json={"name": "default"})
    document = {"id": "d1", "text": TEXT, "title": "Felt"}
    client.post("/collections/default/documents", json={"documents": [document]})
    return client


def search(shop: TestClient, **more: object) -> dict[str, Any]:
    answer = shop.post("/search", json={"query": "felt boots"} | more)
    assert answer.status_code == 200, answer.text
    return answer.json()


FRAGMENT = "<mark>Boots</mark> of &lt;b&gt;<mark>felt</mark>&lt;/b&gt; keep warm. …"


def test_fragments_are_html_with_marks(shop: TestClient) -> None:
    (hit,) = search(shop, highlight=True)["hits"]
    assert hit["highlights"] == [FRAGMENT]
    by_url = shop.get("/search", params={"q": "felt boots", "highlight": "true"}).json()
    assert by_url["hits"] == [hit]
    assert search(shop, highlight={})["hits"] == [hit]


def test_a_title_among_the_fragments_is_told_apart_from_text(shop: TestClient) -> None:
    documents = [
        {"id": "t", "title": "A tent", "text": "A shelter for two."},
        {"id": "u", "title": "", "text": "Long ago. The tent was of felt."},
    ]
    shop.post("/collections/default/documents", json={"documents": documents})
    found = search(shop, query="tent", mode="lexical", highlight=True)["hits"]
    shown = {hit["id"]: (hit["highlights"], hit["highlighted"]) for hit in found}
    assert shown == {
        "t": (["A <mark>tent</mark>"], [{"field": "title", "start": 0, "end": 6}]),
        "u": (
            ["\u2026 The <mark>tent</mark> was of felt."],
            [{"field": "text", "start": 10, "end": 31}],
        ),
    }


def test_where_no_highlights_are_asked_for_none_has_a_place(shop: TestClient) -> None:
    (hit,) = search(shop)["hits"]
    assert "highlighted" not in hit


def test_what_stands_around_marks_can_be_said(shop: TestClient) -> None:
    wanted = {"fragments": 1, "size": 20, "pre": "**", "post": ""}
    (hit,) = search(shop, highlight=wanted)["hits"]
    assert hit["highlights"] == ["**Boots of &lt;b&gt;**felt&lt;/b&gt; …"]


def test_the_likeliest_sentence_is_named_where_that_is_asked_for(shop: TestClient) -> None:
    assert search(shop)["answer"] is None
    found = search(shop, answer=True)
    answer = found["answer"]
    assert answer.pop("score") >= 0.8
    assert answer == {"id": "d1", "text": "Boots of <b>felt</b> keep warm.", "start": 0, "end": 31}
    assert found["hits"][0]["highlights"] == []
    by_url = shop.get("/search", params={"q": "felt boots", "answer": "true"}).json()
    assert by_url["answer"]["text"] == answer["text"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"highlight": "yes"}, "must be true, false, or an object with"),
        ({"highlight": 1}, "must be true, false, or an object with"),
        ({"highlight": {"fragments": 0}}, "must be at least 1"),
        ({"highlight": {"fragments": 11}}, "must be at most 10"),
        ({"highlight": {"size": 19}}, "must be at least 20"),
        ({"highlight": {"size": 1001}}, "must be at most 1000"),
        ({"highlight": {"pre": "x" * 65}}, "64"),
        ({"highlight": {"pre": "\u0000"}}, "holds a NUL character"),
        ({"highlight": {"colour": "red"}}, "is not a known name"),
        ({"query": None, "like": {"text": "a"}, "highlight": True}, "compares documents with a"),
        ({"query": None, "like": {"id": "d1"}, "answer": True}, "compares documents with a"),
    ],
)
def test_what_cannot_be_shown_says_why(
    shop: TestClient, body: dict[str, object], said: str
) -> None:
    answer = shop.post("/search", json={"query": "boots"} | body)
    assert answer.status_code == 422, answer.text
    assert said in answer.json()["errors"][0]["detail"]


def test_marks_of_lone_surrogates_do_no_harm(shop: TestClient) -> None:
    body = b'{"query": "felt boots", "highlight": {"pre": "\\ud800"}}'
    answer = shop.post("/search", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in {200, 422}


def test_searches_of_a_batch_are_highlighted_too(shop: TestClient) -> None:
    body = {"searches": [{"query": "felt boots", "highlight": True}]}
    (result,) = shop.post("/search/batch", json=body).json()["results"]
    assert result["answer"]["hits"][0]["highlights"] == [FRAGMENT]


def test_passages_that_were_looked_at_are_counted(shop: TestClient) -> None:
    search(shop, highlight=True)
    search(shop, highlight=True, answer=True)
    metrics = shop.get("/metrics").text
    assert 'molt_highlighted_passages_total{tokens="encoded"} 1.0' in metrics
    assert 'molt_highlighted_passages_total{tokens="cached"} 2.0' in metrics
    assert 'molt_search_stage_seconds_count{stage="highlight"} 2.0' in metrics
