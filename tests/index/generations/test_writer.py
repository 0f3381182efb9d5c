"""The writer: a generation follows its catalog, reuses vectors, and survives every crash."""

import threading
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from molt.artifact import publish_directory
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import Document
from molt.index.errors import GenerationBusyError, GenerationError, VectorError
from molt.index.generations import writer as writer_module
from molt.index.generations.sealing import PassageEncoder
from molt.index.generations.snapshot import open_snapshot
from molt.index.generations.writer import GenerationWriter
from molt.index.passages.cutting import Span
from molt.index.segments.filters.filter import parse_filter
from tests.index.segment_fixtures import CountingEncoder


def document(doc_id, text=None, **metadata):
    return Document(id=doc_id, text=text or f"text of {doc_id}", metadata=metadata)


@dataclass(frozen=True)
class Home:
    """A catalog with one collection, and what a reader of its index gets."""

    catalog: Catalog
    collection: Collection
    encoder: CountingEncoder

    def put(self, *documents):
        return self.catalog.documents.upsert(self.collection, documents)

    def delete(self, doc_id):
        return self.catalog.documents.delete(self.collection, doc_id)

    def texts(self, snapshot):
        """The text of every document that is found, by id, and whether that text finds it."""
        found = snapshot.search(self.encoder.vector("any"), k=1_000)
        ordinals = [hit.ordinal for hit in found.hits]
        stored = self.catalog.documents.hydrate(self.collection, ordinals)
        assert len(found.hits) == found.total == len(stored)
        return {
            one.document.id: (one.document.text, self.finds(snapshot, one))
            for one in stored.values()
        }

    def finds(self, snapshot, stored):
        best = snapshot.search(self.encoder.vector(stored.document.text), k=1).hits[0]
        return best.ordinal == stored.ordinal and best.score > 0.999


@pytest.fixture
def home(segment_catalog, segment_collection, segment_encoder):
    return Home(segment_catalog, segment_collection, segment_encoder)


@pytest.fixture
def put(home):
    """`put(document, ...)`: upserts documents."""
    return home.put


@pytest.fixture
def delete(home):
    """`delete(doc_id)`."""
    return home.delete


@pytest.fixture
def texts(home):
    """`texts(snapshot)`: by id, the text of every document found, and whether that finds it."""
    return home.texts


def drain(writer, *, limit=100):
    while writer.advance(limit):
        pass


def test_changed_documents_are_sealed_and_found(segment_writer, put, texts):
    writer = segment_writer()
    put(document("a"), document("b"))
    assert writer.advance(100) is True
    assert writer.advance(100) is False
    assert texts(writer.snapshot) == {"a": ("text of a", True), "b": ("text of b", True)}
    assert writer.snapshot.manifest.revision == 2


def test_a_limit_seals_the_oldest_changes_first(segment_writer, put):
    writer = segment_writer()
    put(*(document(f"{n}") for n in range(5)))
    writer.advance(2)
    assert writer.snapshot.manifest.revision == 2
    drain(writer, limit=2)
    assert [entry.n_rows for entry in writer.snapshot.manifest.segments] == [2, 2, 1]
    assert writer.snapshot.manifest.revision == 5


def test_the_revision_follows_deletes_too(segment_writer, put, delete, texts):
    writer = segment_writer()
    put(document("a"), document("b"))
    drain(writer)
    delete("a")
    assert writer.advance(100) is True
    assert writer.snapshot.manifest.revision == 3
    assert texts(writer.snapshot) == {"b": ("text of b", True)}


def test_an_update_replaces_the_older_text(segment_writer, put, texts):
    writer = segment_writer()
    put(document("a"), document("b"))
    drain(writer)
    put(document("a", "something else"))
    drain(writer)
    assert texts(writer.snapshot) == {"a": ("something else", True), "b": ("text of b", True)}


def test_the_older_text_answers_until_the_newer_is_sealed(home, segment_writer):
    writer = segment_writer()
    home.put(document("a"))
    drain(writer)
    home.put(document("a", "something else"))
    liveness = home.catalog.documents.liveness(home.collection)
    snapshot = open_snapshot(writer.snapshot.store, writer.snapshot.manifest, liveness)
    found = snapshot.search(home.encoder.vector("text of a"), k=5)
    assert [hit.score for hit in found.hits] == pytest.approx([1.0])


