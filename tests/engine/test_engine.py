"""The engine: one encoder and one index answer a query, and both follow the disk."""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from molt.encoder.encoder import InputType
from molt.encoder.safety.cancellation import current
from molt.engine.encoders import Encoders
from molt.engine.engine import Engine
from molt.engine.errors import (
    InvalidDimensionsError,
    NoCheckpointError,
    UnavailableError,
    UnknownModelError,
)
from molt.engine.indexing.writers import Writers
from molt.engine.search.query import SearchQuery
from molt.engine.settings import load_settings
from molt.engine.threads import Backoff
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import Document
from molt.index.catalog.documents import Documents
from molt.index.errors import CollectionNotFoundError
from tests.app.serving import open_engine
from tests.hashing import HashingEncoder

SOON = 20.0


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with closing(open_engine(load_settings(home=tmp_path))) as engine:
        engine.start()
        engine.catalog.collections.create("shop")
        yield engine


def write(engine: Engine, *documents: Document) -> None:
    """Write documents and wait until they can be searched."""
    collection = engine.catalog.collections.get("shop")
    ack = engine.catalog.documents.upsert(collection, documents)
    engine.changed("shop")
    assert engine.live_collections.wait_indexed("shop", revision=ack.revision, timeout=SOON)


def delete(engine: Engine, doc_id: str) -> None:
    engine.catalog.documents.delete(engine.catalog.collections.get("shop"), doc_id)
    engine.changed("shop")


def ids(engine: Engine, text: str, **options: int) -> list[str]:
    answer = engine.search(SearchQuery(text, "shop", **options))
    return [hit.id for hit in answer.page.hits]


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_the_nearest_document_comes_first_and_names_encoder_and_index(engine: Engine) -> None:
    write(engine, Document("a", "red wool socks"), Document("b", "a tent for two"))
    answer = engine.search(SearchQuery("wool socks", "shop"))
    assert [hit.rank for hit in answer.page.hits] == [1, 2]
    assert answer.page.hits[0].document.text == "red wool socks"
    assert answer.page.hits[0].score > answer.page.hits[1].score
    assert answer.generation == engine.catalog.collections.get("shop").generation
    assert answer.checkpoint == HashingEncoder().checkpoint.id


def test_a_page_continues_where_the_one_before_it_ended(engine: Engine) -> None:
    write(engine, *(Document(f"d{n}", f"note number {n}") for n in range(25)))
    whole = ids(engine, "note", k=25)
    assert ids(engine, "note", k=10, offset=10) == whole[10:20]
    assert ids(engine, "note", k=10, offset=20) == whole[20:]


def test_a_collection_without_documents_answers_with_no_hits(engine: Engine) -> None:
    answer = engine.search(SearchQuery("anything", "shop"))
    assert (answer.page.hits, answer.page.total, answer.generation) == ((), 0, None)


def test_an_unknown_collection_is_named(engine: Engine) -> None:
    with pytest.raises(CollectionNotFoundError, match="shoes"):
        engine.search(SearchQuery("anything", "shoes"))


def test_a_deleted_document_is_gone_at_once(engine: Engine) -> None:
    write(engine, Document("a", "red socks"), Document("b", "blue socks"))
    delete(engine, "a")
    assert ids(engine, "socks") == ["b"]


def test_an_updated_document_stays_visible_until_its_new_text_is_indexed(engine: Engine) -> None:
    write(engine, Document("a", "red socks"))
    engine.indexer.close()
    collection = engine.catalog.collections.get("shop")
    engine.catalog.documents.upsert(collection, [Document("a", "blue trousers")])
    engine.changed("shop")
    assert ids(engine, "socks") == ["a"]


