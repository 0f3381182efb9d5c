"""Generations that do not serve, opened for whoever compares them with the one that does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from molt.engine.engine import Engine
from molt.engine.live.former import FORMER_SECONDS, MOST_FORMER, FormerGenerations
from molt.engine.search.query import SearchQuery
from molt.engine.settings import load_settings
from molt.index.catalog.document import Document
from molt.index.errors import GenerationBusyError, GenerationNotFoundError
from molt.index.generations.occupancy import hold_removing
from tests.app.serving import open_engine
from tests.generations import make_generation

QUERY = SearchQuery("warm boots", "shop", k=9)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(load_settings(home=tmp_path))
    engine.start()
    engine.create("shop")
    write(engine, *(Document(f"d{n}", f"warm boots {n}") for n in range(5)))
    yield engine
    engine.close()


def write(engine: Engine, *documents: Document) -> None:
    collection = engine.catalog.collections.get("shop")
    revision = engine.catalog.documents.upsert(collection, documents).revision
    engine.changed("shop")
    assert engine.live_collections.wait_indexed("shop", revision=revision, timeout=30)


def former_of(engine: Engine, clock: Clock) -> FormerGenerations:
    return FormerGenerations(
        catalog=engine.catalog,
        generations=engine.generations,
        pairs=engine.live_collections.pairs,
        now=clock,
    )


def test_a_generation_that_does_not_serve_answers_by_its_own_encoder(engine: Engine) -> None:
    other = make_generation(engine, "shop", seed=1)
    answer, serving = engine.searcher.search_former(QUERY, other), engine.search(QUERY)
    assert (answer.generation, serving.generation) == (
        other,
        engine.catalog.collections.get("shop").generation,
    )
    assert answer.checkpoint != serving.checkpoint
    assert {hit.id for hit in answer.page.hits} == {hit.id for hit in serving.page.hits}


def test_it_lacks_what_came_later_and_what_was_deleted(engine: Engine) -> None:
    other = make_generation(engine, "shop", seed=1)
    engine.searcher.search_former(QUERY, other)
    write(engine, Document("new", "warm boots of today"))
    collection = engine.catalog.collections.get("shop")
    engine.catalog.documents.delete(collection, "d0")
    found = {hit.id for hit in engine.searcher.search_former(QUERY, other).page.hits}
    assert found == {"d1", "d2", "d3", "d4"}


def test_a_generation_of_another_collection_is_none_of_this_one(engine: Engine) -> None:
    engine.create("other")
    other = make_generation(engine, "shop", seed=1)
    with pytest.raises(GenerationNotFoundError, match="none of the collection"):
        engine.former.get("other", other)


def test_few_stay_open_and_none_that_nobody_asks_for(engine: Engine) -> None:
    clock = Clock()
    former = former_of(engine, clock)
    made = [make_generation(engine, "shop", seed=1) for _ in range(MOST_FORMER + 1)]
    for one in made:
        former.get("shop", one)
    hold_removing(engine.generations.path(made[0])).release()
    with pytest.raises(GenerationBusyError):
        hold_removing(engine.generations.path(made[-1]))
    clock.now += FORMER_SECONDS - 1
    former.look()
    with pytest.raises(GenerationBusyError):
        hold_removing(engine.generations.path(made[-1]))
    clock.now += 1
    former.look()
    hold_removing(engine.generations.path(made[-1])).release()
