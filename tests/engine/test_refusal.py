"""What was refused rests, longer each time, until its files change, and is not verified before."""

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import event

from molt.engine import refusal as module
from molt.engine.engine import Engine
from molt.engine.errors import UnavailableError
from molt.engine.live import live_collections, pair
from molt.engine.live.live_collection import LiveCollection
from molt.engine.refusal import LONGEST_REST, Refusal, file_at, files_under, look_at
from molt.engine.search.query import SearchQuery
from molt.engine.settings import load_settings
from molt.index.catalog.document import Document
from molt.index.generations.generation import GenerationStore
from molt.index.generations.snapshot import Snapshot, open_snapshot
from tests.app.serving import open_engine
from tests.generations import make_generation
from tests.panics import PanicException

SOON = 30.0


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine that does nothing by itself, with one served document in `shop` and in `other`."""
    settings = load_settings(home=tmp_path, index={"poll_seconds": 600})
    with closing(open_engine(settings)) as engine:
        for name in ("shop", "other"):
            collection = engine.catalog.collections.create(name)
            engine.catalog.documents.upsert(collection, [Document("a", "red socks")])
        while engine.indexer.seal():
            continue
        engine.live_collections.refresh_changed()
        yield engine


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were hashed."""
    names: list[str] = []
    digest = hashlib.file_digest

    def note(file: object, name: str) -> object:
        names.append(Path(str(getattr(file, "name", ""))).name)
        return digest(file, name)  # type: ignore[arg-type]

    monkeypatch.setattr(hashlib, "file_digest", note)
    return names


def vectors_of(engine: Engine, generation: str) -> Path:
    (path,) = engine.generations.path(generation).rglob("vectors.npy")
    return path


def flip_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def point_at_damage(engine: Engine, name: str = "shop") -> str:
    """Move a pointer to a generation with damaged vectors; its id."""
    generation = make_generation(engine, name)
    flip_bit(vectors_of(engine, generation))
    engine.catalog.collections.point(name, generation=generation)
    return generation


def served(engine: Engine, name: str = "shop") -> str | None:
    return engine.search(SearchQuery("red socks", name)).generation


def test_a_damaged_generation_is_verified_once_however_often_it_is_looked_at_and_searched(
    engine: Engine, hashed: list[str]
) -> None:
    former = served(engine)
    point_at_damage(engine)
    hashed.clear()
    engine.live_collections.refresh_changed()
    assert hashed.count("vectors.npy") == 1
    hashed.clear()
    for _ in range(5):
        engine.live_collections.refresh_changed()
        assert served(engine) == former
        engine.changed("shop")
    assert hashed == []
    assert engine.live_collections.known("shop").state == "refused"


def test_what_was_refused_is_looked_at_again_as_soon_as_its_files_change(engine: Engine) -> None:
    generation = point_at_damage(engine)
    engine.live_collections.refresh_changed()
    assert served(engine) != generation
    flip_bit(vectors_of(engine, generation))
    engine.live_collections.refresh_changed()
    assert served(engine) == generation
    assert engine.live_collections.problems() == {}


def test_what_was_refused_is_forgotten_as_soon_as_the_pointer_moves(engine: Engine) -> None:
    former = served(engine)
    point_at_damage(engine)
    engine.live_collections.refresh_changed()
    engine.catalog.collections.point("shop", generation=former)
    engine.live_collections.refresh_changed()
    assert engine.live_collections.problems() == {}
    assert engine.live_collections.known("shop").state == "serving"


