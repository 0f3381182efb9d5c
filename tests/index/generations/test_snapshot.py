"""Snapshots: one search over many segments, and what of them is live."""

import gc
import weakref
from dataclasses import replace
from operator import is_

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from molt.artifact import CorruptFileError
from molt.index.catalog.rows.liveness import Liveness
from molt.index.errors import (
    FilterError,
    GenerationAheadError,
    GenerationError,
    UnknownFieldError,
    VectorError,
)
from molt.index.generations.generation import GenerationStore
from molt.index.generations.snapshot import open_snapshot
from molt.index.segments.attributes import attributes_of
from molt.index.segments.filters.filter import parse_filter
from molt.index.segments.matches.parsing import parse_facets
from molt.index.segments.segment import SegmentContent, write_segment
from tests.index.segment_fixtures import make_rows, unit_vectors


def everything_lives(n, *, revision=1):
    return Liveness(np.arange(n), np.full(n, revision, np.int64), np.empty(0, np.int64), revision)


def build(store, segments, *, graph_from=20_000):
    """A generation whose segments hold `(ordinals, vectors)`; document n has metadata `n`."""
    manifest = store.create(collection=1, checkpoint="c" * 16, dimension=16)
    entries = []
    for ordinals, vectors in segments:
        rows = make_rows(ordinals, revisions=[1] * len(ordinals))
        firsts = np.flatnonzero(rows["passage"] == 0)
        metadata = [{"n": int(rows["ordinal"][row])} for row in firsts]
        content = SegmentContent(rows, [vectors], 16, attributes_of(metadata, rows=firsts))
        folder = store.segments_path(manifest.id)
        entries.append(write_segment(folder, content, graph_from=graph_from))
    manifest = replace(manifest, revision=1, segments=tuple(entries))
    store.publish(manifest)
    return manifest


@pytest.fixture
def vectors():
    """`(60, 16) float32`: one for each document."""
    return unit_vectors(60)


@pytest.fixture
def snapshot(segment_store, vectors):
    """Sixty documents in three segments, one passage each."""
    thirds = [(range(start, start + 20), vectors[start : start + 20]) for start in (40, 0, 20)]
    return open_snapshot(segment_store, build(segment_store, thirds), everything_lives(60))


def ordinals(found):
    return [hit.ordinal for hit in found.hits]


def test_the_best_documents_of_all_segments_come_in_order(snapshot, vectors):
    query = unit_vectors(1, seed=1)[0]
    found = snapshot.search(query, k=10)
    assert ordinals(found) == np.argsort(-(vectors @ query))[:10].tolist()
    assert [hit.score for hit in found.hits] == pytest.approx(sorted(vectors @ query)[:-11:-1])


def test_the_total_counts_all_live_documents(snapshot):
    found = snapshot.search(unit_vectors(1)[0], k=3)
    assert (found.total, found.exact, snapshot.n_documents) == (60, True, 60)


def test_the_pages_of_a_ranking_join_up(snapshot):
    query = unit_vectors(1, seed=1)[0]
    whole = ordinals(snapshot.search(query, k=10_000))
    assert len(whole) == 60
    for k in (0, 1, 7, 59):
        assert ordinals(snapshot.search(query, k=k)) == whole[:k]


def test_equal_scores_are_ordered_by_ordinal(segment_store):
    same = np.repeat(unit_vectors(1), 10, axis=0)
    manifest = build(segment_store, [([1, 3, 5, 7, 9], same[:5]), ([0, 2, 4, 6, 8], same[:5])])
    snapshot = open_snapshot(segment_store, manifest, everything_lives(10))
    for k in (1, 4, 10):
        assert ordinals(snapshot.search(same[0], k=k)) == list(range(k))


def test_an_equal_score_that_was_not_looked_at_yet_keeps_its_place(segment_store):
    same = np.repeat(unit_vectors(1), 4, axis=0)
    manifest = build(segment_store, [([5, 5, 9], same[:3]), ([10], same[:1])])
    snapshot = open_snapshot(segment_store, manifest, everything_lives(11))
    assert ordinals(snapshot.search(same[0], k=2)) == [5, 9]


