"""What has expired is found by no search from that moment on, and is deleted soon after."""

import math
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from molt.engine.engine import Engine
from molt.engine.search.query import SearchQuery
from molt.engine.settings import load_settings
from molt.index.catalog.document import Document
from molt.index.catalog.rows.patching import DocumentPatch
from molt.index.selection.expirer import Expirer
from tests.app.serving import open_engine
from tests.waiting import wait_until

SOON = 20.0
BEGIN = datetime(2026, 11, 30, 12, tzinfo=UTC)


class SteppedClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> int:
        return (self.now - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def engine(tmp_path: Path, clock: SteppedClock) -> Iterator[Engine]:
    """An engine of which nothing runs by itself, with an empty collection that expires."""
    with closing(open_engine(load_settings(home=tmp_path), clock=clock)) as engine:
        engine.create("shop", expiry_field="until")
        yield engine


def after(**by: float) -> str:
    return (BEGIN + timedelta(**by)).isoformat()


def write(engine: Engine, **until: str | None) -> None:
    """Write documents and index them."""
    documents = [
        Document(name, f"text {name}", metadata={"until": said}) for name, said in until.items()
    ]
    engine.catalog.documents.upsert(engine.catalog.collections.get("shop"), documents)
    index(engine)


def index(engine: Engine) -> None:
    assert engine.indexer.acquire()
    while engine.indexer.seal():
        pass
    engine.live_collections.refresh("shop")


def found(engine: Engine) -> tuple[list[str], int]:
    """What a search finds, and how many it says there are."""
    page = engine.search(SearchQuery("text", "shop", k=100)).page
    return sorted(hit.id for hit in page.hits), page.total


def test_a_search_finds_nothing_from_the_moment_on_at_which_it_expires(
    engine: Engine, clock: SteppedClock
) -> None:
    write(engine, a=after(seconds=1), b=after(seconds=2), c=None, d="soon")
    assert found(engine) == (["a", "b", "c", "d"], 4)
    clock.move(microseconds=999_999)
    assert found(engine) == (["a", "b", "c", "d"], 4)
    clock.move(microseconds=1)
    assert found(engine) == (["b", "c", "d"], 3)
    clock.move(seconds=1)
    assert found(engine) == (["c", "d"], 2)
    assert engine.catalog.collections.get("shop").documents == 4


def test_what_expires_before_its_change_is_indexed_is_not_found(
    engine: Engine, clock: SteppedClock
) -> None:
    write(engine, a=after(hours=1), b=after(hours=1))
    collection = engine.catalog.collections.get("shop")
    engine.catalog.documents.patch(collection, [DocumentPatch("a", {"until": after(seconds=-1)})])
    assert found(engine)[0] == ["b"]


def test_a_field_that_is_chosen_later_holds_at_once_and_one_taken_back_does_not(
    engine: Engine,
) -> None:
    engine.catalog.expiries.choose("shop", None)
    write(engine, a=after(seconds=-1), b=after(hours=1))
    assert found(engine)[0] == ["a", "b"]
    engine.catalog.expiries.choose("shop", "until")
    engine.changed("shop")
    assert found(engine)[0] == ["b"]
    engine.catalog.expiries.choose("shop", None)
    engine.changed("shop")
    assert found(engine)[0] == ["a", "b"]


def test_what_others_choose_is_seen_when_the_catalog_is_looked_at(engine: Engine) -> None:
    engine.catalog.expiries.choose("shop", None)
    write(engine, a=after(seconds=-1), b=after(hours=1))
    engine.live_collections.refresh_changed()
    engine.catalog.expiries.choose("shop", "until")
    engine.live_collections.refresh_changed()
    assert found(engine)[0] == ["b"]


def test_a_field_holds_for_what_answers_in_place_of_what_is_refused(engine: Engine) -> None:
    engine.catalog.expiries.choose("shop", None)
    write(engine, a=after(seconds=-1), b=after(hours=1))
    engine.catalog.collections.point("shop", generation="0" * 32)
    engine.live_collections.refresh_changed()
    assert engine.live_collections.known("shop").state == "refused"
    assert found(engine)[0] == ["a", "b"]
    engine.catalog.expiries.choose("shop", "until")
    engine.changed("shop")
    assert found(engine)[0] == ["b"]


def test_who_deletes_looks_again_when_the_next_document_expires(
    engine: Engine, clock: SteppedClock
) -> None:
    write(engine, a=after(seconds=60), b=after(seconds=50))
    expirer = Expirer(engine.catalog, clock=clock)
    assert expirer.next_look() == math.inf
    while expirer.expire(engine.catalog.collections.get("shop")):
        pass
    clock.move(seconds=20)
    before, look, later = time.monotonic(), expirer.next_look(), time.monotonic()
    assert before + 30 <= look <= later + 30
    expirer.begin()
    assert expirer.next_look() == math.inf


def test_a_collection_that_does_not_expire_is_answered_by_what_is_in_memory(
    engine: Engine,
) -> None:
    engine.catalog.expiries.choose("shop", None)
    write(engine, a=after(seconds=-1))
    assert engine.live_collections.get("shop") is engine.live_collections.known("shop").live


def test_while_nothing_more_expires_nothing_is_made_anew(
    engine: Engine, clock: SteppedClock
) -> None:
    write(engine, a=after(seconds=1), b=after(seconds=9))
    known = engine.live_collections.known("shop").live
    assert known is not None
    assert engine.live_collections.get("shop").snapshot is known.snapshot
    clock.move(seconds=1)
    first, second = (engine.live_collections.get("shop").snapshot for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.n_documents == 1
    assert list(map(id, first.scopes)) == list(map(id, second.scopes))  # type: ignore[attr-defined]


def test_what_is_due_is_deleted_by_the_one_who_may_index(
    engine: Engine, clock: SteppedClock
) -> None:
    write(engine, a=after(seconds=1), b=after(seconds=2), c=None)
    while engine.indexer.expire():
        pass
    clock.move(seconds=1)
    assert engine.indexer.expire()
    assert engine.indexer.expire()  # which reads that it has gone
    assert not engine.indexer.expire()
    collection = engine.catalog.collections.get("shop")
    assert (collection.documents, collection.expired, collection.revision) == (2, 1, 4)
    index(engine)
    live = engine.live_collections.known("shop").live
    assert live is not None
    assert live.snapshot is not None
    assert (live.snapshot.n_documents, live.indexed_revision) == (2, 4)


def test_a_process_that_may_not_index_deletes_nothing_and_finds_nothing_either(
    engine: Engine, clock: SteppedClock, tmp_path: Path
) -> None:
    write(engine, a=after(seconds=1), b=None)
    settings = load_settings(home=tmp_path, index={"seal": False})
    with closing(open_engine(settings, clock=clock)) as replica:
        replica.live_collections.refresh_changed()
        assert found(replica)[0] == ["a", "b"]
        clock.move(seconds=1)
        assert found(replica) == (["b"], 1)
        assert not replica.indexer.acquire()
    assert engine.catalog.collections.get("shop").documents == 2


@pytest.fixture
def running(tmp_path: Path, clock: SteppedClock) -> Iterator[Engine]:
    """An engine that runs as in a server."""
    settings = load_settings(home=tmp_path, index={"poll_seconds": 0.02})
    with closing(open_engine(settings, clock=clock)) as engine:
        engine.start()
        engine.create("shop", expiry_field="until")
        yield engine


def test_a_running_engine_deletes_what_expires_by_itself(
    running: Engine, clock: SteppedClock
) -> None:
    collection = running.catalog.collections.get("shop")
    documents = [
        Document(f"d{n:03}", f"text {n}", metadata={"until": after(seconds=1 + n // 600)})
        for n in range(1200)
    ]
    ack = running.catalog.documents.upsert(collection, documents)
    running.changed("shop")
    assert running.live_collections.wait_indexed("shop", revision=ack.revision, timeout=SOON)

    def left() -> int:
        return running.catalog.collections.get("shop").documents

    clock.move(seconds=1)
    wait_until(lambda: left() == 600)
    clock.move(seconds=1)
    wait_until(lambda: left() == 0)
    wait_until(lambda: running.live_collections.is_indexed("shop", revision=2400))
    assert running.catalog.collections.get("shop").expired == 1200
    assert running.readiness().problems == ()