def test_a_manifest_that_is_damaged_while_it_serves_is_read_once(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (manifest, *_) = engine.generations.root.glob(f"{served(engine)}/generation.json")
    intact = manifest.read_bytes()
    manifest.write_bytes(intact[:-20])
    for _ in range(4):  # nothing is missing, so files are not looked at every time
        engine.live_collections.refresh_changed()
    assert "generation.json" in engine.live_collections.problems()["shop"]
    reads = counted(monkeypatch, GenerationStore, "read")
    for _ in range(5):
        engine.live_collections.refresh_changed()
        engine.changed("shop")
    assert reads == []
    manifest.write_bytes(intact)
    engine.live_collections.refresh_changed()
    assert engine.live_collections.problems() == {}


def test_a_document_deleted_while_the_former_pair_answers_is_found_no_more(engine: Engine) -> None:
    point_at_damage(engine)
    engine.live_collections.refresh_changed()
    engine.catalog.documents.delete(engine.catalog.collections.get("shop"), "a")
    engine.changed("shop")
    assert engine.search(SearchQuery("red socks", "shop")).page.total == 0


def test_a_search_that_nothing_can_answer_is_refused_at_once_and_says_until_when(
    tmp_path: Path, engine: Engine, hashed: list[str]
) -> None:
    point_at_damage(engine)
    with closing(open_engine(load_settings(home=tmp_path, index={"poll_seconds": 7}))) as second:
        second.live_collections.refresh_changed()
        hashed.clear()
        for _ in range(3):
            with pytest.raises(UnavailableError, match=r"vectors\.npy") as refused:
                second.search(SearchQuery("red socks", "shop"))
            assert 1 <= refused.value.retry_after <= LONGEST_REST
        assert hashed == []
        assert served(second, "other") is not None


def test_while_one_collection_is_being_loaded_others_are_refreshed_and_it_answers_as_before(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = served(engine)
    generation = make_generation(engine, "shop")
    with slow_opening(monkeypatch):
        engine.catalog.collections.point("shop", generation=generation)
        engine.catalog.documents.delete(engine.catalog.collections.get("other"), "a")
        loading = engine.live_collections.look()
        engine.live_collections.look()
        assert engine.search(SearchQuery("red socks", "other")).page.total == 0
        assert served(engine) == former
        assert engine.live_collections.known("shop").state == "loading"
        assert not any(one.done() for one in loading)
    for one in loading:
        one.result(SOON)
    assert served(engine) == generation


def test_a_search_waits_for_the_collection_that_it_asks_for_and_not_for_ever(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_collections, "_PATIENCE", 0.01)
    with closing(open_engine(load_settings(home=tmp_path))) as second:
        with slow_opening(monkeypatch):
            second.live_collections.look()
            with pytest.raises(UnavailableError, match="is being loaded") as refused:
                second.search(SearchQuery("red socks", "shop"))
            assert refused.value.retry_after == 1
            second.catalog.collections.create("new")
            monkeypatch.setattr(live_collections, "_PATIENCE", SOON)
            assert second.search(SearchQuery("red socks", "new")).page.total == 0
        assert served(second) is not None


def test_whatever_one_collection_raises_the_others_are_refreshed_and_it_is_told_once(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    settled = LiveCollection.is_settled

    def fail(collection: LiveCollection, *arguments: object, **options: object) -> bool:
        if collection is engine.live_collections.known("other"):
            raise ArithmeticError("nobody thought of this")
        return settled(collection, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(LiveCollection, "is_settled", fail)
    for doc_id in ("b", "c"):
        shop = engine.catalog.collections.get("shop")
        engine.catalog.documents.upsert(shop, [Document(doc_id, "blue socks")])
        engine.indexer.seal(only="shop")
        engine.live_collections.refresh_changed()
    assert engine.search(SearchQuery("socks", "shop")).page.total == 3
    assert capfd.readouterr().out.count("refresh.failed") == 1


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ArithmeticError("nobody thought of this"), "nobody thought of this"),
        (PanicException("a secret"), "an extension in Rust panicked; standard error tells where"),
    ],
)
@pytest.mark.parametrize("what", ["opened", "exchanged", "followed"])
def test_a_library_that_fails_on_a_generation_is_a_problem_of_its_collection(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, what: str, error: BaseException, told: str
) -> None:
    def fail(*_: object) -> Snapshot:
        raise error

    former, shop = served(engine), engine.catalog.collections.get("shop")
    if what == "opened":
        engine.catalog.collections.point("shop", generation=make_generation(engine, "shop"))
        monkeypatch.setattr(pair, "open_snapshot", fail)
    elif what == "exchanged":
        engine.catalog.collections.point("shop", generation=make_generation(engine, "shop"))
        monkeypatch.setattr(pair.Pairs, "followed", fail)
    else:
        engine.catalog.documents.upsert(shop, [Document("b", "blue socks")])
        monkeypatch.setattr(Snapshot, "refreshed", fail)
    engine.live_collections.refresh_changed()
    assert served(engine) == former
    assert engine.live_collections.problems() == {"shop": f"collection 'shop': {told}"}


def test_where_nothing_changed_nothing_is_asked_but_whether_it_did(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    read = counted(monkeypatch, GenerationStore, "read")

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(engine.catalog.database.engine, "before_cursor_execute", note)
    looks = engine._watcher.looks
    for _ in range(2):  # what the first does may be news to another
        for look in looks.values():
            look()
    asked.clear()
    read.clear()
    monkeypatch.setattr(engine.sentinel, "_due", 0.0)
    for look in looks.values():
        look()
    assert (asked, read) == ([], [])


def test_files_are_looked_at_at_every_look_where_something_is_still_to_come(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked_at() -> int:
        asked.clear()
        for _ in range(8):
            engine.live_collections.refresh_changed()
        return len(asked)

    asked = counted(monkeypatch, pair.Pairs, "manifests")
    assert looked_at() == 2 * 8 / 4
    engine.catalog.documents.upsert(engine.catalog.collections.get("shop"), [Document("b", "hat")])
    engine.live_collections.refresh_changed()
    assert looked_at() == 8 + 8 / 4


def test_what_another_process_made_anew_is_seen_within_a_few_looks(engine: Engine) -> None:
    generation = engine.catalog.collections.get("shop").generation
    manifest = engine.generations.path(str(generation)) / "generation.json"
    former = manifest.stat().st_mtime_ns
    os.utime(manifest, ns=(former, former + 10**9))
    for _ in range(4):
        engine.live_collections.refresh_changed()
    assert engine.live_collections._collections["shop"]._manifests[0][2] == former + 10**9


def test_a_refusal_rests_twice_as_long_each_time_up_to_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: 0.0))
    rests = [refusal.rest for refusal in refusals(tmp_path, ["a"] * 10)]
    assert rests == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]