def test_a_filter_keeps_matching_documents_and_counts_them(snapshot, vectors):
    query = unit_vectors(1, seed=1)[0]
    found = snapshot.search(query, k=5, where=parse_filter({"field": "n", "gte": 15, "lt": 45}))
    assert ordinals(found) == (15 + np.argsort(-(vectors[15:45] @ query))[:5]).tolist()
    assert (found.total, found.exact) == (30, True)


def test_a_filter_that_nothing_matches_finds_nothing(snapshot):
    found = snapshot.search(unit_vectors(1)[0], k=5, where=parse_filter({"field": "n", "eq": -1}))
    assert (found.hits, found.total) == ([], 0)


def test_an_unknown_field_and_an_impossible_range_are_refused(snapshot):
    query = unit_vectors(1)[0]
    with pytest.raises(UnknownFieldError, match="'m'"):
        snapshot.search(query, k=5, where=parse_filter({"field": "m", "eq": 1}))
    with pytest.raises(FilterError, match="holds numbers, not text"):
        snapshot.search(query, k=5, where=parse_filter({"field": "n", "lt": "a"}))


@pytest.mark.parametrize("k", [3, 60])
def test_a_least_score_cuts_the_ranking_and_the_total(snapshot, vectors, k):
    query = unit_vectors(1, seed=1)[0]
    scores = np.sort(vectors @ query)[::-1]
    found = snapshot.search(query, k=k, min_score=float(scores[11:13].mean()))
    assert (len(found.hits), found.total, found.exact) == (min(k, 12), 12, True)


def test_a_least_score_that_nothing_reaches_finds_nothing(snapshot):
    found = snapshot.search(unit_vectors(1)[0], k=3, min_score=1.5)
    assert (found.hits, found.total, found.exact) == ([], 0, True)


def test_a_total_above_a_least_score_is_a_lower_bound_where_a_graph_answered(segment_store):
    vectors = unit_vectors(9_000)
    manifest = build(segment_store, [(range(9_000), vectors)], graph_from=1)
    snapshot = open_snapshot(segment_store, manifest, everything_lives(9_000))
    found = snapshot.search(vectors[0], k=5, min_score=-1.0)
    assert (len(found.hits), found.total, found.exact) == (5, 5, False)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (np.full(16, np.nan, np.float32), "not a finite number"),
        (np.ones(8, np.float32), r"vectors \(16,\), the query is \(8,\)"),
        (np.ones((1, 16), np.float32), r"the query is \(1, 16\)"),
    ],
)
def test_a_query_that_cannot_be_compared_is_refused(snapshot, query, reason):
    with pytest.raises(VectorError, match=reason):
        snapshot.search(query, k=5)


def test_a_generation_without_rows_answers_with_nothing(segment_store):
    snapshot = open_snapshot(segment_store, build(segment_store, []), everything_lives(0))
    where = parse_filter({"field": "any", "eq": 1})
    for arguments in ({}, {"where": where}, {"min_score": 0.0}):
        found = snapshot.search(unit_vectors(1)[0], k=5, **arguments)
        assert (found.hits, found.total, found.exact) == ([], 0, True)


def test_a_liveness_older_than_the_manifest_is_refused(segment_store, vectors):
    manifest = build(segment_store, [(range(60), vectors)])
    with pytest.raises(GenerationAheadError, match="put back to an earlier state"):
        open_snapshot(segment_store, manifest, everything_lives(60, revision=0))


def test_a_deleted_document_is_gone_from_the_refreshed_snapshot_only(snapshot, vectors):
    gone = Liveness(np.empty(0, np.int64), np.empty(0, np.int64), np.array([30]), 2)
    later = snapshot.refreshed(snapshot.manifest, gone)
    assert ordinals(snapshot.search(vectors[30], k=1)) == [30]
    assert ordinals(later.search(vectors[30], k=60)).count(30) == 0
    assert (later.n_documents, later.revision) == (59, 2)


