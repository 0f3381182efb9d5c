"""The sentinel over a real home with two generations; searches are noted, time is made up."""

import errno
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from molt.artifact import PanicError
from molt.engine import releasing
from molt.engine.engine import Engine
from molt.engine.live.pair import Live
from molt.engine.releasing import Released
from molt.engine.search.query import SearchQuery
from molt.engine.settings import load_settings
from molt.engine.watch import sentinel
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import Document
from molt.index.catalog.events import Event
from molt.index.catalog.releases import Reason, Release
from molt.index.errors import FilterError
from molt.index.generations.occupancy import hold_writing
from tests.app.serving import open_engine
from tests.generations import make_generation
from tests.panics import PanicException

SECONDS = 100.0


class Clock:
    """Seconds that pass when a test says so, on every clock that the sentinel reads."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._began = datetime.now(UTC)

    def monotonic(self) -> float:
        return self.seconds

    perf_counter = monotonic

    def now(self, zone: Any) -> datetime:
        return (self._began + timedelta(seconds=self.seconds)).astimezone(zone)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(sentinel, "time", clock)
    monkeypatch.setattr(sentinel, "datetime", clock)
    return clock


Opened = Callable[..., Engine]


@pytest.fixture
def opened(tmp_path: Path, clock: Clock) -> Iterator[Opened]:
    """Opens the home as one process more would; none of its threads is started."""
    engines: list[Engine] = []

    def open_one(**watch: Any) -> Engine:
        settings = load_settings(home=tmp_path, watch={"seconds": SECONDS} | watch)
        engines.append(open_engine(settings))
        return engines[-1]

    yield open_one
    for engine in engines:
        engine.close()


@pytest.fixture
def engine(opened: Opened) -> Engine:
    """A process that serves the first generation of `shop`, and has seen it do well."""
    engine = opened()
    fill(engine)
    search(engine, 60)
    return engine


def fill(engine: Engine, *, name: str = "shop") -> None:
    collection = engine.catalog.collections.create(name)
    engine.catalog.documents.upsert(collection, [Document("a", "red wool socks")])
    release(engine, seed=0, name=name)


def release(engine: Engine, *, seed: int = 1, name: str = "shop") -> str:
    """Another generation serves from now on."""
    made = make_generation(engine, name, seed=seed)
    engine.catalog.collections.point(name, generation=made, reason=Reason("ops", "reload"))
    engine.live_collections.refresh(name)
    return made


def live_of(engine: Engine) -> Live:
    return engine.live_collections.get("shop")


def note(
    engine: Engine, live: Live, *, seconds: float = 0.01, error: Exception | None = None
) -> None:
    with suppress(OSError, FilterError), engine.sentinel.noting(live):
        sentinel.time.seconds += seconds  # type: ignore[attr-defined]
        if error is not None:
            raise error


def search(
    engine: Engine, many: int, *, seconds: float = 0.01, error: Exception | None = None
) -> None:
    for _ in range(many):
        note(engine, live_of(engine), seconds=seconds, error=error)


def fail(engine: Engine, many: int = 60) -> None:
    search(engine, many, error=OSError("no such file"))


def look(*engines: Engine) -> None:
    """Each process looks, and then sees where the pointer is."""
    for engine in engines:
        sentinel.time.seconds += 1  # type: ignore[attr-defined]
        engine.sentinel.look()
        engine.live_collections.refresh_changed()


def pointed(engine: Engine) -> Collection:
    return engine.catalog.collections.get("shop")


def newest(engine: Engine) -> Release:
    return engine.catalog.collections.releases("shop", limit=1)[0]


def test_a_generation_whose_searches_fail_is_taken_back_and_the_history_says_why(
    engine: Engine,
) -> None:
    first = pointed(engine).generation
    bad = release(engine)
    fail(engine)
    look(engine)
    assert (newest(engine).previous, newest(engine).generation) == (bad, first)
    assert newest(engine).reason.actor == "watch"
    assert newest(engine).reason.text == (
        "rolled back: the share of failing searches rose from 0.0% to 100.0%"
    )
    assert engine.search(SearchQuery("socks", "shop")).generation == first


def test_a_generation_at_which_an_extension_panics_is_taken_back(engine: Engine) -> None:
    release(engine)
    for _ in range(60):
        with pytest.raises(PanicError), engine.sentinel.noting(live_of(engine)):
            raise PanicException("of a text")
    look(engine)
    assert newest(engine).reason.actor == sentinel.ACTOR


def test_a_generation_that_is_slow_is_taken_back(engine: Engine) -> None:
    release(engine)
    search(engine, 60, seconds=0.1)
    look(engine)
    assert "take 100 ms or more, 10 ms before" in newest(engine).reason.text


def test_a_generation_whose_hits_nobody_follows_is_taken_back(engine: Engine) -> None:
    def use(clicks: int, *, since: datetime) -> None:
        collection = pointed(engine)
        used = [
            Event(action, since + timedelta(seconds=1), query_id=f"{since}-{query}")
            for query in range(100)
            for action in ("impression", "click")[: 2 if query < clicks else 1]
        ]
        engine.catalog.events.append(collection, used)

    use(60, since=datetime.now(UTC) - timedelta(seconds=SECONDS / 2))
    release(engine)
    use(20, since=datetime.now(UTC))
    search(engine, 1)
    look(engine)
    assert newest(engine).reason.text.endswith("with a click fell from 60.0% to 20.0%")


def test_a_generation_that_serves_as_well_stays(engine: Engine) -> None:
    good = release(engine)
    search(engine, 60)
    look(engine)
    assert pointed(engine).generation == good


def test_after_a_while_a_generation_is_no_longer_watched(engine: Engine) -> None:
    good = release(engine)
    search(engine, 60)
    sentinel.time.seconds += SECONDS + 1  # type: ignore[attr-defined]
    look(engine)
    fail(engine)
    look(engine)
    assert pointed(engine).generation == good


def test_a_rollback_is_not_watched(engine: Engine) -> None:
    first = pointed(engine).generation
    release(engine)
    engine.releaser.rollback("shop", reason=Reason("ops", "not that one"))
    fail(engine)
    look(engine)
    assert (pointed(engine).generation, newest(engine).reason.actor) == (first, "ops")


def test_the_first_generation_has_nothing_to_go_back_to(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = opened()
    tried: list[str] = []
    monkeypatch.setattr(engine.releaser, "activate", lambda name, **_: tried.append(name))
    fill(engine)
    fail(engine)
    look(engine)
    assert tried == []


def test_too_few_searches_decide_nothing(engine: Engine) -> None:
    release(engine)
    fail(engine, 49)
    look(engine)
    assert pointed(engine).epoch == 2
    fail(engine, 1)
    look(engine)
    assert pointed(engine).epoch == 3


def test_what_the_client_did_wrong_does_not_count(engine: Engine) -> None:
    release(engine)
    search(engine, 60, error=FilterError("$", "no such field"))
    look(engine)
    assert pointed(engine).epoch == 2


def test_nothing_is_watched_for_no_seconds(opened: Opened) -> None:
    engine = opened(seconds=0)
    fill(engine)
    release(engine)
    fail(engine)
    look(engine)
    assert pointed(engine).epoch == 2


def test_it_looks_once_a_second(engine: Engine) -> None:
    release(engine)
    look(engine)
    fail(engine)
    engine.sentinel.look()  # 0.6 seconds later
    assert pointed(engine).epoch == 2
    look(engine)
    assert pointed(engine).epoch == 3


def test_of_several_processes_the_first_to_look_takes_it_back_and_the_others_do_nothing(
    engine: Engine, opened: Opened
) -> None:
    second = opened()
    counted: list[str] = []
    engine.sentinel.on_rollback = second.sentinel.on_rollback = counted.append
    search(second, 60)
    release(engine)
    second.live_collections.refresh_changed()
    fail(engine)
    fail(second)
    look(second, engine)
    assert (pointed(engine).epoch, newest(engine).reason.actor) == (3, "watch")
    assert counted == ["shop"]


def test_a_process_that_started_after_the_release_judges_by_what_it_sees(
    engine: Engine, opened: Opened
) -> None:
    release(engine)
    second = opened()
    fail(second)
    look(second)
    assert pointed(engine).epoch == 3


def test_a_pointer_that_somebody_moved_meanwhile_is_left_alone(engine: Engine) -> None:
    release(engine)
    fail(engine)
    other = make_generation(engine, "shop", seed=1)
    engine.catalog.collections.point("shop", generation=other, reason=Reason("ops", "mine"))
    look(engine)
    assert pointed(engine).generation == other


def test_a_search_that_began_before_the_release_is_none_of_the_new_generation(
    engine: Engine,
) -> None:
    before = live_of(engine)
    release(engine)
    search(engine, 60)
    for _ in range(60):
        note(engine, before, error=OSError("no such file"))
    look(engine)
    assert pointed(engine).epoch == 2
    search(engine, 60, seconds=1.0)
    look(engine)
    assert pointed(engine).epoch == 3  # it was watched all the time


def test_a_generation_that_is_being_written_is_gone_back_to_at_a_later_look(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(releasing, "_PATIENCE", 0.0)
    first = str(pointed(engine).generation)
    release(engine)
    fail(engine)
    hold = hold_writing(engine.generations.path(first))
    look(engine)
    assert pointed(engine).epoch == 2
    hold.release()
    look(engine)
    assert pointed(engine).generation == first


def test_a_generation_that_cannot_be_gone_back_to_is_given_up(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    activate = engine.releaser.activate

    def noted(generation: str, **more: Any) -> Released:
        tried.append(generation)
        return activate(generation, **more)

    monkeypatch.setattr(engine.releaser, "activate", noted)
    first = str(pointed(engine).generation)
    bad = release(engine)
    (rows,) = engine.generations.path(first).rglob("rows.npy")
    rows.unlink()
    fail(engine)
    look(engine)
    look(engine)
    assert tried == [first]
    assert pointed(engine).generation == bad


def test_a_disk_that_is_full_when_it_goes_back_stops_nothing_else(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_disk(generation: str, **_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(engine.releaser, "activate", fill_disk)
    bad = release(engine)
    fail(engine)
    look(engine)
    assert pointed(engine).generation == bad


@pytest.mark.parametrize("unlucky", [RuntimeError("unlucky"), PanicException("unlucky")])
def test_what_one_collection_raises_keeps_no_other_from_being_taken_back(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, unlucky: BaseException
) -> None:
    fill(engine, name="other")
    other = partial(engine.live_collections.get, "other")
    sound = other().collection.generation
    for _ in range(60):
        note(engine, other())
    look_at = engine.sentinel._look_at

    def fail_for_the_first(guarded: Any) -> None:
        if guarded.collection.name == "shop":
            raise unlucky
        look_at(guarded)

    monkeypatch.setattr(engine.sentinel, "_look_at", fail_for_the_first)
    release(engine)
    fail(engine)
    release(engine, name="other")
    for _ in range(60):
        note(engine, other(), error=OSError("no such file"))
    look(engine)
    assert engine.catalog.collections.get("other").generation == sound


def test_a_collection_that_was_deleted_is_forgotten_and_one_of_its_name_watched_anew(
    engine: Engine,
) -> None:
    release(engine)
    fail(engine)
    engine.catalog.collections.delete("shop")
    look(engine)
    fill(engine)
    search(engine, 60)
    release(engine)
    fail(engine)
    look(engine)
    assert (pointed(engine).epoch, newest(engine).reason.actor) == (3, "watch")


def test_a_search_waits_for_no_other_that_looks_at_the_release_history(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.catalog.collections.create("other")
    release(engine)
    asked, answer = threading.Event(), threading.Event()
    releases = engine.catalog.collections.releases

    def slowly(name: str, *, limit: int) -> tuple[Release, ...]:
        if name == "shop":
            asked.set()
            assert answer.wait(60)
        return releases(name, limit=limit)

    monkeypatch.setattr(engine.catalog.collections, "releases", slowly)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(search, engine, 1)
        assert asked.wait(60)
        other = pool.submit(engine.search, SearchQuery("socks", collection="other"))
        try:
            assert other.result(60).page.hits == ()
            assert not first.done()
        finally:
            answer.set()
        first.result(60)
