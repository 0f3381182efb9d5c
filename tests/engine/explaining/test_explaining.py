"""Why hits are where they are, and why others are not, over an engine that knows equal words."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from molt.encoder.checkpoint import Pooling
from molt.encoder.kind import Capability
from molt.engine.engine import Engine
from molt.engine.explaining.explainer import MOST_EXPLAINED
from molt.engine.search.query import SearchAnswer, SearchQuery
from molt.engine.settings import load_settings
from molt.index.catalog.document import Document
from molt.index.catalog.judging.curations import Curation
from molt.index.catalog.releases import Reason
from molt.index.errors import DocumentNotFoundError
from molt.index.ranking.ranking import SearchRanking
from molt.index.ranking.reranking import Reranking, RerankKind
from molt.index.segments.filters.filter import parse_filter
from tests.app.serving import open_engine

DOCUMENTS = [
    Document("boots", "Waterproof boots for wet hills. They are warm.", "Boots"),
    Document("socks", "warm socks of wool", metadata={"price": 5}),
    Document("tent", "a tent for two on wet hills"),
    Document("stove", "a small stove"),
]
TOTAL = 1e-4
"""Within this, parts add up to what was served."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(load_settings(home=tmp_path))
    shop = engine.catalog.collections.create("shop")
    engine.catalog.documents.upsert(shop, DOCUMENTS)
    assert engine.indexer.acquire()
    while engine.indexer.seal():
        pass
    while engine.indexer.index_words():
        pass
    engine.live_collections.refresh("shop")
    yield engine
    engine.close()


def query(text: str = "warm waterproof boots", **more: Any) -> SearchQuery:
    return replace(SearchQuery(text, "shop", mode="dense", explain=True), **more)


def ask(engine: Engine, **more: Any) -> SearchAnswer:
    return engine.search(query(**more))


def side_total(side: dict[str, Any]) -> float:
    return sum(one["score"] for one in side["words"]) + side["special"] + side["others"]


@pytest.mark.parametrize("fields", [{}, {"title": 2.0}])
@pytest.mark.parametrize("mode", ["dense", "hybrid", "lexical"])
def test_the_parts_of_every_hit_add_up_to_its_score(
    engine: Engine, mode: str, fields: dict[str, float]
) -> None:
    shop = engine.catalog.collections.get("shop")
    engine.releaser.retune(shop, SearchRanking(fields=fields), reason=Reason())
    found = ask(engine, text="what of warm waterproof boots", mode=mode).page.hits
    assert found
    for hit in found:
        explanation = hit.explanation
        assert explanation is not None
        parts = explanation["parts"]
        assert sum(parts.values()) == pytest.approx(hit.score, abs=1e-9)
        if len(hit.scores) == (2 if mode == "hybrid" else 1):
            assert parts["rest"] == pytest.approx(0, abs=TOTAL)
        if dense := explanation["dense"]:
            assert dense["method"] == "exact"
            for side in (dense["query"], dense["passage"]):
                assert side_total(side) == pytest.approx(hit.scores["dense"], abs=TOTAL)
            assert dense["rest"] == pytest.approx(0, abs=TOTAL)
        if lexical := explanation["lexical"]:
            total = sum(one["score"] for one in lexical["words"])
            assert total == pytest.approx(hit.scores.get("lexical", 0), abs=TOTAL)
        assert (explanation["dense"] is None) == (mode == "lexical")
        assert (explanation["lexical"] is None) == (mode == "dense")


def test_words_are_told_where_they_stand_in_the_title_or_in_the_text(engine: Engine) -> None:
    best = ask(engine).page.hits[0]
    assert best.explanation is not None
    for word in best.explanation["dense"]["passage"]["words"]:
        whole = getattr(best.document, word["field"])
        assert whole[word["start"] : word["end"]] == word["text"]
    fields = {one["field"] for one in best.explanation["dense"]["passage"]["words"]}
    assert fields == {"title", "text"}


def test_a_word_that_is_said_twice_is_scored_once_and_what_is_excluded_never(
    engine: Engine,
) -> None:
    found = ask(engine, text='boots boots "wet hills" -stove', mode="lexical").page.hits[0]
    assert found.explanation is not None
    words = found.explanation["lexical"]["words"]
    assert [(one["text"], one["rows"]) for one in words] == [("boots", 1), ("wet hills", 2)]
    assert found.explanation["lexical"]["rest"] == pytest.approx(0, abs=TOTAL)


def test_a_misspelt_word_is_worth_what_it_was_taken_for(engine: Engine) -> None:
    found = ask(engine, text="waterprof", mode="lexical").page.hits[0]
    assert found.explanation is not None
    (word,) = found.explanation["lexical"]["words"]
    assert word["score"] == pytest.approx(found.score)


