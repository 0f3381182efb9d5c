"""Refreshing: a reader that lags behind a writer sees what opening the generation would show."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from molt.index.catalog.document import Document
from molt.index.generations.sealing import PassageEncoder
from molt.index.generations.snapshot import open_snapshot
from molt.index.passages.cutting import Span
from tests.index.generations.liveness_oracle import expected_rows


def halves(document):
    """Two passages for a long text, one for a short one."""
    text = document.text
    middle = len(text) // 2
    return [Span(0, len(text))] if len(text) < 12 else [Span(0, middle), Span(middle, len(text))]


class Reader:
    """Writes, seals and merges, and beside them a snapshot that is refreshed now and then."""

    def __init__(self, catalog, collection, store, writer):
        self.catalog, self.collection, self.store, self.writer = catalog, collection, store, writer
        self.snapshot = open_snapshot(store, writer.snapshot.manifest, self.word())
        self.seen = []

    def word(self, *, after=-1):
        return self.catalog.documents.liveness(self.collection, after=after)

    def put(self, name, version):
        """Even versions are long; a name that was deleted is added again."""
        text = f"d{name} v{version}" + ", and then some more" * (version % 2 == 0)
        self.catalog.documents.upsert(self.collection, [Document(id=f"d{name}", text=text)])

    def delete(self, name):
        page = self.catalog.documents.page(self.collection, limit=100)
        if any(stored.document.id == f"d{name}" for stored in page):
            self.catalog.documents.delete(self.collection, f"d{name}")

    def advance(self, limit):
        if self.writer.advance(limit):
            self.check(self.writer.snapshot)

    def merge(self):
        if self.writer.merge_once():
            self.check(self.writer.snapshot)

    def refresh(self):
        manifest = self.store.read(self.writer.snapshot.manifest.id)
        self.snapshot = self.snapshot.refreshed(manifest, self.word(after=self.snapshot.revision))
        self.check(self.snapshot)

    def check(self, snapshot):
        rows = [scope.segment.rows for scope in snapshot.scopes]
        revision = snapshot.manifest.revision
        expected = expected_rows(rows, self.word(), indexed_revision=revision)
        assert live(snapshot) == expected
        documents = [
            {row["ordinal"] for row in part[mask]}
            for part, mask in zip(rows, expected, strict=True)
        ]
        assert snapshot.n_documents == sum(map(len, documents)) == len(set().union(*documents))
        assert sum(scope.n_rows for scope in snapshot.scopes) == sum(map(sum, expected))
        self.seen.append((snapshot, expected))


def live(snapshot):
    return [
        [True] * len(one.segment) if one.mask is None else one.mask.tolist()
        for one in snapshot.scopes
    ]


steps = st.lists(
    st.one_of(
        st.tuples(st.just(Reader.put), st.integers(0, 4), st.integers(0, 5)),
        st.tuples(st.just(Reader.put), st.integers(0, 4), st.integers(0, 5)),
        st.tuples(st.just(Reader.delete), st.integers(0, 4)),
        st.tuples(st.just(Reader.advance), st.integers(1, 4)),
        st.tuples(st.just(Reader.merge)),
        st.tuples(st.just(Reader.refresh)),
    ),
    min_size=10,
    max_size=40,
)


@pytest.fixture
def new_reader(segment_catalog, segment_collection, segment_store, segment_encoder, segment_writer):
    """`new_reader()`: a reader of a new generation, of a collection without documents."""

    def make():
        documents = segment_catalog.documents
        for stored in documents.page(segment_collection, limit=100):
            documents.delete(segment_collection, stored.document.id)
        writer = segment_writer(encoder=PassageEncoder(segment_encoder, halves))
        return Reader(segment_catalog, segment_collection, segment_store, writer)

    return make


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=steps)
def test_what_a_lagging_reader_sees_is_what_every_row_looked_at_anew_gives(
    new_reader, monkeypatch, steps
):
    monkeypatch.setattr("molt.index.segments.merge.FAN", 2)
    reader = new_reader()
    for step, *arguments in steps:
        step(reader, *arguments)
    reader.refresh()
    for snapshot, expected in reader.seen:
        assert live(snapshot) == expected


def test_a_reader_that_is_handed_an_earlier_manifest_goes_back_to_it(new_reader):
    reader = new_reader()
    reader.put(0, 1)
    reader.advance(5)
    earlier = reader.writer.snapshot.manifest
    reader.put(0, 3)
    reader.advance(5)
    reader.refresh()
    back = reader.snapshot.refreshed(earlier, reader.word(after=reader.snapshot.revision))
    assert live(back) == [[True]]
    reader.check(back)