def test_a_filter_does_not_bring_back_what_was_replaced(segment_writer, segment_encoder, put):
    writer = segment_writer()
    put(document("a", colour="red"), document("b", colour="red"))
    drain(writer)
    put(document("a", colour="blue"))
    drain(writer)
    where = parse_filter({"field": "colour", "eq": "red"})
    found = writer.snapshot.search(segment_encoder.vector("text of a"), k=5, where=where)
    assert ([hit.ordinal for hit in found.hits], found.total) == ([1], 1)


def test_a_known_text_is_not_encoded_again(segment_writer, segment_encoder, put):
    writer = segment_writer()
    put(document("a", "shared"), document("b", "shared"), document("c", "own"))
    drain(writer)
    put(document("a", "shared", price=3), document("d", "own"), document("e", "new"))
    drain(writer)
    assert segment_encoder.texts == ["shared", "own", "new"]
    where = parse_filter({"field": "price", "eq": 3})
    assert writer.snapshot.search(segment_encoder.vector("shared"), k=5, where=where).total == 1


def test_vectors_are_borrowed_from_another_generation(segment_writer, segment_encoder, put, texts):
    first = segment_writer()
    put(document("a"), document("b"))
    drain(first)
    second = segment_writer()
    second.borrow_from(first.snapshot.manifest.id)
    put(document("c"))
    drain(second)
    assert segment_encoder.texts == ["text of a", "text of b", "text of c"]
    assert texts(second.snapshot).keys() == {"a", "b", "c"}


def test_vectors_of_another_checkpoint_are_not_borrowed(segment_writer, segment_store):
    other = segment_store.create(collection=1, checkpoint="d" * 16, dimension=16)
    with pytest.raises(GenerationError, match="cannot be reused"):
        segment_writer().borrow_from(other.id)


def test_a_long_document_is_found_by_its_best_passage(segment_writer, segment_encoder, put):
    halves = PassageEncoder(segment_encoder, lambda one: [Span(0, 5), Span(5, len(one.text))])
    writer = segment_writer(encoder=halves)
    put(document("a", "first then"), document("b", "other text"))
    drain(writer)
    found = writer.snapshot.search(segment_encoder.vector("then"), k=5)
    best = found.hits[0]
    assert (best.ordinal, best.passage, best.start, best.end) == (0, 1, 5, 10)
    assert (len(found.hits), found.total) == (2, 2)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (np.zeros((1, 8), np.float32), "16 dimensions"),
        (np.full((1, 16), np.nan, np.float32), "not a finite number"),
    ],
)
def test_vectors_that_cannot_be_searched_are_refused(segment_writer, put, wrong, reason):
    writer = segment_writer(encoder=PassageEncoder(lambda texts: wrong))
    put(document("a"))
    with pytest.raises(VectorError, match=reason):
        writer.advance(100)
    assert writer.snapshot.manifest.revision == 0


def test_merging_changes_no_answer(segment_writer, segment_encoder, put, delete, texts):
    writer = segment_writer()
    for n in range(10):
        put(document(f"{n}"), document("changing", f"version {n}"))
        drain(writer)
    delete("3")
    drain(writer)
    before = texts(writer.snapshot)
    while writer.merge_once():
        assert texts(writer.snapshot) == before
    assert len(writer.snapshot.manifest.segments) < 10
    assert sum(scope.n_rows for scope in writer.snapshot.scopes) == 10


def test_a_segment_whose_rows_are_all_dead_disappears(segment_writer, put, delete):
    writer = segment_writer()
    put(document("a"))
    drain(writer)
    delete("a")
    drain(writer)
    assert writer.merge_once() is True
    assert writer.snapshot.manifest.segments == ()
    assert writer.merge_once() is False


def test_more_is_merged_once_no_change_is_waiting(segment_writer, put, monkeypatch):
    plans = {"plan_merge": lambda _: (), "plan_at_rest": lambda scopes: (0, 1)[: len(scopes)]}
    for name, plan in plans.items():
        monkeypatch.setattr(writer_module, name, plan)
    writer = segment_writer()
    put(*(document(f"{n}") for n in range(3)))
    writer.advance(1)
    writer.advance(1)
    assert writer.merge_once() is False
    writer.advance(2)
    assert writer.merge_once() is True


def test_merged_segments_are_removed_only_after_a_while(
    segment_writer, segment_store, put, monkeypatch
):
    now = 0.0
    monkeypatch.setattr(writer_module.time, "monotonic", lambda: now)  # type: ignore[attr-defined]
    writer = segment_writer()
    for n in range(8):
        put(document(f"{n}"))
        drain(writer)
    folder = segment_store.segments_path(writer.snapshot.manifest.id)
    assert writer.merge_once() is True
    now = writer_module.RETIREMENT_SECONDS - 1
    writer.merge_once()
    assert len(list(folder.iterdir())) == 9
    now = writer_module.RETIREMENT_SECONDS
    writer.merge_once()
    assert [path.name for path in folder.iterdir()] == [writer.snapshot.manifest.segments[0].id]


