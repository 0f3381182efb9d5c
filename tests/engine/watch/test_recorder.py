"""The recorder over a real home: what is kept of searches, and what is not."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from molt.engine.engine import Engine
from molt.engine.search.query import SearchQuery
from molt.engine.settings import load_settings
from molt.engine.watch import recorder
from molt.index.catalog.document import Document
from molt.index.catalog.judging.kept_searches import KeptSearch
from molt.index.catalog.releases import Reason
from molt.index.errors import CatalogError
from molt.index.segments.matches.parsing import parse_sort
from tests.app.serving import open_engine
from tests.generations import make_generation

Opened = Callable[..., Engine]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Opens an engine over a shop of two documents, with settings of `learn`; starts no thread."""
    engines: list[Engine] = []

    def open_one(**learn: Any) -> Engine:
        engine = open_engine(load_settings(home=tmp_path, learn=learn))
        engines.append(engine)
        fill(engine)
        return engine

    yield open_one
    for engine in engines:
        engine.close()


def fill(engine: Engine) -> None:
    shop = engine.catalog.collections.create("shop")
    documents = [
        Document("d1", "warm boots", metadata={"price": 80}),
        Document("d2", "warm socks", metadata={"price": 12}),
    ]
    engine.catalog.documents.upsert(shop, documents)
    made = make_generation(engine, "shop")
    engine.catalog.collections.point("shop", generation=made, reason=Reason("ops", "made"))
    engine.live_collections.refresh("shop")


def ask(engine: Engine, query_id: str, conditions: Any = None, **more: Any) -> None:
    query = SearchQuery(more.pop("text", "warm boots"), "shop", **more)
    engine.recorder.note(query_id, query, engine.search(query), conditions=conditions)


def kept(engine: Engine) -> list[KeptSearch]:
    engine.recorder.flush()
    return list(engine.catalog.searches.all(engine.catalog.collections.get("shop")))


def test_a_search_is_kept_with_what_was_shown_and_what_answered(opened: Opened) -> None:
    engine = opened()
    condition = {"field": "brand", "eq": "acme"}
    ask(engine, "q1", condition)
    ask(engine, "q2", offset=1)
    first, second = kept(engine)
    assert (first.query_id, first.query, first.mode) == ("q1", "warm boots", "hybrid")
    assert (first.shown, first.passed) == (("d1", "d2"), 0)
    assert first.conditions == '{"field":"brand","eq":"acme"}'
    assert first.generation == engine.catalog.collections.get("shop").generation
    assert (second.shown, second.passed) == (("d2",), 1)


def test_what_does_not_rank_by_relevance_is_not_kept(opened: Opened) -> None:
    engine = opened()
    ask(engine, "ordered", sort=parse_sort([{"field": "price", "order": "asc"}]))
    ask(engine, "alike", text="", like=("d1",))
    ask(engine, "beyond", offset=9)
    assert kept(engine) == []


def test_searches_are_kept_as_the_settings_say(opened: Opened) -> None:
    engine = opened(searches=False)
    ask(engine, "q1")
    assert kept(engine) == []


def test_a_share_of_searches_is_kept(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = opened(share=0.25)
    drawn = iter([0.2, 0.3, 0.9, 0.0])
    monkeypatch.setattr("random.random", lambda: next(drawn))
    for number in range(4):
        ask(engine, f"q{number}")
    assert [one.query_id for one in kept(engine)] == ["q0", "q3"]


def test_what_the_catalog_does_not_take_is_counted_as_lost(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = opened()
    told: list[tuple[str, int]] = []
    engine.recorder.on_outcome = lambda outcome, count: told.append((outcome, count))
    ask(engine, "q1")

    def refuse(*_: object, **__: object) -> None:
        raise CatalogError("full")

    with monkeypatch.context() as patched:
        patched.setattr(engine.catalog.searches, "append", refuse)
        engine.recorder.flush()
    ask(engine, "q2")
    assert [one.query_id for one in kept(engine)] == ["q2"]
    assert told == [("lost", 1), ("kept", 1)]


def test_a_list_that_is_full_takes_no_more(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = opened()
    monkeypatch.setattr(recorder, "_MOST_WAITING", 0)
    told: list[str] = []
    engine.recorder.on_outcome = lambda outcome, _: told.append(outcome)
    ask(engine, "q1")
    assert told == ["lost"]
    assert kept(engine) == []


def test_the_list_is_written_down_when_two_seconds_are_over(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(recorder, "time", SimpleNamespace(monotonic=lambda: now[0]))
    engine = opened()
    shop = engine.catalog.collections.get("shop")

    def written(*, seconds: float) -> list[str]:
        now[0] += seconds
        engine.recorder.look()
        return [one.query_id for one in engine.catalog.searches.all(shop)]

    ask(engine, "q1")
    assert written(seconds=1.75) == []
    assert written(seconds=0.25) == ["q1"]
    ask(engine, "q2")
    assert written(seconds=1.75) == ["q1"]
    assert written(seconds=0.25) == ["q1", "q2"]


def test_a_long_list_is_written_down_in_parts(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = opened()
    monkeypatch.setattr(recorder, "_AT_ONCE", 2)
    told: list[tuple[str, int]] = []
    engine.recorder.on_outcome = lambda outcome, count: told.append((outcome, count))
    ids = [f"q{number}" for number in range(5)]
    for query_id in ids:
        ask(engine, query_id)
    assert [one.query_id for one in kept(engine)] == ids
    assert told == [("kept", 2), ("kept", 2), ("kept", 1)]


def test_searches_of_a_collection_that_is_gone_are_dropped(opened: Opened) -> None:
    engine = opened()
    ask(engine, "q1")
    engine.catalog.collections.delete("shop")
    engine.recorder.flush()
    made = engine.catalog.collections.create("shop")
    assert list(engine.catalog.searches.all(made)) == []


def test_closing_writes_down_what_is_left(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    with closing(open_engine(settings)) as engine:
        fill(engine)
        ask(engine, "q1")
    with closing(open_engine(settings)) as again:
        assert [one.query_id for one in kept(again)] == ["q1"]
