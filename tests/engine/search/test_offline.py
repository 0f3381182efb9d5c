"""Queries that are judged are searched for as clients search."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from molt.engine.engine import Engine
from molt.engine.indexing.passages import corpus_passages
from molt.engine.search.offline import CorpusSearch, LiveSearch, OfflineSearch, rank_offline
from molt.engine.search.query import SearchQuery
from molt.engine.settings import load_settings
from molt.index.catalog.document import Document, passage_text
from molt.index.errors import LexicalError
from molt.index.lexical.lexical_index import index_in_memory
from molt.index.lexical.synonyms import Synonyms, parse_synonym_lines, write_synonyms
from molt.index.passages.splitting import Splitting
from molt.index.ranking.fusion import RECIPROCAL_RANKS, Fusion
from molt.index.ranking.ranking import SearchRanking
from molt.index.ranking.reranking import Reranking, RerankKind
from tests.app.serving import open_engine
from tests.hashing import HashingEncoder

WORDS = ("warm", "wet", "red", "old", "light", "small", "hills", "wool", "boots", "tent")
DOCUMENTS = [
    Document(f"d{at}{other}", f"{one} {two} sold here", title=two if at % 2 else "")
    for at, one in enumerate(WORDS)
    for other, two in enumerate(WORDS)
]
QUERIES = ("warm boots", "the old tent", "of the", '"red wool"', "boots -warm", "hill", "+tent wet")
LONG = [
    Document(
        f"m{at}",
        ". ".join(
            f"{WORDS[(3 * at + n * n) % 10]} {WORDS[(at // 10 + n % 3) % 10]} or {at % 7}"
            for n in range(9)
        ),
        title=WORDS[at % 10] if at % 3 else "",
    )
    for at in range(230)
]
SPLITTING = Splitting(tokens=16, overlap=4)
COLLECTIONS = {"shop": (DOCUMENTS, None), "manuals": (LONG, SPLITTING)}
ASKED = [("shop", at) for at in range(len(QUERIES))] + [("manuals", at) for at in (0, 1, 2, 5)]
"""Where signs say which documents come, those of a corpus are looked for among the 200 nearest."""
TOKENS = Reranking(RerankKind.TOKENS, depth=20, weight=0.4)
RANKINGS = (
    SearchRanking(),
    SearchRanking(Fusion(dense=0.3)),
    SearchRanking(RECIPROCAL_RANKS),
    SearchRanking(rerank=TOKENS),
    SearchRanking(rerank=TOKENS, fields={"title": 4.0}),
)
SYNONYMS = Synonyms(parse_synonym_lines("hills, red wool"))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = open_engine(load_settings(home=tmp_path_factory.mktemp("home")))
    for name, (documents, splitting) in COLLECTIONS.items():
        made = engine.catalog.collections.create(name, splitting=splitting)
        engine.catalog.documents.upsert(made, documents)
        engine.catalog.synonyms.put(name, write_synonyms(SYNONYMS.rules))
    assert engine.indexer.acquire()
    while engine.indexer.seal() or engine.indexer.index_words():
        pass
    for name in COLLECTIONS:
        engine.live_collections.refresh(name)
    yield engine
    engine.close()


def live_search(engine: Engine, name: str = "shop") -> OfflineSearch:
    live = engine.live_collections.get(name)
    return LiveSearch(live, catalog=engine.catalog, queries=QUERIES)


def corpus_search(cache: Path, name: str = "shop") -> OfflineSearch:
    documents, splitting = COLLECTIONS[name]
    encoder = HashingEncoder()
    texts = [passage_text(title=one.title, text=one.text) for one in documents]
    return CorpusSearch(
        encoder,
        passages=corpus_passages(encoder, documents, texts=texts, splitting=splitting),
        words=index_in_memory(documents),
        queries=QUERIES,
        cache=cache,
        synonyms=SYNONYMS,
    )


def searched(engine: Engine, name: str, at: int, ranking: SearchRanking) -> list[str]:
    """What a client finds where the collection ranks so."""
    live = engine.live_collections.get(name)
    tuned = replace(live, collection=replace(live.collection, ranking=ranking))
    query = SearchQuery(QUERIES[at], name, k=30, mode="hybrid", synonyms=SYNONYMS)
    answer = engine.searcher._pipelines["hybrid"].search(query, live=tuned, catalog=engine.catalog)
    return [hit.id for hit in answer.page.hits]


@pytest.mark.parametrize("ranking", RANKINGS)
@pytest.mark.parametrize(("name", "at"), ASKED)
def test_what_serves_and_the_corpus_alone_rank_as_a_search_does(
    engine: Engine, tmp_path: Path, name: str, at: int, ranking: SearchRanking
) -> None:
    documents, _ = COLLECTIONS[name]
    expected = searched(engine, name, at, ranking)
    assert expected
    for search in (live_search(engine, name), corpus_search(tmp_path, name)):
        ids = rank_offline(search, at, ranking).ids[:30]
        assert [documents[one].id for one in ids.tolist()] == expected


def test_a_ranking_never_scores_higher_further_down(engine: Engine) -> None:
    found = rank_offline(live_search(engine), 0, SearchRanking(rerank=TOKENS))
    assert (np.diff(found.scores) <= 0).all()
    assert len(set(found.ids.tolist())) == len(found.ids)


def test_second_scores_are_of_the_query_that_is_asked_whichever_was_before(
    engine: Engine, tmp_path: Path
) -> None:
    both = live_search(engine), corpus_search(tmp_path)
    ids = np.array([0, 8, 80])
    for search in both:
        search.legs(1, fields={})
    scores = [search.second_scores(0, ids, TOKENS, fields={}) for search in both]
    np.testing.assert_allclose(*scores, atol=1e-6)
    assert scores[0].argmax() == 1


@pytest.mark.parametrize("at", [0, 5])
def test_words_are_looked_for_with_the_synonyms_and_by_the_weights_that_are_asked_for(
    engine: Engine, tmp_path: Path, at: int
) -> None:
    for search in (live_search(engine), corpus_search(tmp_path)):
        assert search.fields == {"title": 0.0}
        ceilings = [search.legs(at, fields=one)[1].ceiling for one in ({}, {"title": 4.0})]
        assert ceilings[0] < ceilings[1]
        found = search.legs(at, fields={})[1].ids.tolist()
        expected = {0: {"warm", "boots"}, 5: {"hills", "red wool"}}[at]
        assert {one for one in expected for doc in found if one in said(DOCUMENTS[doc])} == expected


def said(document: Document) -> str:
    return f"{document.title} {document.text}"


def test_without_words_there_is_nothing_to_fuse(engine: Engine) -> None:
    live = engine.live_collections.get("shop")
    without = replace(live, leg=replace(live.leg, index=None, left_out="it is being made"))
    with pytest.raises(LexicalError, match="it is being made"):
        LiveSearch(without, catalog=engine.catalog, queries=QUERIES)
