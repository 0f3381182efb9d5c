"""A document that cannot be encoded is set aside by name, and nothing else suffers from it."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from molt.encoder.errors import ClosedEncoderError
from molt.engine.engine import Engine
from molt.engine.search.query import SearchQuery
from molt.engine.settings import load_settings
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import Document
from molt.index.catalog.releases import Reason
from molt.index.generations import sealing
from molt.index.segments.attributes import attributes_of
from tests.app.serving import open_engine
from tests.generations import make_generation
from tests.hashing import HashingEncoder
from tests.panics import PanicException

SOON = 30.0


@pytest.fixture(autouse=True)
def panicking(monkeypatch: pytest.MonkeyPatch) -> None:
    """The encoder of seed 0 panics at every text with PANIC in it."""
    read = HashingEncoder._read

    def panic(encoder: HashingEncoder, text: str) -> object:
        if encoder.seed == 0 and "PANIC" in text:
            raise PanicException(text)
        return read(encoder, text)

    monkeypatch.setattr(HashingEncoder, "_read", panic)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with closing(open_engine(load_settings(home=tmp_path))) as engine:
        for name in ("shop", "other"):
            engine.catalog.collections.create(name)
        engine.start()
        yield engine


def write(engine: Engine, name: str, *documents: Document) -> None:
    collection = engine.catalog.collections.get(name)
    ack = engine.catalog.documents.upsert(collection, documents)
    engine.changed(name)
    assert engine.live_collections.wait_indexed(name, revision=ack.revision, timeout=SOON)


def found(engine: Engine, name: str) -> set[str]:
    return {hit.id for hit in engine.search(SearchQuery("red", name)).page.hits}


def aside(engine: Engine, name: str) -> list[str]:
    status = engine.status(engine.catalog.collections.get(name))
    return [one.doc_id for one in status.quarantined]


def test_the_other_documents_and_the_other_collections_are_indexed(
    engine: Engine, capfd: pytest.CaptureFixture[str]
) -> None:
    texts = {f"d{n}": f"red number {n}" for n in range(40)} | {"bad": "a secret PANIC"}
    write(engine, "shop", *(Document(name, text) for name, text in texts.items()))
    write(engine, "other", Document("a", "red socks"))
    assert found(engine, "other") == {"a"}
    assert engine.search(SearchQuery("red", "shop", k=50)).page.total == 40
    assert aside(engine, "shop") == ["bad"]
    readiness = engine.readiness()
    assert (readiness.ready, readiness.problems) == (True, ())
    assert all(thread.deaths == 0 for thread in engine.threads)
    said = capfd.readouterr().out
    assert said.count("document.quarantined") == 1
    assert "secret" not in said


def test_metadata_that_cannot_be_made_filterable_set_one_document_aside(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def panic(metadata: Sequence[Mapping[str, object]], **more: Any) -> object:
        if any("odd" in each for each in metadata):
            raise PanicException(str(metadata))
        return attributes_of(metadata, **more)

    monkeypatch.setattr(sealing, "attributes_of", panic)
    odd = Document("bad", "red hat", metadata={"odd": "a secret"})
    write(engine, "shop", Document("a", "red socks"), odd, Document("b", "red boots"))
    assert (found(engine, "shop"), aside(engine, "shop")) == ({"a", "b"}, ["bad"])


def test_a_merge_that_panics_is_a_problem_of_its_collection_and_ends_no_thread(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def panic(collection: Collection) -> bool:
        if collection.name == "shop":
            raise PanicException("a secret")
        return False

    monkeypatch.setattr(engine.indexer._writers, "merge", panic)
    write(engine, "shop", Document("a", "red socks"))
    wait_for_problem(engine, "collection 'shop' is not being indexed: an extension in Rust")
    write(engine, "other", Document("b", "red boots"))
    assert found(engine, "other") == {"b"}
    assert all(thread.deaths == 0 for thread in engine.threads)


def test_it_is_kept_and_a_restart_does_not_fail_at_it(engine: Engine, tmp_path: Path) -> None:
    write(engine, "shop", Document("a", "red socks"), Document("bad", "PANIC"))
    engine.close()
    with closing(open_engine(load_settings(home=tmp_path))) as again:
        again.start()
        shop = again.catalog.collections.get("shop")
        assert again.catalog.documents.get(shop, "bad").document.text == "PANIC"
        assert aside(again, "shop") == ["bad"]
        write(again, "shop", Document("b", "red boots"))
        assert found(again, "shop") == {"a", "b"}


def test_a_new_version_of_it_is_tried_again(engine: Engine) -> None:
    write(engine, "shop", Document("a", "red socks"), Document("b", "PANIC"))
    write(engine, "shop", Document("b", "red boots"))
    assert (found(engine, "shop"), aside(engine, "shop")) == ({"a", "b"}, [])


def test_another_checkpoint_is_tried_with_it(engine: Engine) -> None:
    write(engine, "shop", Document("a", "red socks"), Document("b", "red PANIC"))
    made = make_generation(engine, "shop", seed=1)
    engine.releaser.activate(made, reason=Reason(text="a better one"))
    assert (found(engine, "shop"), aside(engine, "shop")) == ({"a", "b"}, [])


def test_an_encoder_that_was_closed_sets_nothing_aside(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(*_: object, **__: object) -> object:
        raise ClosedEncoderError("the encoder was closed")

    monkeypatch.setattr(HashingEncoder, "encode", closed)
    shop = engine.catalog.collections.get("shop")
    engine.catalog.documents.upsert(shop, [Document("a", "red socks")])
    engine.changed("shop")
    wait_for_problem(engine, "the encoder was closed")
    monkeypatch.undo()
    write(engine, "shop", Document("b", "red boots"))
    assert (found(engine, "shop"), aside(engine, "shop")) == ({"a", "b"}, [])


def test_a_search_at_which_the_encoder_panics_fails_and_is_counted_by_the_watch(
    engine: Engine,
) -> None:
    write(engine, "shop", Document("a", "red socks"))
    with pytest.raises(Exception, match="panicked"):
        engine.search(SearchQuery("PANIC", "shop"))
    live = engine.live_collections.get("shop")
    assert engine.sentinel._searches(live.collection).latest[-1] is None


def test_a_thread_that_dies_is_named_and_searches_go_on(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(engine, "shop", Document("a", "red socks"))

    def die(*_: object) -> None:
        raise PanicException

    monkeypatch.setattr(engine.catalog.database, "version", die)
    wait_for_problem(engine, "'watcher'")
    readiness = engine.readiness()
    assert readiness.ready
    assert found(engine, "shop") == {"a"}
    monkeypatch.undo()
    write(engine, "shop", Document("b", "red boots"))
    assert found(engine, "shop") == {"a", "b"}


def wait_for_problem(engine: Engine, what: str) -> None:
    until = time.monotonic() + SOON
    while not any(what in problem for problem in engine.readiness().problems):
        assert time.monotonic() < until
