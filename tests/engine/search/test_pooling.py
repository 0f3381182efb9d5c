"""Pools of documents to judge: what every mode ranks best, found at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from molt.engine.engine import Engine
from molt.engine.search.pooling import POOL_DEPTH
from molt.engine.search.query import SearchQuery
from molt.engine.settings import load_settings
from molt.index.catalog.document import Document
from molt.index.catalog.judging.curations import Curation
from molt.index.catalog.releases import Reason
from molt.index.ranking.ranking import SearchRanking
from molt.index.ranking.reranking import Reranking, RerankKind
from tests.app.serving import open_engine

WORDS = ("warm", "boots", "tent", "hills", "wool", "stove", "wet")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(load_settings(home=tmp_path))
    shop = engine.catalog.collections.create("shop")
    texts = [" ".join(one for at, one in enumerate(WORDS) if n >> at & 1) for n in range(1, 60)]
    documents = [Document(f"d{n}", text) for n, text in enumerate(texts)]
    engine.catalog.documents.upsert(shop, documents)
    assert engine.indexer.acquire()
    while engine.indexer.seal() or engine.indexer.index_words():
        pass
    engine.live_collections.refresh("shop")
    yield engine
    engine.close()


def best_ranks(engine: Engine, text: str) -> dict[str, int]:
    """The best rank that any mode gives a document."""
    ranks: dict[str, int] = {}
    for mode in ("hybrid", "dense", "lexical"):
        asked = SearchQuery(text, "shop", k=POOL_DEPTH, mode=mode, boosts=(), rerank=None)
        for hit in engine.search(asked).page.hits:
            ranks[hit.id] = min(hit.rank, ranks.get(hit.id, hit.rank))
    return ranks


@pytest.mark.parametrize("text", ["warm boots", "stove", "of the", "hills of wool and tents"])
def test_a_pool_is_what_every_mode_ranks_best_by_the_best_rank(engine: Engine, text: str) -> None:
    ranks = best_ranks(engine, text)
    pooled = [hit.id for hit in engine.searcher.pool(text, "shop")]
    assert sorted(pooled) == sorted(ranks)
    found = [ranks[one] for one in pooled]
    assert found == sorted(found)


def test_nothing_is_re_ranked_for_a_pool(engine: Engine) -> None:
    before = [hit.id for hit in engine.searcher.pool("warm boots", "shop")]
    shop = engine.catalog.collections.get("shop")
    tuned = SearchRanking(rerank=Reranking(RerankKind.TOKENS, weight=1.0))
    engine.releaser.retune(shop, tuned, reason=Reason())
    hits = engine.searcher.pool("warm boots", "shop")
    assert [hit.id for hit in hits] == before
    assert all("rerank" not in hit.scores for hit in hits)


def test_what_a_curation_hides_is_not_judged(engine: Engine) -> None:
    first = engine.searcher.pool("warm boots", "shop")[0].id
    engine.catalog.curations.put("shop", Curation("warm boots", hidden=(first,)), most=1)
    engine.live_collections.refresh_changed()
    assert first not in {hit.id for hit in engine.searcher.pool("warm boots", "shop")}