def test_refreshing_shares_segments_that_stayed_and_opens_new_ones(
    segment_store, snapshot, vectors
):
    grown = build(segment_store, [([60], vectors[:1])])
    added = segment_store.segments_path(grown.id) / grown.segments[0].id
    added.rename(segment_store.segments_path(snapshot.manifest.id) / added.name)
    manifest = replace(
        snapshot.manifest, segments=(snapshot.manifest.segments[1], grown.segments[0])
    )
    later = snapshot.refreshed(manifest, everything_lives(61))
    assert later.scopes[0].segment is snapshot.scopes[1].segment
    assert len(later.scopes[1].segment) == 1


def test_a_snapshot_does_not_become_one_of_another_generation(segment_store, snapshot):
    other = segment_store.create(collection=1, checkpoint="c" * 16, dimension=16)
    with pytest.raises(GenerationError, match="cannot become one of"):
        snapshot.refreshed(other, everything_lives(60))


def test_a_damaged_segment_is_not_opened(segment_store, vectors):
    manifest = build(segment_store, [(range(60), vectors)])
    file = segment_store.segments_path(manifest.id) / manifest.segments[0].id / "rows.npy"
    file.write_bytes(file.read_bytes()[:-1] + b"\xff")
    with pytest.raises(CorruptFileError, match=r"rows\.npy"):
        open_snapshot(segment_store, manifest, everything_lives(60))


@st.composite
def generations(draw):
    """Segments of documents with passages, small integer vectors (exact scores, many ties)."""
    n_documents = draw(st.integers(1, 25))
    lengths = draw(st.lists(st.integers(1, 4), min_size=n_documents, max_size=n_documents))
    home = draw(st.lists(st.integers(0, 2), min_size=n_documents, max_size=n_documents))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    segments = []
    for segment in range(3):
        mine = [o for o in range(n_documents) if home[o] == segment]
        owners = [o for o in mine for _ in range(lengths[o])]
        if owners:
            segments.append((owners, rng.integers(-2, 3, (len(owners), 16)).astype(np.float32)))
    dead = draw(st.sets(st.integers(0, n_documents - 1)))
    return n_documents, segments, dead, rng.integers(-1, 2, 16).astype(np.float32)


@settings(max_examples=60)
@given(generation=generations(), k=st.integers(1, 30), least=st.integers(-5, 8) | st.none())
def test_a_search_agrees_with_scoring_every_passage(tmp_path_factory, generation, k, least):
    n_documents, segments, dead, query = generation
    store = GenerationStore(tmp_path_factory.mktemp("store"))
    alive = [o for o in range(n_documents) if o not in dead]
    word = Liveness(np.array(alive, np.int64), np.ones(len(alive), np.int64), np.array([], int), 1)
    best = {}
    for owners, vectors in segments:
        for place, (owner, score) in enumerate(
            zip(owners, (vectors @ query).tolist(), strict=True)
        ):
            if owner not in dead and (owner not in best or score > best[owner][0]):
                best[owner] = (score, place - owners.index(owner))
    reaching = {o: b for o, b in best.items() if least is None or b[0] >= least}
    expected = sorted((-score, o, passage) for o, (score, passage) in reaching.items())[:k]
    found = open_snapshot(store, build(store, segments), word).search(
        query, k=k, min_score=None if least is None else float(least)
    )
    assert [(-hit.score, hit.ordinal, hit.passage) for hit in found.hits] == expected
    assert (found.total, found.exact) == (len(reaching), True)


def test_a_filter_is_matched_once_for_every_stage_that_asks(snapshot) -> None:
    where = {"field": "n", "lt": 7}
    first, again = (snapshot.visible(parse_filter(where)) for _ in range(2))
    assert all(map(is_, first.scopes, again.scopes))
    assert snapshot.match(where=parse_filter(where)) is snapshot.match(where=parse_filter(where))


def test_what_was_matched_keeps_no_snapshot_from_going(segment_store, vectors) -> None:
    manifest = build(segment_store, [(range(20), vectors[:20])])
    snapshot = open_snapshot(segment_store, manifest, everything_lives(20))
    snapshot.match().count(parse_facets(["n"]))
    gone = weakref.ref(snapshot)
    gc.disable()
    try:
        del snapshot
        assert gone() is None
    finally:
        gc.enable()
