"""Answers in each mode hold exactly over a swap and its rollback, and over a restart."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from molt.engine.engine import Engine
from molt.engine.search.query import SearchQuery
from molt.engine.settings import load_settings
from molt.index.catalog.document import Document
from molt.index.catalog.releases import Reason
from molt.index.segments.matches.order import SortField
from molt.index.segments.matches.parsing import parse_facets
from tests.app.serving import open_engine
from tests.generations import make_generation

WHY = Reason("ops", "try it")
QUERIES = ["warm red boots", "+snow lamp", '"red boots" -tent', "nothing of it"]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine over sixty documents of a few words."""
    engine = open_engine(load_settings(home=tmp_path))
    shop = engine.catalog.collections.create("shop")
    chance = np.random.default_rng(7)
    words = ["boots", "tent", "lamp", "warm", "red", "snow"]
    documents = [
        Document(f"d{n}", " ".join(chance.choice(words, 5)), metadata={"price": n % 7})
        for n in range(60)
    ]
    engine.catalog.documents.upsert(shop, documents)
    assert engine.indexer.acquire()
    while engine.indexer.seal() or engine.indexer.index_words():
        pass
    engine.live_collections.refresh("shop")
    yield engine
    engine.close()


def answers(engine: Engine, mode: str) -> list[object]:
    """Everything that is told of a few searches but how long they took."""
    sort = (SortField("price"),)
    asked = [{}, {"sort": sort, "facets": parse_facets(["price"])}, {"group_by": "price"}]
    found = []
    for text in QUERIES:
        for more in asked:
            answer = engine.search(SearchQuery(text, "shop", k=100, mode=mode, **more))
            hits = [(hit.id, hit.score, hit.scores, hit.group) for hit in answer.page.hits]
            found.append((hits, answer.page.total, answer.facets, answer.left_out))
    return found


@pytest.mark.parametrize("mode", ["dense", "lexical", "hybrid"])
def test_a_rollback_gives_back_every_answer(engine: Engine, mode: str) -> None:
    before = answers(engine, mode)
    engine.releaser.activate(make_generation(engine, "shop"), reason=WHY)
    swapped = answers(engine, mode)
    assert (swapped == before) is (mode == "lexical")
    engine.indexer.close()
    engine.releaser.rollback("shop", reason=WHY)
    assert answers(engine, mode) == before


@pytest.mark.parametrize("mode", ["dense", "lexical", "hybrid"])
def test_a_restart_changes_no_answer(engine: Engine, tmp_path: Path, mode: str) -> None:
    before = answers(engine, mode)
    engine.close()
    again = open_engine(load_settings(home=tmp_path))
    assert answers(again, mode) == before
    again.close()