def test_other_files_are_refused_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: 0.0))
    rests = [refusal.rest for refusal in refusals(tmp_path, ["a", "a", "bc", "bc"])]
    assert rests == [0.5, 1.0, 0.5, 1.0]


def test_what_takes_long_to_verify_rests_so_long_that_it_costs_a_hundredth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = iter([0.0, 5.0, 5.0])
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(now)))
    assert look_at(()).refuse(OSError(), former=None, first_rest=0.5).rest == 500.0


def test_the_locks_of_a_generation_are_none_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "vectors.npy").write_bytes(b"x")
    before = files_under(tmp_path)
    (tmp_path / "readers.lock").touch()
    assert files_under(tmp_path) == before == file_at(f"{tmp_path}/deeper/vectors.npy")
    assert files_under(tmp_path / "none") == file_at(f"{tmp_path}/none") == ()


def refusals(folder: Path, contents: list[str]) -> Iterator[Refusal]:
    """One after another, of a file that holds each of these."""
    former = None
    for content in contents:
        if former is None or len(content) != former.files[0][1]:
            (folder / "file").write_text(content)
        look = look_at(file_at(str(folder / "file")))
        former = look.refuse(OSError("broken"), former=former, first_rest=0.5)
        yield former


def counted(monkeypatch: pytest.MonkeyPatch, kind: type, name: str) -> list[tuple[object, ...]]:
    """The arguments of each call of a method from now on."""
    calls: list[tuple[object, ...]] = []
    method: Callable[..., object] = getattr(kind, name)

    def note(*arguments: object, **options: object) -> object:
        calls.append(arguments[1:])
        return method(*arguments, **options)

    monkeypatch.setattr(kind, name, note)
    return calls


@contextmanager
def slow_opening(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No generation is opened as long as the block lasts."""
    enough = threading.Event()

    def wait(*arguments: object) -> Snapshot:
        assert enough.wait(SOON)
        return open_snapshot(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(pair, "open_snapshot", wait)
    try:
        yield
    finally:
        enough.set()
