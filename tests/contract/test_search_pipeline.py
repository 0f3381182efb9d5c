"""What every retriever keeps to, and how the stages of a search follow each other.

Held to by both of ours, and by one that counts common words, which lives in this test.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from molt.engine.engine import Engine
from molt.engine.live.pair import Live
from molt.engine.search.candidates import (
    Candidate,
    Candidates,
    Passage,
    Retriever,
    Stopwatch,
)
from molt.engine.search.dense import DenseRetriever
from molt.engine.search.lexical import LexicalRetriever
from molt.engine.search.pipeline import Pipeline
from molt.engine.search.query import SearchQuery
from molt.engine.settings import load_settings
from molt.index.catalog.document import Document
from molt.index.segments.filters.filter import parse_filter
from tests.app.serving import open_engine

TEXTS = {
    "boots": "warm waterproof boots for wet hills",
    "socks": "warm socks of wool",
    "tent": "a tent for two on wet hills",
    "stove": "a small stove",
}


class WordRetriever:
    """Documents by how many words of the query they have."""

    name = "words"

    def __init__(self, engine: Engine) -> None:
        self._documents = engine.catalog.documents

    def retrieve(
        self, query: SearchQuery, live: Live, *, depth: int, watch: Stopwatch
    ) -> Candidates:
        wanted = set(query.text.split())
        with watch.timing("retrieve"):
            found = [
                Candidate(stored.ordinal, float(n), Passage(0, len(text)), {self.name: float(n)})
                for stored in self._documents.page(live.collection, limit=100)
                if query.where is None or stored.document.metadata["price"] < 50
                if (n := len(wanted & set((text := stored.document.text).split())))
            ]
        found.sort(key=lambda one: (-one.score, one.ordinal))
        return Candidates(tuple(found[:depth]), len(found))


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
    while engine.indexer.seal():
        pass
    yield engine
    engine.close()


@pytest.fixture(params=["dense", "lexical", "words"])
def retriever(request: pytest.FixtureRequest, engine: Engine) -> Retriever:
    ours = {"dense": DenseRetriever(), "lexical": LexicalRetriever()}
    return ours.get(request.param) or WordRetriever(engine)


def ask(text: str = "warm boots", **more: object) -> SearchQuery:
    return replace(SearchQuery(text, "shop"), **more)


def retrieved(retriever: Retriever, engine: Engine, query: SearchQuery, *, depth: int = 10):
    live = engine.live_collections.get("shop")
    return retriever.retrieve(query, live, depth=depth, watch=Stopwatch())


def test_candidates_come_by_falling_score_and_each_document_once(
    retriever: Retriever, engine: Engine
) -> None:
    ranking = retrieved(retriever, engine, ask()).ranking
    assert [one.score for one in ranking] == sorted((one.score for one in ranking), reverse=True)
    assert len({one.ordinal for one in ranking}) == len(ranking) > 1


def test_no_more_candidates_come_than_were_asked_for_and_the_total_counts_all(
    retriever: Retriever, engine: Engine
) -> None:
    deep, flat = (retrieved(retriever, engine, ask(), depth=depth) for depth in (10, 1))
    assert tuple(flat.ranking) == tuple(deep.ranking[:1])
    assert flat.total == deep.total == len(deep.ranking)


def test_a_score_goes_by_the_name_of_its_retriever(retriever: Retriever, engine: Engine) -> None:
    for one in retrieved(retriever, engine, ask()).ranking:
        assert one.scores == {retriever.name: one.score}


def test_the_passage_is_a_span_of_the_document(retriever: Retriever, engine: Engine) -> None:
    hits = Pipeline((retriever,)).search(
        ask(), live=engine.live_collections.get("shop"), catalog=engine.catalog
    )
    for hit in hits.page.hits:
        assert 0 <= hit.passage.start < hit.passage.end <= len(hit.document.text)


def test_what_the_filter_leaves_out_is_no_candidate(retriever: Retriever, engine: Engine) -> None:
    where = parse_filter({"field": "price", "lt": 50})
    assert len(retrieved(retriever, engine, ask(where=where)).ranking) == 2


def by_reciprocal_ranks(
    legs: Sequence[Candidates], query: SearchQuery, live: Live, *, depth: int
) -> Candidates:
    """Cormack, Clarke and Buettcher, SIGIR 2009, with k = 60."""
    sums: dict[int, float] = defaultdict(float)
    known: dict[int, Candidate] = {}
    for leg in legs:
        for rank, one in enumerate(leg.ranking, 1):
            sums[one.ordinal] += 1 / (60 + rank)
            former = known.get(one.ordinal)
            known[one.ordinal] = (
                one if former is None else replace(former, scores={**former.scores, **one.scores})
            )
    order = sorted(sums, key=lambda ordinal: (-sums[ordinal], ordinal))
    ranking = tuple(replace(known[ordinal], score=sums[ordinal]) for ordinal in order)
    return Candidates(ranking, max(leg.total for leg in legs), exact=False)


def test_several_retrievers_are_fused_into_one_ranking(engine: Engine) -> None:
    pipeline = Pipeline((DenseRetriever(), WordRetriever(engine)), by_reciprocal_ranks)
    live = engine.live_collections.get("shop")
    answer = pipeline.search(ask("warm boots for hills"), live=live, catalog=engine.catalog)
    first = answer.page.hits[0]
    assert (first.id, first.rank) == ("boots", 1)
    assert set(first.scores) == {"dense", "words"}
    assert not answer.page.exact_total


def test_a_reranker_has_the_last_word_on_the_order(engine: Engine) -> None:
    def backwards(query: SearchQuery, live: Live, found: Candidates) -> Candidates:
        return replace(found, ranking=found.ranking[::-1])

    live = engine.live_collections.get("shop")
    plain, turned = (
        Pipeline(rerankers=rerankers).search(ask(), live=live, catalog=engine.catalog)
        for rerankers in ((), (backwards,))
    )
    ids = [hit.id for hit in plain.page.hits]
    assert [hit.id for hit in turned.page.hits] == ids[::-1]
    assert [hit.rank for hit in turned.page.hits] == [1, 2, 3, 4]


def test_each_hit_of_the_page_is_explained_and_no_other(engine: Engine) -> None:
    explained: list[str] = []

    def explain(query: SearchQuery, live: Live, hits) -> list[dict[str, str]]:
        explained.extend(hit.id for hit in hits)
        return [{"because": query.text} for _ in hits]

    live = engine.live_collections.get("shop")
    answer = Pipeline(explain=explain).search(
        ask(k=2, offset=1, explain=True), live=live, catalog=engine.catalog
    )
    assert [hit.id for hit in answer.page.hits] == explained
    assert [hit.rank for hit in answer.page.hits] == [2, 3]
    assert {hit.explanation["because"] for hit in answer.page.hits} == {"warm boots"}


def test_what_nobody_asked_for_is_not_explained(engine: Engine) -> None:
    live = engine.live_collections.get("shop")
    silent = Pipeline(explain=lambda query, live, hits: [{} for _ in hits])
    answer = silent.search(ask(), live=live, catalog=engine.catalog)
    assert {hit.explanation for hit in answer.page.hits} == {None}
    assert "explain" not in answer.seconds


def test_every_stage_is_timed_by_its_name(engine: Engine) -> None:
    live = engine.live_collections.get("shop")
    answer = Pipeline().search(ask(), live=live, catalog=engine.catalog)
    assert set(answer.seconds) == {"encode", "retrieve", "fuse", "hydrate"}
    assert answer.encode_seconds + answer.search_seconds == pytest.approx(
        sum(answer.seconds.values())
    )


def test_an_answer_comes_from_the_pair_that_was_read_first(engine: Engine) -> None:
    live = engine.live_collections.get("shop")
    shop = engine.catalog.collections.get("shop")
    engine.catalog.documents.upsert(shop, [Document("late", "warm boots", metadata={"price": 1})])
    while engine.indexer.seal():
        pass
    before, after = (
        Pipeline().search(ask(), live=each, catalog=engine.catalog)
        for each in (live, engine.live_collections.get("shop"))
    )
    assert "late" not in {hit.id for hit in before.page.hits}
    assert after.page.hits[0].id == "late"
