"""Hybrid searches: what meaning finds and what words find, as the collection fuses them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from molt.engine.engine import Engine
from molt.engine.search.candidates import Candidate, Candidates, LazyRanking, Passage
from molt.engine.search.fusing import POOL, fuse_legs, pooled
from molt.engine.search.query import SearchAnswer, SearchQuery
from molt.engine.settings import load_settings
from molt.index.catalog.document import Document
from molt.index.catalog.releases import Reason
from molt.index.ranking.fusion import (
    RECIPROCAL_RANKS,
    UNTUNED_WEIGHT,
    Fusion,
    FusionKind,
    QueryFusion,
    adapted,
)
from molt.index.ranking.ranking import SearchRanking
from molt.index.segments.filters.filter import parse_filter
from molt.index.segments.matches.facets import ValueFacet
from tests.app.serving import open_engine

TEXTS = {
    "boots": "warm waterproof boots for wet hills",
    "socks": "warm socks of wool",
    "tent": "a tent for two on wet hills",
    "stove": "the small stove XJ-42",
}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(load_settings(home=tmp_path))
    shop = engine.catalog.collections.create("shop")
    documents = [
        Document(name, text, metadata={"price": 20 * at})
        for at, (name, text) in enumerate(TEXTS.items(), 1)
    ]
    engine.catalog.documents.upsert(shop, documents)
    assert engine.indexer.acquire()
    while engine.indexer.seal() or engine.indexer.index_words():
        pass
    engine.live_collections.refresh("shop")
    yield engine
    engine.close()


def ask(engine: Engine, text: str = "warm boots", **more: object) -> SearchAnswer:
    return engine.search(replace(SearchQuery(text, "shop", mode="hybrid"), **more))


def ids(answer: SearchAnswer) -> list[str]:
    return [hit.id for hit in answer.page.hits]


def retune(engine: Engine, fusion: Fusion) -> None:
    shop = engine.catalog.collections.get("shop")
    engine.releaser.retune(shop, SearchRanking(fusion), reason=Reason())


def test_a_hit_tells_what_either_leg_gave_it_and_the_answer_how_they_were_fused(
    engine: Engine,
) -> None:
    answer = ask(engine)
    assert answer.fusion == QueryFusion(FusionKind.CONVEX, UNTUNED_WEIGHT, tuned=False)
    assert (answer.mode, answer.left_out) == ("hybrid", ())
    boots = next(hit for hit in answer.page.hits if hit.id == "boots")
    assert set(boots.scores) == {"dense", "lexical"}
    tent = next(hit for hit in answer.page.hits if hit.id == "tent")
    assert set(tent.scores) == {"dense"}


def test_every_document_is_ranked_once_by_falling_scores_within_bounds(engine: Engine) -> None:
    answer = ask(engine)
    scores = [hit.score for hit in answer.page.hits]
    assert sorted(ids(answer)) == sorted(TEXTS)
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert (answer.page.total, answer.page.exact_total) == (4, True)


def test_a_word_that_only_one_document_has_brings_it_first(engine: Engine) -> None:
    retune(engine, Fusion(dense=0.05))
    assert ids(ask(engine, "XJ-42"))[0] == "stove"


@pytest.mark.parametrize(("weight", "mode"), [(1.0, "dense"), (0.0, "lexical")])
def test_a_leg_with_all_the_weight_has_its_own_ranking(
    engine: Engine, weight: float, mode: str
) -> None:
    retune(engine, Fusion(dense=weight))
    own = [hit.id for hit in ask(engine, mode=mode).page.hits if hit.score > 0]
    assert ids(ask(engine))[: len(own)] == own


def test_searches_fuse_as_the_collection_was_tuned_last(engine: Engine) -> None:
    retune(engine, RECIPROCAL_RANKS)
    assert ask(engine).fusion == QueryFusion(FusionKind.RRF, None, tuned=True)
    engine.releaser.rollback("shop", reason=Reason())
    assert ask(engine).fusion == QueryFusion(FusionKind.CONVEX, UNTUNED_WEIGHT, tuned=False)


def test_words_weigh_more_the_more_of_them_are_asked_for(engine: Engine) -> None:
    few, many = "what of the warm boots", "warm waterproof boots of wool for wet hills and a tent"
    retune(engine, Fusion(dense=0.8))
    for text, weight in ((few, 0.8), (many, adapted(0.8, 7))):
        best, whole = (
            ask(engine, text),
            ask(engine, text, facets=(ValueFacet("price"),), min_score=0),
        )
        assert best.fusion == QueryFusion(FusionKind.CONVEX, pytest.approx(weight), tuned=True)
        scores = [hit.score for hit in best.page.hits]
        assert [hit.score for hit in whole.page.hits] == pytest.approx(scores)
    retune(engine, Fusion(FusionKind.CONVEX, 0.8))
    assert ask(engine, many).fusion == QueryFusion(FusionKind.CONVEX, 0.8, tuned=True)


def test_words_count_in_fields_as_the_collection_was_tuned_last(engine: Engine) -> None:
    shop = engine.catalog.collections.get("shop")
    titled = Document("titled", "of everything a little, and of nothing much", "stove")
    engine.catalog.documents.upsert(shop, [titled])
    while engine.indexer.seal() or engine.indexer.index_words():
        pass
    engine.live_collections.refresh("shop")
    before = ask(engine, "stove", mode="lexical")
    ranking = SearchRanking(Fusion(dense=0.05), fields={"title": 9.0})
    engine.releaser.retune(shop, ranking, reason=Reason())
    for mode in ("lexical", "hybrid"):
        tuned = ask(engine, "stove", mode=mode)
        assert (ids(tuned)[0], tuned.fields) == ("titled", {"title": 9.0})
    assert ask(engine, "stove", mode="dense").fields == {}
    engine.releaser.rollback("shop", reason=Reason())
    after = ask(engine, "stove", mode="lexical")
    assert ids(after) == ids(before) == ["stove", "titled"]
    assert after.fields == {}


def test_a_least_score_is_that_of_the_fused_ones(engine: Engine) -> None:
    scores = [hit.score for hit in ask(engine).page.hits]
    least = (scores[0] + scores[1]) / 2
    answer = ask(engine, min_score=least)
    assert [hit.score for hit in answer.page.hits] == scores[:1]
    assert (answer.page.total, answer.page.exact_total) == (1, True)


def test_a_filter_holds_for_both_legs(engine: Engine) -> None:
    where = parse_filter({"field": "price", "lt": 50})
    answer = ask(engine, where=where)
    assert sorted(ids(answer)) == ["boots", "socks"]
    assert answer.page.total == 2


def test_pages_follow_each_other_without_a_gap(engine: Engine) -> None:
    whole = ids(ask(engine))
    pages = [ids(ask(engine, k=1, offset=offset)) for offset in range(4)]
    assert [page for (page,) in pages] == whole


def test_without_its_words_a_search_answers_by_meaning_and_says_so(engine: Engine) -> None:
    engine.indexer._lexical.close()
    engine.lexical.remove(engine.catalog.collections.get("shop").id)
    engine.live_collections.follow("shop")
    answer, dense = ask(engine), ask(engine, mode="dense")
    assert (answer.mode, answer.left_out, answer.fusion) == ("hybrid", ("lexical",), None)
    assert [hit.score for hit in answer.page.hits] == [hit.score for hit in dense.page.hits]


def test_signs_and_quotes_say_which_documents_come_at_all(engine: Engine) -> None:
    assert ids(ask(engine, "warm -boots")) == ["socks"]
    assert ids(ask(engine, '"wet hills" +tent')) == ["tent"]
    assert sorted(ids(ask(engine, "-boots"))) == ["socks", "stove", "tent"]


def test_what_has_no_words_is_found_by_meaning_alone(engine: Engine) -> None:
    answer, dense = ask(engine, "of the"), ask(engine, "of the", mode="dense")
    assert [hit.score for hit in answer.page.hits] == [hit.score for hit in dense.page.hits]
    assert answer.fusion is None


def test_what_documents_are_like_is_found_by_meaning_alone(engine: Engine) -> None:
    answer, dense = (
        engine.search(SearchQuery("", "shop", mode=mode, like=("boots",)))
        for mode in ("hybrid", "dense")
    )
    assert [hit.score for hit in answer.page.hits] == [hit.score for hit in dense.page.hits]


def test_as_many_candidates_are_fused_for_each_of_the_first_pages() -> None:
    assert {pooled(depth) for depth in (1, 10, POOL)} == {POOL}
    assert pooled(POOL + 1) == pooled(2 * POOL) == 2 * POOL


def candidates(scores: dict[int, float], name: str, **more: object) -> Candidates:
    ranking = [
        Candidate(ordinal, score, Passage(0, ordinal), {name: score})
        for ordinal, score in sorted(scores.items(), key=lambda one: -one[1])
    ]
    return replace(Candidates(tuple(ranking), len(ranking)), **more)


def test_the_passage_is_the_one_that_is_nearest_by_meaning(engine: Engine) -> None:
    dense = candidates({1: 0.9}, "dense")
    lexical = candidates({1: 3.0}, "lexical", ceiling=10.0)
    lexical = replace(lexical, ranking=(replace(lexical.ranking[0], passage=Passage(5, 6)),))
    live = engine.live_collections.get("shop")
    found = fuse_legs([dense, lexical], SearchQuery("q", "shop"), live, depth=10)
    assert found.ranking[0].passage == Passage(0, 1)


def test_a_total_is_inexact_where_documents_that_no_leg_proposed_may_reach_the_score(
    engine: Engine,
) -> None:
    dense = candidates({1: 0.9, 2: 0.8}, "dense", total=100)
    live = engine.live_collections.get("shop")
    query = SearchQuery("q", "shop", min_score=0.3)
    legs = [dense, candidates({1: 9.0}, "lexical", ceiling=10.0)]
    assert not fuse_legs(legs, query, live, depth=10).exact
    assert fuse_legs(legs, replace(query, min_score=0.6), live, depth=10).exact


def test_only_what_is_wanted_is_made_and_the_rest_counts_all_the_same(engine: Engine) -> None:
    dense = candidates({1: 0.9, 2: 0.8, 3: 0.7}, "dense")
    lexical = candidates({2: 9.0, 4: 5.0}, "lexical", ceiling=10.0)
    live = engine.live_collections.get("shop")
    query = SearchQuery("q", "shop", min_score=0.1)
    whole, best = (fuse_legs([dense, lexical], query, live, depth=n) for n in (10, 2))
    assert tuple(best.ranking) == tuple(whole.ranking[:2])
    assert len(whole.ranking) == whole.total == best.total == 4
    assert best.exact == whole.exact


def test_candidates_are_made_when_they_are_asked_for() -> None:
    made = []

    def make(at: int) -> Candidate:
        made.append(at)
        return Candidate(10 * at, -float(at), Passage(0, 1), {})

    ranking = LazyRanking([0, 10, 20], [0.0, -1.0, -2.0], make)
    assert (len(ranking), made) == (3, [])
    assert [one.ordinal for one in ranking[1:]] == [10, 20]
    assert ranking[-1].ordinal == 20
    assert made == [1, 2, 2]