def test_documents_are_sealed_while_a_merge_is_being_written(
    segment_writer, put, texts, monkeypatch
):
    writer = segment_writer()
    for n in range(8):
        put(document(f"{n}"))
        drain(writer)
    merging, sealed = threading.Event(), threading.Event()
    merged_content = writer_module.merged_content  # type: ignore[attr-defined]

    def slow(scopes):
        merging.set()
        assert sealed.wait(30)
        return merged_content(scopes)

    monkeypatch.setattr(writer_module, "merged_content", slow)
    thread = threading.Thread(target=writer.merge_once)
    thread.start()
    assert merging.wait(30)
    put(document("late"), document("0", "changed"))
    drain(writer)
    sealed.set()
    thread.join()
    answer = texts(writer.snapshot)
    assert (answer["late"], answer["0"]) == (("text of late", True), ("changed", True))
    assert len(answer) == 9
    assert len(writer.snapshot.manifest.segments) == 2


def test_a_generation_has_one_writer_at_a_time(segment_writer, put, texts):
    writer = segment_writer()
    generation = writer.snapshot.manifest.id
    put(document("a"))
    with pytest.raises(GenerationBusyError, match=generation):
        segment_writer(generation)
    drain(writer)
    writer.close()
    again = segment_writer(generation)
    put(document("b"))
    drain(again)
    assert texts(again.snapshot).keys() == {"a", "b"}


def test_a_writer_that_could_not_be_opened_leaves_the_generation_to_others(
    segment_writer, segment_store, monkeypatch
):
    generation = segment_store.create(collection=1, checkpoint="c" * 16, dimension=16).id
    with monkeypatch.context() as failing:
        failing.setattr(writer_module, "open_snapshot", crash)
        with pytest.raises(Crash):
            segment_writer(generation)
    segment_writer(generation)


def test_a_closed_writer_writes_nothing(segment_writer, put):
    writer = segment_writer()
    for n in range(8):
        put(document(f"{n}"))
        drain(writer)
    put(document("late"))
    writer.close()
    with pytest.raises(GenerationError, match="was closed; open another"):
        writer.advance(100)
    assert writer.merge_once() is False
    assert writer.snapshot.manifest.revision == 8
    assert len(writer.snapshot.manifest.segments) == 8


def test_a_merge_at_work_keeps_others_out_after_its_writer_is_closed(
    segment_writer, put, monkeypatch
):
    writer = segment_writer()
    generation = writer.snapshot.manifest.id
    for n in range(8):
        put(document(f"{n}"))
        drain(writer)
    merging, closed = threading.Event(), threading.Event()
    merged_content = writer_module.merged_content  # type: ignore[attr-defined]

    def slow(scopes):
        merging.set()
        assert closed.wait(30)
        return merged_content(scopes)

    monkeypatch.setattr(writer_module, "merged_content", slow)
    thread = threading.Thread(target=writer.merge_once)
    thread.start()
    assert merging.wait(30)
    writer.close()
    with pytest.raises(GenerationBusyError):
        segment_writer(generation)
    closed.set()
    thread.join()
    assert len(segment_writer(generation).snapshot.manifest.segments) == 1


def test_a_writer_knows_how_far_it_is_behind(segment_writer, put, delete):
    writer = segment_writer()
    assert writer.behind == 0
    put(document("a"), document("b"), document("c"))
    assert writer.behind == 3
    writer.advance(2)
    assert writer.behind == 1
    drain(writer)
    delete("a")
    assert writer.behind == 1
    drain(writer)
    assert writer.behind == 0


class Crash(BaseException):
    """Stands for the end of the process."""


def crash(*arguments, **keywords):
    raise Crash


@pytest.mark.parametrize(
    "step",
    [
        "molt.index.segments.segment.hash_file",
        "molt.index.generations.snapshot.open_segment",
        "molt.index.generations.generation.write_manifest",
    ],
)
@pytest.mark.parametrize("work", [lambda writer: writer.advance(9), GenerationWriter.merge_once])
def test_a_crash_at_any_step_leaves_a_generation_that_opens_and_catches_up(
    home, segment_writer, monkeypatch, step, work
):
    writer = segment_writer()
    for n in range(8):
        home.put(document(f"{n}"))
        drain(writer)
    before, generation = home.texts(writer.snapshot), writer.snapshot.manifest.id
    home.put(document("late"))
    with monkeypatch.context() as crashing:
        crashing.setattr(step, crash)
        with pytest.raises(Crash):
            work(writer)
    writer.close()  # as the end of its process does

    again = segment_writer(generation)
    assert home.texts(again.snapshot) == before
    drain(again)
    assert home.texts(again.snapshot) == before | {"late": ("text of late", True)}
    folder = again.snapshot.store.segments_path(generation)
    named = {entry.id for entry in again.snapshot.manifest.segments}
    assert {path.name for path in folder.iterdir()} == named


