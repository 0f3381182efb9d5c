"""What every store's writable generation keeps to: ours, and one in memory."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from molt.index.catalog.releases import Reason
from molt.index.errors import GenerationBusyError, GenerationError, VectorError
from molt.index.generations.flip import flip
from molt.index.generations.protocols import WritableGeneration
from molt.index.generations.sealing import PassageEncoder
from molt.index.segments.exact import Vectors
from tests.contract.generations import DIMENSION, Backend, Encoder, drain, vector


@pytest.fixture
def writer(backend: Backend) -> WritableGeneration:
    """The writer of an empty generation."""
    return backend.writer(backend.create())


def test_who_leads_is_called_before_what_is_reached_is_published(backend: Backend) -> None:
    backend.put(a="one", b="two")
    writer = backend.writer(backend.create())
    seen: list[tuple[int, int]] = []
    writer.advance(1, lead=lambda revision: seen.append((revision, _published(backend, writer))))
    writer.advance(9, lead=lambda revision: seen.append((revision, _published(backend, writer))))
    assert seen == [(1, 0), (2, 1)]


def _published(backend: Backend, writer: WritableGeneration) -> int:
    return backend.open(writer.snapshot.manifest.id).manifest.revision


def test_what_was_written_is_found_by_the_writer_and_by_whoever_opens_it(
    backend: Backend, writer: WritableGeneration
) -> None:
    backend.put(a="one", b="two")
    assert writer.advance(100) is True
    assert writer.advance(100) is False
    assert backend.found(writer.snapshot) == {"a": "one", "b": "two"}
    assert backend.found(backend.open(writer.snapshot.manifest.id)) == {"a": "one", "b": "two"}


def test_the_oldest_changes_are_indexed_first_and_the_revision_follows(
    backend: Backend, writer: WritableGeneration
) -> None:
    backend.put(**{f"d{n}": f"text {n}" for n in range(5)})
    writer.advance(2)
    assert backend.found(writer.snapshot) == {"d0": "text 0", "d1": "text 1"}
    assert writer.snapshot.manifest.revision == 2
    drain(writer, limit=2)
    assert writer.snapshot.manifest.revision == 5
    assert backend.read(writer.snapshot.manifest.id) == writer.snapshot.manifest


def test_the_revision_follows_deletes_too(backend: Backend, writer: WritableGeneration) -> None:
    backend.put(a="one", b="two")
    drain(writer)
    backend.delete("a")
    assert writer.advance(100) is True
    assert writer.snapshot.manifest.revision == 3
    assert backend.found(writer.snapshot) == {"b": "two"}


def test_it_knows_how_far_it_is_behind(backend: Backend, writer: WritableGeneration) -> None:
    assert writer.behind == 0
    backend.put(a="one", b="two", c="three")
    assert writer.behind == 3
    writer.advance(2)
    assert writer.behind == 1
    drain(writer)
    backend.delete("a")
    assert writer.behind == 1
    drain(writer)
    assert writer.behind == 0


def test_what_was_taken_of_it_before_stays_as_it_was(
    backend: Backend, writer: WritableGeneration
) -> None:
    backend.put(a="one", b="two")
    drain(writer)
    before = writer.snapshot
    backend.put(a="another", c="three")
    backend.delete("b")
    drain(writer)
    while writer.merge_once():
        pass
    assert backend.found(writer.snapshot) == {"a": "another", "c": "three"}
    assert before.n_documents == len(before.search(vector("any"), k=9).hits) == 2


def test_tidying_up_changes_no_answer_and_comes_to_an_end(
    backend: Backend, writer: WritableGeneration
) -> None:
    for n in range(10):
        backend.put(**{f"d{n}": f"text {n}", "changing": f"version {n}"})
        drain(writer)
    backend.delete("d3")
    drain(writer)
    before, revision = backend.found(writer.snapshot), writer.snapshot.manifest.revision
    assert writer.merge_once() is True
    for _ in range(20):
        assert backend.found(writer.snapshot) == before
        if not writer.merge_once():
            break
    else:
        pytest.fail("there is always something to tidy up")
    assert writer.snapshot.manifest.revision == revision


def test_a_known_text_is_not_encoded_again(backend: Backend, writer: WritableGeneration) -> None:
    backend.put(a="one", b="one", c="two")
    drain(writer)
    backend.put(a="two", d="one", e="three")
    drain(writer)
    assert backend.encoder.texts == ["one", "two", "three"]


def test_vectors_are_borrowed_from_another_generation(
    backend: Backend, writer: WritableGeneration
) -> None:
    backend.put(a="one", b="two")
    drain(writer)
    other = backend.writer(backend.create())
    other.borrow_from(writer.snapshot.manifest.id)
    backend.put(c="three")
    drain(other)
    assert backend.encoder.texts == ["one", "two", "three"]
    assert backend.found(other.snapshot) == {"a": "one", "b": "two", "c": "three"}


def test_vectors_of_another_checkpoint_are_not_borrowed(
    backend: Backend, writer: WritableGeneration
) -> None:
    with pytest.raises(GenerationError):
        writer.borrow_from(backend.create(checkpoint="d" * 16))


def test_vectors_that_cannot_be_searched_are_refused(backend: Backend) -> None:
    backend.passages = PassageEncoder(
        lambda texts: np.full((len(texts), DIMENSION), np.nan, np.float32)
    )
    backend.put(a="one")
    writer = backend.writer(backend.create())
    with pytest.raises(VectorError):
        writer.advance(100)
    assert writer.snapshot.manifest.revision == 0


def test_a_document_that_cannot_be_encoded_keeps_no_other_out(backend: Backend) -> None:
    backend.passages = PassageEncoder(refusing(backend.encoder), backend.encoder.split)
    backend.put(a="one", b="BAD", c="two;BAD;three", d="four")
    writer = backend.writer(backend.create())
    drain(writer)
    assert backend.found(writer.snapshot) == {"a": "one", "d": "four"}
    made = backend.read(writer.snapshot.manifest.id)
    assert made.revision == 4
    assert [(one.doc_id, one.ordinal, one.revision) for one in made.quarantined] == [
        ("b", 1, 2),
        ("c", 2, 3),
    ]
    assert "BAD" not in str(made.quarantined)


def test_a_document_in_quarantine_is_tried_again_when_it_is_changed(backend: Backend) -> None:
    backend.passages = PassageEncoder(refusing(backend.encoder), backend.encoder.split)
    backend.put(a="BAD", b="BAD", c="BAD", d="one")
    writer = backend.writer(backend.create())
    drain(writer)
    backend.put(a="good", b="still BAD", e="two")
    backend.delete("c")
    drain(writer)
    assert backend.found(writer.snapshot) == {"a": "good", "d": "one", "e": "two"}
    held = writer.snapshot.manifest.quarantined
    assert [(one.doc_id, one.revision) for one in held] == [("b", 6)]


def test_a_former_text_does_not_answer_for_one_in_quarantine(backend: Backend) -> None:
    backend.passages = PassageEncoder(refusing(backend.encoder), backend.encoder.split)
    backend.put(a="good", b="one")
    writer = backend.writer(backend.create())
    drain(writer)
    backend.put(a="BAD")
    drain(writer)
    assert backend.found(writer.snapshot) == {"b": "one"}
    assert backend.found(backend.open(writer.snapshot.manifest.id)) == {"b": "one"}


def test_documents_stay_in_quarantine_while_a_generation_is_tidied_up(backend: Backend) -> None:
    backend.passages = PassageEncoder(refusing(backend.encoder), backend.encoder.split)
    writer = backend.writer(backend.create())
    for n in range(8):
        backend.put(bad="BAD", a=f"version {n}")
        drain(writer)
    while writer.merge_once():
        pass
    assert [one.doc_id for one in writer.snapshot.manifest.quarantined] == ["bad"]
    assert backend.found(writer.snapshot) == {"a": "version 7"}


def test_an_encoder_that_encodes_nothing_quarantines_nothing(backend: Backend) -> None:
    def closed(texts: Sequence[str]) -> Vectors:
        raise GenerationError("the encoder was closed")

    backend.passages = PassageEncoder(closed)
    backend.put(a="one", b="two")
    writer = backend.writer(backend.create())
    with pytest.raises(GenerationError, match="closed"):
        writer.advance(100)
    assert (writer.snapshot.manifest.revision, writer.snapshot.manifest.quarantined) == (0, ())


def test_a_full_disk_quarantines_nothing(backend: Backend) -> None:
    def full(texts: Sequence[str]) -> Vectors:
        if "BAD" in texts:
            raise OSError(28, "No space left on device")
        return backend.encoder(texts)

    backend.passages = PassageEncoder(full)
    backend.put(a="one", b="BAD")
    writer = backend.writer(backend.create())
    with pytest.raises(OSError, match="No space left"):
        writer.advance(100)
    assert (writer.snapshot.manifest.revision, writer.snapshot.manifest.quarantined) == (0, ())


def refusing(encoder: Encoder) -> Callable[[Sequence[str]], Vectors]:
    """An encoder that fails at any text with BAD in it."""

    def embed(texts: Sequence[str]) -> Vectors:
        for text in texts:
            if "BAD" in text:
                raise ValueError(f"cannot read {text}")
        return encoder(texts)

    return embed


def test_a_generation_has_one_writer_at_a_time(
    backend: Backend, writer: WritableGeneration
) -> None:
    generation = writer.snapshot.manifest.id
    with pytest.raises(GenerationBusyError):
        backend.writer(generation)
    backend.put(a="one")
    drain(writer)
    writer.close()
    again = backend.writer(generation)
    backend.put(b="two")
    drain(again)
    assert backend.found(again.snapshot) == {"a": "one", "b": "two"}
    assert backend.encoder.texts == ["one", "two"]


def test_a_closed_writer_writes_nothing(backend: Backend, writer: WritableGeneration) -> None:
    for n in range(8):
        backend.put(a=f"version {n}")
        drain(writer)
    backend.put(late="one")
    writer.close()
    writer.close()
    with pytest.raises(GenerationError):
        writer.advance(100)
    assert writer.merge_once() is False
    assert backend.found(backend.open(writer.snapshot.manifest.id)) == {"a": "version 7"}


def test_closing_twice_takes_the_generation_from_nobody(
    backend: Backend, writer: WritableGeneration
) -> None:
    writer.close()
    other = backend.writer(writer.snapshot.manifest.id)
    writer.close()
    with pytest.raises(GenerationBusyError):
        backend.writer(writer.snapshot.manifest.id)
    other.close()


def test_a_pointer_moves_to_it_once_it_is_complete(
    backend: Backend, writer: WritableGeneration
) -> None:
    backend.put(**{f"d{n}": f"text {n}" for n in range(100)})
    backend.delete("d5")
    moved = flip(backend.catalog, writer, "shop", reason=Reason())
    assert moved.generation == writer.snapshot.manifest.id
    assert backend.open(writer.snapshot.manifest.id).n_documents == 99
    assert writer.snapshot.manifest.revision == moved.revision == 101
    with pytest.raises(GenerationError):
        writer.advance(1)


class Written:
    """A generation beside the dictionary that it must answer like."""

    def __init__(self, backend: Backend) -> None:
        for stored in backend.catalog.documents.page(backend.collection, limit=100):
            backend.delete(stored.document.id)
        backend.encoder.texts.clear()
        self.backend, self.truth = backend, {}
        self.generation = backend.create()
        self.writer = backend.writer(self.generation)
        self.reader = backend.open(self.generation)

    def put(self, name: int, version: int) -> None:
        text = f"{name} v{version}" + f";{name} second" * (version % 2)
        self.backend.put(**{f"d{name}": text})
        self.truth[f"d{name}"] = f"{name} v{version}"

    def delete(self, name: int) -> None:
        if self.truth.pop(f"d{name}", None):
            self.backend.delete(f"d{name}")

    def advance(self, limit: int) -> None:
        self.writer.advance(limit)

    def merge(self) -> None:
        self.writer.merge_once()

    def reopen(self) -> None:
        self.writer.close()
        self.writer = self.backend.writer(self.generation)

    def refresh(self) -> None:
        self.reader = self.backend.refreshed(self.reader)
        found = self.reader.search(vector("any"), k=100)
        assert len(found.hits) == found.total == self.reader.n_documents


steps = st.lists(
    st.one_of(
        st.tuples(st.just(Written.put), st.integers(0, 5), st.integers(0, 3)),
        st.tuples(st.just(Written.delete), st.integers(0, 5)),
        st.tuples(st.just(Written.advance), st.integers(1, 4)),
        st.tuples(st.just(Written.merge)),
        st.tuples(st.just(Written.reopen)),
        st.tuples(st.just(Written.refresh)),
    ),
    min_size=5,
    max_size=30,
)


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=steps)
def test_a_generation_answers_as_a_dictionary_would(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, steps: list
) -> None:
    monkeypatch.setattr("molt.index.segments.merge.FAN", 2)
    written = Written(backend)
    for step, *arguments in steps:
        step(written, *arguments)
    drain(written.writer)
    written.refresh()
    assert backend.found(written.reader) == written.truth
    written.writer.close()
