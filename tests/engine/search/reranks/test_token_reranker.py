"""The token re-ranker in the pipeline, over an engine whose hashing encoder knows equal words."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from molt.encoder.errors import MissingCapabilityError
from molt.encoder.kind import Capability
from molt.engine.engine import Engine
from molt.engine.search.pipeline import Pipeline
from molt.engine.search.query import SearchAnswer, SearchQuery
from molt.engine.settings import load_settings
from molt.index.catalog.document import Document
from molt.index.ranking.ranking import SearchRanking
from molt.index.ranking.reranking import Reranking, RerankKind
from tests.app.serving import open_engine

LONG = "warm " * 20
TEXTS = {
    "boots": f"waterproof boots {LONG}",  # both words, far from the query as a whole
    "socks": "waterproof socks",
    "tent": "a tent for two boots",
    "stove": "a small stove",
}
TOKENS = Reranking(RerankKind.TOKENS)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(load_settings(home=tmp_path))
    shop = engine.catalog.collections.create("shop")
    engine.catalog.documents.upsert(shop, [Document(name, text) for name, text in TEXTS.items()])
    assert engine.indexer.acquire()
    while engine.indexer.seal():
        pass
    yield engine
    engine.close()


def ask(engine: Engine, **more: object) -> SearchAnswer:
    return engine.search(replace(SearchQuery("waterproof boots", "shop"), **more))


def tuned(engine: Engine, **more: object) -> SearchAnswer:
    """A search in a collection that is tuned to re-rank."""
    live = engine.live_collections.get("shop")
    ranking = SearchRanking(rerank=replace(TOKENS, weight=0.8, depth=3))
    live = replace(live, collection=replace(live.collection, ranking=ranking))
    query = replace(SearchQuery("waterproof boots", "shop", mode="hybrid"), **more)
    return engine.searcher._pipelines[query.mode].search(query, live=live, catalog=engine.catalog)


def ids(answer: SearchAnswer) -> list[str]:
    return [hit.id for hit in answer.page.hits]


def scores(answer: SearchAnswer) -> dict[str, float | None]:
    return {hit.id: hit.scores.get("rerank") for hit in answer.page.hits}


def test_who_has_every_word_rises_although_the_whole_is_far(engine: Engine) -> None:
    assert ids(ask(engine))[0] != "boots"
    found = ask(engine, rerank=replace(TOKENS, weight=0.8))
    assert ids(found)[0] == "boots"
    assert scores(found)["boots"] == pytest.approx(1, abs=0.02)


def test_without_it_no_hit_has_such_a_score(engine: Engine) -> None:
    found = ask(engine)
    assert set(scores(found).values()) == {None}
    assert found.reranked is None


def test_candidates_beyond_the_page_are_looked_at(engine: Engine) -> None:
    found = ask(engine, k=1, rerank=replace(TOKENS, weight=1.0))
    assert ids(found) == ["boots"]
    assert found.reranked is not None
    assert found.reranked.n_candidates == 4


def test_what_lies_deeper_stays_where_it_was(engine: Engine) -> None:
    plain, found = ids(ask(engine)), ask(engine, rerank=replace(TOKENS, depth=2, weight=1.0))
    assert set(ids(found)[:2]) == set(plain[:2])
    assert ids(found)[2:] == plain[2:]
    assert [scores(found)[name] for name in plain[2:]] == [None, None]


def test_scores_fall_from_the_first_hit_to_the_last(engine: Engine) -> None:
    for depth in (1, 2, 3, 4):
        found = ask(engine, rerank=replace(TOKENS, depth=depth))
        falling = [hit.score for hit in found.page.hits]
        assert falling == sorted(falling, reverse=True)


def test_pages_are_parts_of_one_ranking(engine: Engine) -> None:
    whole = ids(ask(engine, rerank=replace(TOKENS, depth=3)))
    parts = [ask(engine, offset=at, k=1, rerank=replace(TOKENS, depth=3)) for at in range(4)]
    assert [name for part in parts for name in ids(part)] == whole


def test_passages_that_were_looked_at_before_are_not_encoded_again(engine: Engine) -> None:
    first, again = (ask(engine, rerank=TOKENS).reranked for _ in range(2))
    assert first is not None
    assert again is not None
    assert (first.n_encoded, again.n_encoded) == (4, 0)


def test_a_changed_document_is_compared_by_its_new_text(engine: Engine) -> None:
    ask(engine, rerank=TOKENS)
    shop = engine.catalog.collections.get("shop")
    engine.catalog.documents.upsert(shop, [Document("stove", "waterproof boots")])
    while engine.indexer.seal():
        pass
    assert scores(ask(engine, rerank=TOKENS))["stove"] == pytest.approx(1, abs=0.02)


def test_a_document_that_was_deleted_meanwhile_is_left_out(engine: Engine) -> None:
    live = engine.live_collections.get("shop")
    engine.catalog.documents.delete(live.collection, "boots")
    query = replace(SearchQuery("waterproof boots", "shop"), rerank=TOKENS)
    found = engine.searcher._pipelines["dense"].search(query, live=live, catalog=engine.catalog)
    assert "boots" not in ids(found)
    assert len(ids(found)) == 3


def test_nothing_to_rank_is_no_error(engine: Engine) -> None:
    engine.create("empty")
    found = engine.search(SearchQuery("boots", "empty", rerank=TOKENS))
    assert ids(found) == []
    assert found.reranked is not None


def test_an_older_checkpoint_says_what_to_do(engine: Engine) -> None:
    live = engine.live_collections.get("shop")
    former = replace(live.encoder.checkpoint, capabilities=(Capability.EMBED,))
    live.encoder.checkpoint = former
    with pytest.raises(MissingCapabilityError, match="molt checkpoints upgrade"):
        ask(engine, rerank=TOKENS)
    assert len(ids(ask(engine))) == 4


def test_the_stage_is_timed(engine: Engine) -> None:
    assert ask(engine, rerank=TOKENS).seconds["rerank"] > 0


def test_a_pipeline_without_re_rankers_leaves_out_what_it_cannot_do(engine: Engine) -> None:
    live = engine.live_collections.get("shop")
    query = replace(SearchQuery("waterproof boots", "shop"), rerank=TOKENS)
    found = Pipeline().search(query, live=live, catalog=engine.catalog)
    assert found.reranked is None
    assert np.isfinite([hit.score for hit in found.page.hits]).all()


def test_a_tuned_collection_re_ranks_what_does_not_say_and_the_answer_tells(engine: Engine) -> None:
    found = tuned(engine)
    assert found.reranked is not None
    assert (found.reranked.wanted.depth, found.reranked.weight) == (3, 0.8)
    wanted = found.reranked.wanted
    assert ids(found) == ids(ask(engine, mode="hybrid", rerank=wanted))


@pytest.mark.parametrize(
    "more",
    [
        {"rerank": None},
        {"mode": "dense"},
        {"mode": "lexical"},
        {"text": "", "like": ("boots",)},
    ],
)
def test_what_says_no_or_is_no_hybrid_search_by_a_text_is_not_re_ranked_by_tuning(
    engine: Engine, more: dict[str, object]
) -> None:
    assert tuned(engine, **more).reranked is None


def test_a_search_that_asks_has_what_it_asks_for_in_a_tuned_collection(engine: Engine) -> None:
    found = tuned(engine, rerank=replace(TOKENS, weight=0.1)).reranked
    assert found is not None
    assert (found.wanted.depth, found.weight) == (TOKENS.depth, 0.1)


def test_an_encoder_without_token_vectors_is_not_re_ranked_by_though_it_was_tuned(
    engine: Engine,
) -> None:
    live = engine.live_collections.get("shop")
    checkpoint = live.encoder.checkpoint
    live.encoder.checkpoint = replace(  # type: ignore[misc]
        checkpoint, capabilities=frozenset({*checkpoint.capabilities} - {Capability.TOKENS})
    )
    assert tuned(engine).reranked is None
