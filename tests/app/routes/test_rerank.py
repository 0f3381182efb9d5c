"""`/v1/rerank` and TEI's `/rerank`, over the hashing encoder: equal words are near each other."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.app.serving import service_of, serving
from tests.checkpoints import build_checkpoint

DOCUMENTS = ["a tent for two", "warm waterproof boots", "warm socks"]
QUERY = "warm waterproof boots"
LONG = "word " * 300
BOTH = pytest.mark.parametrize("path", ["/v1/rerank", "/rerank"])


def body_of(path: str, texts: Any = DOCUMENTS, **more: Any) -> dict[str, Any]:
    return {"query": QUERY, "texts" if path == "/rerank" else "documents": texts} | more


def rerank(client: TestClient, documents: Any = DOCUMENTS, **more: Any) -> dict[str, Any]:
    answer = client.post("/v1/rerank", json=body_of("/v1/rerank", documents, **more))
    assert answer.status_code == 200, answer.text
    return answer.json()


def counted(client: TestClient, name: str) -> float:
    lines = client.get("/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith(name)).rpartition(" ")[2])


def places(answer: dict[str, Any]) -> list[int]:
    return [one["index"] for one in answer["results"]]


def test_the_most_relevant_document_comes_first(shop: TestClient) -> None:
    answer = rerank(shop)
    assert places(answer) == [1, 2, 0]
    scores = [one["relevance_score"] for one in answer["results"]]
    assert 1 > scores[0] > scores[1] > scores[2] > 0


def test_the_answer_is_of_coheres_and_jinas_shape(shop: TestClient) -> None:
    answer = rerank(shop)
    assert answer.keys() == {"id", "object", "model", "results", "usage", "meta"}
    assert answer["results"][0].keys() == {"index", "relevance_score"}
    assert answer["usage"]["total_tokens"] == 5 + 6 + 5 + 4
    assert answer["model"] == service_of(shop).engine.catalog.aliases.get("default")


def test_a_score_depends_on_no_other_document(shop: TestClient) -> None:
    scores = {one["index"]: one["relevance_score"] for one in rerank(shop)["results"]}
    for at, document in enumerate(DOCUMENTS):
        (alone,) = rerank(shop, [document])["results"]
        assert alone["relevance_score"] == pytest.approx(scores[at], abs=1e-6)


@pytest.mark.parametrize("name", ["top_n", "top_k"])
def test_no_more_results_come_than_are_wanted(shop: TestClient, name: str) -> None:
    assert places(rerank(shop, **{name: 2})) == [1, 2]
    assert places(rerank(shop, **{name: 99})) == [1, 2, 0]


def test_documents_are_returned_as_they_came_where_that_is_asked_for(shop: TestClient) -> None:
    documents = [DOCUMENTS[0], {"text": QUERY, "price": 80}]
    found = rerank(shop, documents, return_documents=True)["results"]
    assert [one["document"] for one in found] == [
        {"text": QUERY, "price": 80},
        {"text": DOCUMENTS[0]},
    ]


def test_the_fields_that_are_named_are_read_of_an_object(shop: TestClient) -> None:
    documents = [{"title": QUERY, "text": "x"}, {"title": "y", "text": QUERY}]
    assert places(rerank(shop, documents)) == [1, 0]
    assert places(rerank(shop, documents, rank_fields=["title"])) == [0, 1]
    both = rerank(shop, [{"title": "warm", "text": "boots"}], rank_fields=["title", "text"])
    assert both["results"] == rerank(shop, ["warm boots"])["results"]


def test_equal_documents_keep_their_order(shop: TestClient) -> None:
    assert places(rerank(shop, ["a", "a", "a"])) == [0, 1, 2]


def test_the_second_version_of_coheres_path_is_the_same(shop: TestClient) -> None:
    body = body_of("/v2/rerank")
    first, second = (shop.post(f"/v{n}/rerank", json=body).json() for n in (1, 2))
    assert first["results"] == second["results"]
    wrong = shop.post("/v2/rerank", json={"query": QUERY, "documents": []})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (422, "documents")


def test_any_name_of_a_model_will_do(shop: TestClient) -> None:
    by_name = {rerank(shop, model=name)["model"] for name in ("default", "default-embedding")}
    assert rerank(shop, model=by_name.pop())["results"] == rerank(shop)["results"]
    answer = shop.post("/v1/rerank", json=body_of("/v1/rerank", model="gpt-9"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found")


def test_null_is_the_same_as_left_out(shop: TestClient) -> None:
    names = ("model", "top_n", "top_k", "return_documents", "rank_fields", "truncate", "truncation")
    assert rerank(shop, **dict.fromkeys(names))["results"] == rerank(shop)["results"]


@pytest.mark.parametrize(
    ("documents", "said"),
    [
        ([], "must hold at least one text"),
        ("a text", "must be a list of texts, not a string"),
        (["a", ""], "document 1 is empty"),
        (["a", 7], "document 1 must be a text or an object, not a number"),
        ([{"title": "a"}], "document 0 has no text in its `rank_fields`"),
        ([{"text": None}], "document 0 has no text in its `rank_fields`"),
        ([{"text": 7}], "document 0 has a field to read that is no text"),
        (["a\0"], "document 0 holds a NUL character"),
    ],
)
def test_what_cannot_be_ranked_is_named(shop: TestClient, documents: Any, said: str) -> None:
    answer = shop.post("/v1/rerank", json=body_of("/v1/rerank", documents))
    assert answer.status_code == 422
    assert said in answer.json()["error"]["message"]


@BOTH
def test_no_more_texts_than_embeddings_may_have_are_taken(tmp_path: Path, path: str) -> None:
    with serving(tmp_path, limits={"max_inputs": 2, "max_text_chars": 50}) as client:
        assert client.post(path, json=body_of(path, ["a", "b"])).status_code == 200
        many = client.post(path, json=body_of(path, ["a"] * 3))
        long = client.post(path, json=body_of(path, ["a", "b" * 51]))
    assert (many.status_code, "limits.max_inputs allows 2" in many.text) == (422, True)
    assert (long.status_code, "limits.max_text_chars allows 50" in long.text) == (422, True)


@BOTH
def test_a_long_query_is_refused(shop: TestClient, path: str) -> None:
    answer = shop.post(path, json=body_of(path) | {"query": "a" * 8193})
    assert (answer.status_code, "limits.max_query_chars" in answer.text) == (422, True)


@BOTH
def test_a_text_that_would_be_cut_can_be_refused(shop: TestClient, path: str) -> None:
    texts = ["a", LONG]
    assert shop.post(path, json=body_of(path, texts)).status_code == 200
    answer = shop.post(path, json=body_of(path, texts, truncate=False))
    assert answer.status_code == 413
    assert "text 1 has more than the 256 tokens" in answer.text
    asked = body_of(path, ["a"], truncate=False) | {"query": LONG}
    assert shop.post(path, json=asked).status_code == 413


def test_texts_that_were_cut_are_told(shop: TestClient) -> None:
    found = {one["index"]: one for one in rerank(shop, ["a", LONG])["results"]}
    assert (found[1]["truncated"], "truncated" in found[0]) == (True, False)
    answer = shop.post("/rerank", json=body_of("/rerank", ["a", LONG]))
    assert answer.headers["x-truncated"] == "1"


def test_teis_shape_is_a_bare_list_with_the_same_scores(shop: TestClient) -> None:
    answer = shop.post("/rerank", json=body_of("/rerank")).json()
    assert [one["index"] for one in answer] == [1, 2, 0]
    assert answer[0].keys() == {"index", "score"}
    scores = [one["relevance_score"] for one in rerank(shop)["results"]]
    assert [one["score"] for one in answer] == pytest.approx(scores, abs=1e-6)


def test_raw_scores_are_the_log_odds(shop: TestClient) -> None:
    raw, plain = (
        shop.post("/rerank", json=body_of("/rerank", raw_scores=raw)).json()
        for raw in (True, False)
    )
    assert [one["index"] for one in raw] == [one["index"] for one in plain]
    for odds, share in zip(raw, plain, strict=True):
        assert 1 / (1 + math.exp(-odds["score"])) == pytest.approx(share["score"], abs=1e-5)


def test_texts_are_returned_where_that_is_asked_for(shop: TestClient) -> None:
    answer = shop.post("/rerank", json=body_of("/rerank", return_text=True)).json()
    assert [one["text"] for one in answer] == [DOCUMENTS[1], DOCUMENTS[2], DOCUMENTS[0]]


@pytest.fixture
def former(tmp_path: Path) -> Iterator[tuple[TestClient, str]]:
    """A server, and a checkpoint in its home that has no token vectors."""
    made = build_checkpoint(tmp_path / "home" / "checkpoints", tokens=False)
    with serving(tmp_path / "home") as client:
        yield client, made.id


def test_an_older_checkpoint_says_what_to_do(former: tuple[TestClient, str]) -> None:
    client, name = former
    answer = client.post("/v1/rerank", json=body_of("/v1/rerank", model=name))
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "missing_capability")
    assert f"molt checkpoints upgrade {name}" in answer.json()["error"]["message"]


def test_what_was_compared_is_counted(shop: TestClient) -> None:
    names = [
        'molt_rerank_seconds_count{kind="tokens",route="/v1/rerank"}',
        'molt_reranked_texts_total{tokens="encoded"}',
        'molt_reranked_texts_total{tokens="cached"}',
    ]
    rerank(shop, ["seen before"])
    before = [counted(shop, name) for name in names]
    rerank(shop, ["seen before", "never seen", "nor this"])
    after = [counted(shop, name) for name in names]
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 2, 1]
