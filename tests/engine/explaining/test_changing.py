"""What moved between two generations, and which words moved it, by encoders that are served."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from molt.encoder import open_checkpoint, open_encoder
from molt.engine.engine import Engine
from molt.engine.explaining.changing import DocumentChange, SearchChange
from molt.engine.explaining.moved import MOST_MOVED
from molt.engine.search.query import SearchQuery
from molt.engine.settings import load_settings
from molt.index.catalog.document import Document
from molt.index.errors import DocumentNotFoundError, GenerationNotFoundError
from molt.index.ranking.reranking import Reranking, RerankKind
from tests.checkpoints import build_checkpoint
from tests.generations import make_generation

TOTAL = 1e-4
"""Within this, what is told adds up."""
WORDS = ["warm", "wool", "boots", "tent", "stove", "hills", "two", "wet", "of", "zebra"]
DOCUMENTS = [
    Document("boots", "waterproof boots for wet hills. They are warm.", "Boots"),
    Document("socks", "warm socks of wool"),
    Document("tent", "a tent for two on wet hills"),
    Document("stove", "a small stove"),
    Document("lamp", "lamp of brass for two evenings", "Lamp"),
    Document("rope", " ".join(f"rope{at} of hemp" for at in range(12))),
]


@dataclass(frozen=True)
class Shop:
    """A collection under two encoders of random vectors; `other` is the second's generation."""

    engine: Engine
    other: str

    def changed(self, query: SearchQuery, doc_id: str | None = None) -> SearchChange:
        now = (query, None)
        return self.engine.searcher.why_changed((query, self.other), now, doc_id=doc_id)

    def changed_by(
        self, before: SearchQuery, now: SearchQuery, doc_id: str | None = None
    ) -> SearchChange:
        """What moved between two searches of what serves."""
        return self.engine.searcher.why_changed((before, None), (now, None), doc_id=doc_id)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    home = tmp_path_factory.mktemp("changing")
    first, second = (
        build_checkpoint(home / "checkpoints", seed=seed, max_length=128) for seed in (1, 2)
    )
    engine = Engine.open(load_settings(home=home))
    engine.catalog.aliases.set("default", first.id)
    collection = engine.catalog.collections.create("shop")
    engine.catalog.documents.upsert(collection, DOCUMENTS)
    assert engine.indexer.acquire()
    while engine.indexer.seal():
        pass
    while engine.indexer.index_words():
        pass
    engine.live_collections.refresh("shop")
    encoder = open_encoder(open_checkpoint(second.path), cache=home / "cache")
    try:
        yield Shop(engine, make_generation(engine, "shop", encoder=encoder))
    finally:
        encoder.close()
        engine.close()


def query(text: str = "warm wool boots", **more: Any) -> SearchQuery:
    return replace(SearchQuery(text, "shop", k=3), **more)


def side_difference(side: dict[str, Any]) -> float:
    told = [*side["words"], side["special"], side["others"]]
    return sum(one["difference"] for one in told)


def check_sums(one: DocumentChange) -> None:
    """Parts make up the score, and words make up what each retriever says."""
    assert one.score.difference is not None
    parts = [part.difference for part in one.parts.values()]
    assert sum(parts) == pytest.approx(one.score.difference, abs=TOTAL)
    if one.dense is not None:
        assert one.dense["method"] == "exact"
        for side in (one.dense["query"], one.dense["passage"]):
            assert side_difference(side) == pytest.approx(one.dense["difference"], abs=TOTAL)
        assert one.dense["rest"]["difference"] == pytest.approx(0, abs=TOTAL)
    if one.lexical is not None:
        words = sum(word["difference"] for word in one.lexical["words"])
        assert words == pytest.approx(one.lexical["difference"], abs=TOTAL)


@given(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=5),
    st.sampled_from(["dense", "hybrid", "lexical"]),
)
@examples(max_examples=40)
def test_what_is_told_of_a_document_adds_up_to_the_difference_of_its_scores(
    shop: Shop, words: list[str], mode: str
) -> None:
    found = shop.changed(query(" ".join(words), mode=mode))
    for one in found.documents:
        check_sums(one)
        assert (one.dense is None) == (mode == "lexical")
        assert (one.lexical is None) == (mode == "dense")
    if mode != "lexical":
        assert found.documents
    if mode == "dense":
        assert any(abs(one.score.difference or 0) > 0.01 for one in found.documents)


def test_each_score_is_the_one_that_its_generation_gives(shop: Shop) -> None:
    found = shop.changed(query(mode="dense"))
    searcher = shop.engine.searcher
    before = {
        hit.id: hit
        for hit in searcher.search_former(query(mode="dense", k=9), shop.other).page.hits
    }
    now = {hit.id: hit for hit in searcher.search(query(mode="dense", k=9)).page.hits}
    assert len(now) == len(before) == len(DOCUMENTS)
    assert found.documents
    for one in found.documents:
        assert one.score.before == pytest.approx(before[one.id].score, abs=1e-6)
        assert one.score.now == pytest.approx(now[one.id].score, abs=1e-6)
        assert (one.rank.before, one.rank.now) == (before[one.id].rank, now[one.id].rank)


