"""Filters over a generation: across segments, after merges and after reopening."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from molt.index.catalog.document import Document
from molt.index.errors import FilterError
from molt.index.generations.sealing import PassageEncoder
from molt.index.generations.snapshot import open_snapshot
from molt.index.generations.writer import GenerationWriter
from molt.index.segments.filters.filter import parse_filter
from tests.index.segment_fixtures import unit_vectors
from tests.index.segments.filters.filter_oracle import documents, filters, oracle

QUERY = unit_vectors(1)[0]
IDS = [f"d{number}" for number in range(12)]


def found(snapshot, held, where):
    """The ids of what is found; None where the filter asks for what nobody has."""
    try:
        hits = snapshot.search(QUERY, k=100, where=parse_filter(where)).hits
    except FilterError:
        return None
    return {held[hit.ordinal] for hit in hits}


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.dictionaries(st.sampled_from(IDS), documents, min_size=1), min_size=2, max_size=4),
    st.lists(filters, min_size=8, max_size=8),
)
def test_every_document_that_qualifies_is_found_across_segments_merges_and_reopening(
    segment_catalog, segment_store, segment_encoder, batches, wheres
):
    catalog, store = segment_catalog.documents, segment_store
    collection = segment_catalog.collections.create(f"c{len(store.ids())}")
    made = store.create(collection=collection.id, checkpoint="c" * 16, dimension=16).id
    writer = GenerationWriter(
        store,
        made,
        catalog=segment_catalog,
        collection=collection,
        encoder=PassageEncoder(segment_encoder),
    )
    expected = {}
    for batch in batches:
        expected |= batch
        changed = [Document(name, name, metadata=held) for name, held in batch.items()]
        catalog.upsert(collection, changed)
        writer.advance(100)
    held = {one.ordinal: one.document.id for one in catalog.page(collection, limit=100)}
    snapshots = [writer.snapshot]
    while writer.merge_once():
        snapshots.append(writer.snapshot)
    writer.close()
    snapshots.append(open_snapshot(store, store.read(made), catalog.liveness(collection)))
    for where in wheres:
        qualifies = {name for name, metadata in expected.items() if oracle(where, metadata)}
        for snapshot in snapshots:
            assert found(snapshot, held, where) in (None, qualifies)
            ids = sorted(expected)[::2]
            both = {"all": [where, {"field": "id", "in": ids}]}
            assert found(snapshot, held, both) in (None, qualifies & {*ids})