def test_what_was_acknowledged_before_a_stop_is_indexed_at_the_next_start(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    with closing(open_engine(settings)) as stopped:
        collection = stopped.catalog.collections.create("shop")
        ack = stopped.catalog.documents.upsert(collection, [Document("a", "red socks")])
    with closing(open_engine(settings)) as started:
        started.start()
        assert started.live_collections.wait_indexed("shop", revision=ack.revision, timeout=SOON)
        assert ids(started, "socks") == ["a"]


def test_the_segment_that_is_being_made_is_given_up_when_the_engine_is_closed(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, given_up = threading.Event(), threading.Event()

    def endless(*_: object, **__: object) -> None:
        begun.set()
        with current().telling(given_up.set):
            assert given_up.wait(SOON)
        current().check()

    monkeypatch.setattr(HashingEncoder, "encode", endless)
    shop = engine.catalog.collections.get("shop")
    engine.catalog.documents.upsert(shop, [Document("a", "red wool socks")])
    engine.changed("shop")
    assert begun.wait(SOON)
    engine.close()
    assert given_up.is_set()


def test_a_second_process_of_the_home_follows_the_one_that_indexes(
    engine: Engine, tmp_path: Path
) -> None:
    with closing(open_engine(load_settings(home=tmp_path))) as second:
        assert not second.indexer.acquire()
        second.start()
        write(engine, Document("a", "red socks"))
        revision = engine.catalog.collections.get("shop").revision
        assert second.live_collections.wait_indexed("shop", revision=revision, timeout=SOON)
        assert ids(second, "socks") == ["a"]


def test_when_the_indexing_process_ends_another_takes_over(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    first = open_engine(settings)
    first.start()
    first.catalog.collections.create("shop")
    write(first, Document("a", "red socks"))
    with closing(open_engine(settings)) as second:
        second.start()
        first.close()
        write(second, Document("b", "blue socks"))
        assert sorted(ids(second, "socks")) == ["a", "b"]


@pytest.mark.parametrize("name", ["vectors.npy", "rows.npy", "metadata.parquet", "generation.json"])
def test_a_damaged_generation_is_refused_by_name_and_rebuilt(tmp_path: Path, name: str) -> None:
    settings = load_settings(home=tmp_path)
    with closing(open_engine(settings)) as first:
        first.start()
        first.catalog.collections.create("shop")
        write(first, Document("a", "red socks", metadata={"size": 3}), Document("b", "a tent"))
        damaged = first.catalog.collections.get("shop").generation
    (path,) = (tmp_path / "generations").rglob(name)
    damage(path)
    with closing(open_engine(settings)) as second:
        with pytest.raises(UnavailableError, match=name):
            second.live_collections.refresh("shop")
        assert any(name in problem for problem in second.readiness().problems)
        second.start()
        revision = second.catalog.collections.get("shop").revision
        assert second.live_collections.wait_indexed("shop", revision=revision, timeout=SOON)
        assert ids(second, "socks") == ["a", "b"]
        assert second.readiness().ready
        assert second.catalog.collections.get("shop").generation != damaged


def test_damage_to_a_generation_being_served_is_named_and_the_loaded_one_keeps_serving(
    engine: Engine, tmp_path: Path
) -> None:
    write(engine, Document("a", "red socks"))
    engine.indexer.close()
    (manifest,) = (tmp_path / "generations").rglob("generation.json")
    damage(manifest)
    engine.live_collections.refresh_changed()
    assert ids(engine, "socks") == ["a"]
    readiness = engine.readiness()
    assert readiness.ready
    assert "generation.json" in readiness.problems[0]


def test_what_is_written_is_kept_although_the_collection_cannot_be_served(
    tmp_path: Path,
) -> None:
    settings = load_settings(home=tmp_path, index={"seal": False})
    with closing(open_engine(settings)) as engine:
        collection = engine.catalog.collections.create("shop")
        engine.catalog.collections.point("shop", generation="0" * 32)
        with pytest.raises(UnavailableError):
            engine.live_collections.get("shop")
        engine.catalog.documents.upsert(collection, [Document("a", "red socks")])
        engine.changed("shop")
        assert [status.collection.name for status in engine.statuses()] == ["shop"]


def test_a_collection_that_is_deleted_while_all_are_listed_is_left_out(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.catalog.collections.create("gone")
    listed = engine.catalog.collections.list()
    engine.catalog.collections.delete("gone")
    engine.live_collections.refresh_changed()
    monkeypatch.setattr(engine.catalog.collections, "list", lambda: listed)
    assert [status.collection.name for status in engine.statuses()] == ["shop"]
    assert "gone" not in {card.id for card in engine.models.cards()}


def test_a_library_that_fails_on_one_collection_keeps_no_other_from_being_indexed(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    advance = Writers.advance

    def fail(writing: Writers, collection: Collection, *, limit: int) -> bool:
        if collection.name == "broken":
            raise ArithmeticError("a token beyond the table")
        return advance(writing, collection, limit=limit)

    monkeypatch.setattr(Writers, "advance", fail)
    engine.catalog.collections.create("broken")
    write(engine, Document("a", "red socks"))
    assert ids(engine, "socks") == ["a"]
    assert "a token beyond the table" in engine.indexer.problems()["broken"]
    assert engine.indexer.problems().keys() == {"broken"}


def test_what_goes_on_failing_is_tried_less_and_less_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    tried: list[float] = []

    def fail(*_: object, **__: object) -> bool:
        tried.append(now)
        raise OSError("the disk is full")

    monkeypatch.setattr(Writers, "advance", fail)
    monkeypatch.setattr("molt.engine.indexing.indexer.time", SimpleNamespace(monotonic=lambda: now))
    with closing(open_engine(load_settings(home=tmp_path))) as engine:
        engine.catalog.collections.create("shop")
        for tick in range(120):
            now = tick * engine.settings.index.poll_seconds
            engine.indexer.seal()
        assert tried == [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 25.5, 35.5, 45.5, 55.5]
        monkeypatch.setattr(Writers, "advance", lambda *_, **__: False)
        assert engine.indexer.problems().keys() == {"shop"}
        now += 10.0
        engine.indexer.seal()
        assert not engine.indexer.problems()


def test_a_thread_with_nothing_to_do_looks_less_often_until_the_catalog_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr("molt.engine.threads.time", SimpleNamespace(monotonic=lambda: now))
    backoff, looked = Backoff(0.5), []
    for tick in range(400):
        now = tick * 0.5
        if backoff.is_over("later" if now >= 190 else "now"):
            looked.append(now)
            backoff.begin(latest=math.inf)
    growing, anew = [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 63.5], [190, 190.5, 191.5, 193.5, 197.5]
    assert looked == [*growing, 123.5, 183.5, *anew]
    backoff.begin(latest=now + 1)
    now += 1
    assert backoff.is_over("later")


def test_where_everything_is_indexed_nothing_is_asked_of_any_collection(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(engine, Document("a", "red socks"))
    engine.indexer.close()
    engine.indexer.seal()
    monkeypatch.setattr(Documents, "liveness", None)
    assert not engine.indexer.seal()
    assert not engine.indexer.problems()


def test_a_home_without_a_checkpoint_says_what_to_do(tmp_path: Path) -> None:
    encoders = Encoders(lambda _: HashingEncoder())
    with (
        closing(Engine.open(load_settings(home=tmp_path), encoders=encoders)) as engine,
        pytest.raises(NoCheckpointError, match="molt checkpoints add"),
    ):
        engine.start()


def test_generations_that_nothing_points_to_are_removed_once_nobody_reads_them(
    engine: Engine, tmp_path: Path
) -> None:
    write(engine, Document("a", "red socks"))
    reading = engine.live_collections.get("shop")
    engine.catalog.collections.delete("shop")
    engine.live_collections.refresh_changed()
    engine.indexer.seal()
    assert len(list((tmp_path / "generations").iterdir())) == 1
    del reading
    until = time.monotonic() + SOON
    while any((tmp_path / "generations").iterdir()):  # the watcher may just be looking at it
        engine.indexer.seal()
        assert time.monotonic() < until


def test_as_many_former_generations_stay_as_the_settings_say(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, index={"retained_generations": 1})
    encoder = HashingEncoder()
    with closing(open_engine(settings)) as engine:
        collection = engine.catalog.collections.create("shop")
        made = [
            engine.generations.create(
                collection=collection.id,
                checkpoint=encoder.checkpoint.id,
                dimension=encoder.dimension,
            ).id
            for _ in range(4)
        ]
        for generation in made:
            engine.catalog.collections.point("shop", generation=generation)
        engine.indexer.seal()
        assert engine.generations.ids() == sorted(made[-2:])


def test_a_model_is_a_checkpoint_a_collection_or_the_alias(engine: Engine) -> None:
    checkpoint_id = HashingEncoder().checkpoint.id
    embeddings = [
        engine.models.embed(
            ["red socks"], model=name, input_type=InputType.DOCUMENT, dimensions=None
        )
        for name in (checkpoint_id, "shop", "default")
    ]
    assert {embedding.checkpoint for embedding in embeddings} == {checkpoint_id}
    np.testing.assert_array_equal(embeddings[0].vectors, embeddings[1].vectors)


def test_an_unknown_model_is_named(engine: Engine) -> None:
    with pytest.raises(UnknownModelError, match="gpt-7"):
        engine.models.embed(["x"], model="gpt-7", input_type=InputType.QUERY, dimensions=None)


def test_fewer_dimensions_are_the_leading_ones_normalised_again(engine: Engine) -> None:
    whole = engine.models.embed(
        ["red socks"], model="default", input_type=InputType.QUERY, dimensions=None
    )
    cut = engine.models.embed(
        ["red socks"], model="default", input_type=InputType.QUERY, dimensions=8
    )
    leading = whole.vectors[:, :8]
    np.testing.assert_allclose(cut.vectors, leading / np.linalg.norm(leading), rtol=1e-6)
    for wrong in (0, whole.vectors.shape[1] + 1):
        with pytest.raises(InvalidDimensionsError, match="1 to"):
            engine.models.embed(
                ["x"], model="default", input_type=InputType.QUERY, dimensions=wrong
            )


def test_searches_during_writing_never_fail_and_never_lose_a_document(engine: Engine) -> None:
    write(engine, *(Document(f"old{n}", f"note {n}") for n in range(20)))
    stop = threading.Event()
    lost: list[list[str]] = []

    def search() -> None:
        while not stop.is_set():
            found = ids(engine, "note", k=1000)
            if len(found) != len(set(found)) or sum(one.startswith("old") for one in found) != 20:
                lost.append(found)

    readers = [threading.Thread(target=search) for _ in range(3)]
    for reader in readers:
        reader.start()
    for round_ in range(15):
        write(
            engine,
            *(Document(f"old{n}", f"note {n} again {round_}") for n in range(20)),
            *(Document(f"new{round_}-{n}", "another note") for n in range(5)),
        )
    stop.set()
    for reader in readers:
        reader.join()
    assert lost == []