def test_documents_enter_leave_rise_and_fall_as_the_first_hits_of_both_show_them(
    shop: Shop,
) -> None:
    seen = set()
    for text in WORDS:
        found = shop.changed(query(text, mode="dense", k=3))
        for one in found.documents:
            before, now = one.rank.before or 99, one.rank.now or 99
            was, is_now = before <= 3, now <= 3
            meant = {
                (True, False): "left",
                (False, True): "entered",
                (True, True): "same" if before == now else "up" if now < before else "down",
            }
            assert one.move == meant[was, is_now]
            seen.add(one.move)
        ranks = [one.rank.now for one in found.documents if one.move != "left"]
        assert ranks == [1, 2, 3]
    assert {"entered", "left", "up", "down"} <= seen


def test_a_document_is_outside_that_neither_shows_and_one_does_not_rank(shop: Shop) -> None:
    none, first = query(mode="dense", min_score=2.0), query(mode="dense", k=1)
    ranked = shop.engine.searcher.search(replace(first, k=9)).page.hits
    assert len(ranked) == len(DOCUMENTS)
    for before, now in ((none, first), (first, none)):
        (shown, *others) = (shop.changed_by(before, now, hit.id).documents[0] for hit in ranked)
        assert shown.move == ("entered" if now is first else "left")
        assert {one.move for one in others} == {"outside"}
        for hit, one in zip(ranked[1:], others, strict=True):
            ranks = (None, hit.rank) if now is first else (hit.rank, None)
            assert (one.rank.before, one.rank.now, one.rank.difference) == (*ranks, None)
            check_sums(one)


def test_a_document_without_words_of_the_query_is_outside_of_a_search_by_words(shop: Shop) -> None:
    asked = query("wool", k=1)
    before, now = (replace(asked, mode=mode) for mode in ("lexical", "dense"))
    (last,) = shop.engine.searcher.search(replace(now, k=9)).page.hits[-1:]
    assert last.id != "socks"
    (one,) = shop.changed_by(before, now, last.id).documents
    assert (one.move, one.rank.before, one.rank.now) == ("outside", None, len(DOCUMENTS))
    assert (one.score.before, one.score.difference) == (None, None)
    assert (one.parts, one.dense, one.lexical) == ({}, None, None)


def test_of_a_long_passage_the_words_are_told_that_moved_most(shop: Shop) -> None:
    (one,) = shop.changed(query(mode="dense"), "rope").documents
    assert one.dense is not None
    assert len(one.dense["passage"]["words"]) == MOST_MOVED
    assert one.dense["passage"]["others"]["difference"] != 0
    check_sums(one)


def test_what_a_re_ranking_moved_is_a_part_in_both(shop: Shop) -> None:
    found = shop.changed(query(mode="dense", rerank=Reranking(RerankKind.TOKENS)))
    assert len(found.documents) >= 3
    for one in found.documents:
        assert {"dense", "rerank"} <= set(one.parts)
        check_sums(one)


def test_two_modes_are_compared_by_their_parts(shop: Shop) -> None:
    before, now = (query(mode=mode) for mode in ("dense", "hybrid"))
    found = shop.changed_by(before, now)
    assert found.before == found.now
    assert len(found.documents) >= 3
    for one in found.documents:
        check_sums(one)
        assert one.lexical is None
        assert one.dense is not None
        assert one.dense["difference"] == pytest.approx(0, abs=TOTAL)


def test_a_document_that_one_of_them_lacks_is_told_without_a_difference(shop: Shop) -> None:
    collection = shop.engine.catalog.collections.get("shop")
    shop.engine.catalog.documents.upsert(collection, [Document("late", "warm wool boots")])
    while shop.engine.indexer.seal():
        pass
    shop.engine.live_collections.refresh("shop")
    try:
        (one,) = shop.changed(query(mode="dense"), "late").documents
        assert one.move == "entered"
        assert (one.score.before, one.score.difference) == (None, None)
        assert (one.parts, one.dense) == ({}, None)
    finally:
        shop.engine.catalog.documents.delete(collection, "late")


def test_what_is_not_there_cannot_be_compared(shop: Shop) -> None:
    with pytest.raises(DocumentNotFoundError, match="has no document 'nobody'"):
        shop.changed(query(), "nobody")
    with pytest.raises(GenerationNotFoundError):
        shop.engine.searcher.why_changed((query(), "0" * 32), (query(), None))
