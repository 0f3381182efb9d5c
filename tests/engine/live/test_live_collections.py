"""What answers keeps its generation on disk, for as long as it may be asked."""

import errno
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from molt.engine.engine import Engine
from molt.engine.live import pair as module
from molt.engine.settings import load_settings
from molt.index.catalog.document import Document
from molt.index.catalog.releases import Reason
from molt.index.errors import GenerationBusyError
from molt.index.generations.flip import flip
from molt.index.generations.occupancy import hold_removing
from molt.index.generations.retention import collect
from molt.index.generations.sealing import PassageEncoder
from molt.index.generations.snapshot import Snapshot, open_snapshot
from molt.index.generations.writer import GenerationWriter
from molt.index.segments.segment import SegmentEntry, verify_segment
from tests.app.serving import open_engine
from tests.hashing import HashingEncoder
from tests.waiting import wait_until


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine that does nothing by itself, with one indexed document in `shop`."""
    with closing(open_engine(load_settings(home=tmp_path))) as engine:
        collection = engine.catalog.collections.create("shop")
        engine.catalog.documents.upsert(collection, [Document("a", "red socks")])
        engine.indexer.seal()
        yield engine


def active(engine: Engine) -> str:
    generation = engine.catalog.collections.get("shop").generation
    assert generation is not None
    return generation


def replace(engine: Engine) -> str:
    """Serve the collection from a new generation of the same checkpoint; its id."""
    encoder = HashingEncoder()
    manifest = engine.generations.create(
        collection=engine.catalog.collections.get("shop").id,
        checkpoint=encoder.checkpoint.id,
        dimension=encoder.dimension,
    )
    writer = GenerationWriter(
        engine.generations,
        manifest.id,
        catalog=engine.catalog,
        collection=engine.catalog.collections.get("shop"),
        encoder=PassageEncoder(encoder.embed_documents),
    )
    flip(engine.catalog, writer, "shop", reason=Reason())
    return manifest.id


def opened(engine: Engine, generation: str) -> Snapshot:
    manifest = engine.generations.read(generation)
    collection = engine.catalog.collections.get("shop")
    return open_snapshot(
        engine.generations, manifest, engine.catalog.documents.liveness(collection)
    )


def is_held(engine: Engine, generation: str) -> bool:
    try:
        hold_removing(engine.generations.path(generation))
    except GenerationBusyError:
        return True
    return False


def test_a_generation_is_held_from_when_it_is_loaded(engine: Engine) -> None:
    generation = replace(engine)
    assert not is_held(engine, generation)
    engine.live_collections.refresh("shop")
    assert is_held(engine, generation)


def test_a_collection_that_nothing_is_indexed_of_holds_nothing(engine: Engine) -> None:
    engine.catalog.collections.create("empty")
    assert engine.live_collections.get("empty").hold is None


def test_new_documents_change_nothing_about_the_hold(engine: Engine) -> None:
    hold = engine.live_collections.get("shop").hold
    engine.catalog.documents.upsert(
        engine.catalog.collections.get("shop"), [Document("b", "blue socks")]
    )
    engine.indexer.seal()
    live = engine.live_collections.refresh("shop")
    assert live.indexed_revision == 2
    assert live.hold is hold


def test_a_generation_is_kept_for_the_last_request_that_searches_it(engine: Engine) -> None:
    former, request = active(engine), engine.live_collections.get("shop")
    engine.indexer.close()
    current = replace(engine)
    assert engine.live_collections.refresh("shop").hold is not request.hold
    assert collect(engine.catalog, engine.generations, retained=0) == []
    del request
    assert collect(engine.catalog, engine.generations, retained=0) == [former]
    assert engine.generations.ids() == [current]


def test_the_generation_of_a_deleted_collection_is_let_go(engine: Engine) -> None:
    generation = active(engine)
    engine.live_collections.get("shop")
    engine.catalog.collections.delete("shop")
    engine.live_collections.refresh_changed()
    assert not is_held(engine, generation)


def test_a_generation_that_cannot_be_served_is_not_held(engine: Engine) -> None:
    served, former = engine.live_collections.get("shop"), active(engine)
    damaged = replace(engine)
    (vectors,) = engine.generations.path(damaged).rglob("vectors.npy")
    vectors.write_bytes(b"damaged")
    assert engine.live_collections.refresh("shop") is served
    assert not is_held(engine, damaged)
    assert is_held(engine, former)


def test_a_generation_that_has_gone_is_refused_by_name(engine: Engine) -> None:
    served = engine.live_collections.get("shop")
    gone = replace(engine)
    engine.generations.remove(gone)
    assert engine.live_collections.refresh("shop") is served
    assert gone in engine.live_collections.problems()["shop"]


def test_what_was_verified_while_it_was_opened_is_not_verified_again(engine: Engine) -> None:
    generation = replace(engine)
    snapshot = opened(engine, generation)
    (vectors,) = engine.generations.path(generation).rglob("vectors.npy")
    vectors.write_bytes(vectors.read_bytes() + b"damage")
    live = engine.live_collections.refresh("shop", opened=snapshot)
    assert live.snapshot is not None
    assert live.snapshot.manifest.id == generation
    assert is_held(engine, generation)


def test_a_snapshot_that_was_opened_earlier_is_brought_up_to_date(engine: Engine) -> None:
    snapshot = opened(engine, replace(engine))
    engine.catalog.documents.delete(engine.catalog.collections.get("shop"), "a")
    live = engine.live_collections.refresh("shop", opened=snapshot)
    assert live.snapshot is not None
    assert (snapshot.n_documents, live.snapshot.n_documents) == (1, 0)


def test_a_snapshot_of_another_generation_is_not_served(engine: Engine) -> None:
    snapshot = opened(engine, active(engine))
    generation = replace(engine)
    live = engine.live_collections.refresh("shop", opened=snapshot)
    assert live.snapshot is not None
    assert live.snapshot.manifest.id == generation


def test_a_segment_that_was_sealed_here_is_verified_once(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified = []

    def counted(path: Path, entry: SegmentEntry) -> None:
        verified.append(entry.id)
        verify_segment(path, entry)

    engine.live_collections.get("shop")
    monkeypatch.setattr("molt.index.segments.segment.verify_segment", counted)
    collection = engine.catalog.collections.get("shop")
    engine.catalog.documents.upsert(collection, [Document("b", "blue socks")])
    engine.indexer.seal()
    live = engine.live_collections.get("shop")
    assert live.indexed_revision == 2
    assert live.snapshot is not None
    assert verified == [live.snapshot.manifest.segments[-1].id]


def test_a_snapshot_older_than_the_one_that_serves_is_of_no_use(engine: Engine) -> None:
    older = opened(engine, active(engine))
    engine.catalog.documents.delete(engine.catalog.collections.get("shop"), "a")
    engine.indexer.seal()
    serving = engine.live_collections.get("shop").snapshot
    refreshed = engine.live_collections.refresh("shop", opened=older).snapshot
    assert isinstance(serving, Snapshot)
    assert isinstance(refreshed, Snapshot)
    assert (refreshed.revision, refreshed.n_documents) == (2, 0)
    assert refreshed.scopes == serving.scopes


def test_while_one_collection_is_loaded_another_is_refreshed(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    loading, enough = threading.Event(), threading.Event()

    def open_slowly(*arguments: object) -> Snapshot:
        loading.set()
        assert enough.wait(30)
        return open_snapshot(*arguments)

    engine.catalog.collections.create("other")
    generation = replace(engine)
    monkeypatch.setattr(module, "open_snapshot", open_slowly)
    thread = threading.Thread(target=engine.live_collections.refresh, args=("shop",))
    thread.start()
    assert loading.wait(30)
    engine.live_collections.refresh("other")
    enough.set()
    thread.join()
    served = engine.live_collections.get("shop").snapshot
    assert served is not None
    assert served.manifest.id == generation


def test_a_file_that_may_not_be_read_is_a_problem_of_its_collection_alone(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> Snapshot:
        raise PermissionError(errno.EACCES, "Permission denied", "vectors.npy")

    served = engine.live_collections.get("shop")
    replace(engine)
    monkeypatch.setattr(module, "open_snapshot", refuse)
    engine.catalog.collections.create("younger")
    engine.live_collections.refresh_changed()
    assert engine.live_collections.holds("younger")
    assert engine.live_collections.get("shop") is served
    assert "Permission denied" in engine.live_collections.problems()["shop"]


def test_a_default_checkpoint_that_could_not_be_opened_is_tried_again_at_each_look(
    engine: Engine,
) -> None:
    lives, sound = engine.live_collections, engine.catalog.aliases.get("default")
    engine.catalog.aliases.set("default", "f" * 16)
    lives.refresh_changed()
    lives.check_default()
    assert lives.default_problem is not None
    engine.catalog.aliases.set("default", sound)
    lives.look()
    wait_until(lambda: lives.default_problem is None)
