"""What a rollback takes back: a generation, or only how its searches fuse."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from molt.engine.engine import Engine
from molt.engine.settings import load_settings
from molt.index.catalog.document import Document
from molt.index.catalog.releases import Reason
from molt.index.errors import StalePointerError
from molt.index.ranking.fusion import Fusion
from molt.index.ranking.ranking import SearchRanking
from tests.app.serving import open_engine
from tests.generations import make_generation

WHY = Reason("ops", "try it")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(load_settings(home=tmp_path))
    shop = engine.catalog.collections.create("shop")
    engine.catalog.documents.upsert(shop, [Document("boots", "warm boots")])
    assert engine.indexer.acquire()
    while engine.indexer.seal():
        pass
    yield engine
    engine.close()


def retune(engine: Engine, ranking: SearchRanking | None) -> None:
    shop = engine.catalog.collections.get("shop")
    engine.releaser.retune(shop, ranking, reason=WHY)


def served(engine: Engine) -> SearchRanking | None:
    return engine.live_collections.get("shop").collection.ranking


def test_searches_fuse_anew_as_soon_as_they_are_retuned(engine: Engine) -> None:
    before = engine.live_collections.get("shop")
    retune(engine, SearchRanking(Fusion(dense=0.8)))
    after = engine.live_collections.get("shop")
    assert after.collection.ranking == SearchRanking(Fusion(dense=0.8))
    assert after.target == before.target


def test_a_rollback_takes_a_retuning_back_and_no_generation(engine: Engine) -> None:
    retune(engine, SearchRanking(Fusion(dense=0.8)))
    retune(engine, SearchRanking(Fusion(dense=0.2)))
    generation = engine.catalog.collections.get("shop").generation
    released = engine.releaser.rollback("shop", reason=WHY)
    assert served(engine) == SearchRanking(Fusion(dense=0.8))
    assert released.collection.generation == released.previous == generation


def test_a_rollback_of_a_generation_restores_the_fusion_that_served_with_it(
    engine: Engine,
) -> None:
    retune(engine, SearchRanking(Fusion(dense=0.8)))
    made = make_generation(engine, "shop")
    with engine.catalog.collections.moving("shop") as move:
        move.to(made, reason=WHY, ranking=SearchRanking(Fusion(dense=0.4)))
    engine.live_collections.refresh("shop")
    assert served(engine) == SearchRanking(Fusion(dense=0.4))
    engine.indexer.close()
    engine.releaser.rollback("shop", reason=WHY)
    assert served(engine) == SearchRanking(Fusion(dense=0.8))


def test_who_read_the_collection_before_it_was_moved_retunes_nothing(engine: Engine) -> None:
    shop = engine.catalog.collections.get("shop")
    retune(engine, SearchRanking(Fusion(dense=0.8)))
    with pytest.raises(StalePointerError):
        engine.releaser.retune(shop, None, reason=WHY)
    assert served(engine) == SearchRanking(Fusion(dense=0.8))