def test_what_a_re_ranking_moved_is_a_part_of_its_own(engine: Engine) -> None:
    reranking = Reranking(RerankKind.TOKENS)
    for hit in ask(engine, rerank=reranking).page.hits:
        assert hit.explanation is not None
        parts = hit.explanation["parts"]
        assert set(parts) == {"dense", "rerank"}
        assert parts["rerank"] == pytest.approx(hit.score - hit.scores["dense"])


@pytest.mark.parametrize("change", [{"pooling": Pooling.CLS}, {"capabilities": {Capability.EMBED}}])
def test_an_encoder_that_is_no_sum_over_tokens_is_explained_by_leaving_words_out(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    encoder = engine.live_collections.get("shop").encoder
    monkeypatch.setattr(encoder, "checkpoint", replace(encoder.checkpoint, **change))
    best = ask(engine).page.hits[0]
    assert best.explanation is not None
    dense = best.explanation["dense"]
    assert dense["method"] == "leave_one_out"
    lost = {one["text"]: one["score"] for one in dense["query"]["words"]}
    assert set(lost) == {"warm", "waterproof", "boots"}
    assert max(lost, key=lost.__getitem__) == "boots"  # in the title and in the text
    sentences = [one["text"] for one in dense["passage"]["words"]]
    assert sentences[-1] == "They are warm."
    assert side_total(dense["query"]) == pytest.approx(best.score, abs=TOTAL)


def test_only_the_first_hits_are_explained(engine: Engine) -> None:
    shop = engine.catalog.collections.get("shop")
    more = [Document(f"n{at}", f"number {at}") for at in range(MOST_EXPLAINED)]
    engine.catalog.documents.upsert(shop, more)
    while engine.indexer.seal():
        pass
    engine.live_collections.refresh("shop")
    hits = ask(engine, k=100).page.hits
    assert [hit.explanation is None for hit in hits] == [False] * MOST_EXPLAINED + [True] * 4


def test_a_hit_stands_where_the_search_shows_it(engine: Engine) -> None:
    for mode in ("dense", "hybrid", "lexical"):
        for hit in ask(engine, mode=mode).page.hits:
            standing = engine.searcher.explain(query(mode=mode), hit.id)
            assert (standing.rank, standing.score) == (hit.rank, pytest.approx(hit.score))
            assert standing.reasons == ()
            assert standing.explanation == hit.explanation


def test_who_comes_too_late_is_told_what_it_lacks(engine: Engine) -> None:
    hits = ask(engine).page.hits
    last = engine.searcher.explain(query(k=1), hits[-1].id)
    assert last.rank == len(DOCUMENTS)
    assert last.last_score == pytest.approx(hits[0].score)
    lacking = hits[0].score - hits[-1].score
    assert last.reasons == (f"it comes 4: its score is {lacking:.4f} below that of hit 1",)


def test_who_has_none_of_the_words_is_told_so(engine: Engine) -> None:
    standing = engine.searcher.explain(query(mode="lexical"), "stove")
    assert (standing.rank, standing.score) == (None, None)
    assert standing.reasons == (
        "it has none of the words of the query, or not those that signs and quotes ask for",
    )


def test_who_is_filtered_out_is_told_so_and_explained_all_the_same(engine: Engine) -> None:
    cheap = parse_filter({"field": "price", "lt": 10})
    standing = engine.searcher.explain(query(where=cheap), "boots")
    assert standing.rank is None
    assert standing.reasons == ("the filter leaves it out",)
    assert standing.explanation is not None
    assert standing.scores["dense"] == pytest.approx(ask(engine).page.hits[0].score)


def test_who_does_not_reach_the_least_score_is_told_so(engine: Engine) -> None:
    standing = engine.searcher.explain(query(min_score=0.9), "stove")
    assert any("is below min_score 0.9000" in one for one in standing.reasons)


def test_who_is_hidden_is_told_so(engine: Engine) -> None:
    engine.catalog.curations.put("shop", Curation(query().text, hidden=("boots",)), most=9)
    engine.live_collections.refresh("shop")
    standing = engine.searcher.explain(query(), "boots")
    assert standing.rank is None
    assert standing.reasons == ("a curation hides it for this query",)


def test_who_is_not_indexed_is_told_so(engine: Engine) -> None:
    shop = engine.catalog.collections.get("shop")
    engine.catalog.documents.upsert(shop, [Document("late", "warm waterproof boots")])
    standing = engine.searcher.explain(query(), "late")
    assert "it is not indexed yet" in standing.reasons[0]
    assert standing.explanation is None


def test_who_is_not_there_cannot_be_explained(engine: Engine) -> None:
    with pytest.raises(DocumentNotFoundError, match="has no document 'nobody'"):
        engine.searcher.explain(query(), "nobody")