def failing(message):
    def fail(*_):
        raise OSError(message)

    return fail


def segment_folders(store, writer):
    return {path.name for path in store.segments_path(writer.snapshot.manifest.id).iterdir()}


def test_a_segment_that_could_not_be_named_is_removed(
    segment_writer, segment_store, put, texts, monkeypatch
):
    writer = segment_writer()
    put(document("1"))
    drain(writer)
    before = segment_folders(segment_store, writer)
    put(document("2"))
    with monkeypatch.context() as broken:
        broken.setattr(type(segment_store), "publish", failing("no flush"))
        for _ in range(3):
            with pytest.raises(OSError, match="no flush"):
                writer.advance(100)
    assert segment_folders(segment_store, writer) == before
    drain(writer)
    assert set(texts(writer.snapshot)) == {"1", "2"}


def test_vectors_are_written_before_others_are_waited_for_and_removed_where_that_fails(
    segment_writer, segment_store, put
):
    writer, folders = segment_writer(), []
    put(document("1"))

    def fail(_):
        folders.append(segment_folders(segment_store, writer))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        writer.advance(100, lead=fail)
    assert len(folders[0]) == 1
    assert segment_folders(segment_store, writer) == set()


def test_a_segment_that_was_named_before_the_flush_failed_stays(
    segment_writer, segment_store, put, monkeypatch
):
    writer = segment_writer()
    put(document("1"))
    publish = type(segment_store).publish

    def publish_and_fail(store, manifest):
        publish(store, manifest)
        raise OSError("no flush")

    with monkeypatch.context() as broken:
        broken.setattr(type(segment_store), "publish", publish_and_fail)
        with pytest.raises(OSError, match="no flush"):
            writer.advance(100)
    named = segment_store.read(writer.snapshot.manifest.id).segments
    assert {entry.id for entry in named} <= segment_folders(segment_store, writer)
    assert named


def test_opening_a_writer_removes_a_half_written_segment(segment_writer, segment_store):
    writer = segment_writer()
    folder = segment_store.segments_path(writer.snapshot.manifest.id)
    writing = publish_directory(folder / ("a" * 32))
    assert writing.__enter__().exists()
    writer.close()
    segment_writer(writer.snapshot.manifest.id)
    assert list(folder.iterdir()) == []


class Model:
    """A generation beside the dictionary that it must answer like."""

    def __init__(self, home, segment_writer):
        self.home, self.open_writer = home, segment_writer
        self.writer, self.truth = segment_writer(), {}

    def put(self, name, version):
        self.home.put(document(f"d{name}", f"d{name} v{version}"))
        self.truth[f"d{name}"] = f"d{name} v{version}"

    def delete(self, name):
        if self.truth.pop(f"d{name}", None):
            self.home.delete(f"d{name}")

    def advance(self, limit):
        self.writer.advance(limit)

    def merge(self):
        self.writer.merge_once()

    def reopen(self):
        self.writer.close()
        self.writer = self.open_writer(self.writer.snapshot.manifest.id)


steps = st.lists(
    st.one_of(
        st.tuples(st.just(Model.put), st.integers(0, 5), st.integers(0, 3)),
        st.tuples(st.just(Model.delete), st.integers(0, 5)),
        st.tuples(st.just(Model.advance), st.integers(1, 4)),
        st.tuples(st.just(Model.merge)),
        st.tuples(st.just(Model.reopen)),
    ),
    max_size=30,
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=steps)
def test_a_generation_answers_as_a_dictionary_would(home, segment_writer, monkeypatch, steps):
    monkeypatch.setattr("molt.index.segments.merge.FAN", 2)
    for stored in home.catalog.documents.page(home.collection, limit=100):
        home.delete(stored.document.id)
    model = Model(home, segment_writer)
    for step, *arguments in steps:
        step(model, *arguments)
    drain(model.writer)
    while model.writer.merge_once():
        pass
    expected = {name: (text, True) for name, text in model.truth.items()}
    assert home.texts(model.writer.snapshot) == expected
