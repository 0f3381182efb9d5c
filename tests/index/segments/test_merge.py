"""Merging: what is merged when, and that nothing live is lost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molt.index.segments.ann import MIN_ROWS
from molt.index.segments.attributes import attributes_of
from molt.index.segments.filters.filter import parse_filter
from molt.index.segments.merge import (
    FAN,
    MAX_ADDED,
    MAX_ROWS,
    merged_content,
    plan_at_rest,
    plan_compaction,
    plan_merge,
)
from molt.index.segments.scope import Scope, scope_of
from molt.index.segments.segment import SegmentContent, open_segment, write_segment


class Sized:
    """A segment of which only the number of rows is known."""

    def __init__(self, n_rows):
        self.n_rows = n_rows

    def __len__(self):
        return self.n_rows


def occupied(*pairs):
    return [Scope(Sized(n_rows), None, n_live, n_live) for n_rows, n_live in pairs]


def test_few_segments_are_left_alone():
    assert plan_merge(occupied(*[(10, 10)] * (FAN - 1))) == ()


def test_as_many_small_segments_as_the_fan_become_one():
    assert plan_merge(occupied((50_000, 50_000), *[(10, 10)] * FAN)) == tuple(range(1, FAN + 1))


def test_segments_of_different_tiers_are_not_mixed():
    assert plan_merge(occupied(*[(10, 10)] * (FAN - 1), *[(2_000, 2_000)] * (FAN - 1))) == ()


def test_the_smallest_segments_of_a_tier_go_first():
    sizes = [900, 800, 700, 600, 500, 400, 300, 200, 100, 50]
    chosen = plan_merge(occupied(*[(size, size) for size in sizes]))
    assert sorted(chosen) == list(range(10 - FAN, 10))


def test_a_segment_that_is_mostly_dead_is_rewritten_alone():
    assert plan_merge(occupied((100, 100), (1_000, 499), (10, 10))) == (1,)
    assert plan_merge(occupied((100, 100), (1_000, 500))) == ()
    assert plan_merge(occupied((5, 0))) == (0,)


def test_no_merge_grows_beyond_the_limit():
    third = MAX_ROWS // 3
    assert len(plan_merge(occupied((2 * third, 2 * third), (third + 2, third + 2)))) == 0
    assert len(plan_merge(occupied((2 * third, 2 * third), (third, third)))) == 2
    assert plan_merge(occupied(*[(MAX_ROWS, MAX_ROWS)] * FAN)) == ()


def test_segments_without_a_graph_become_one_with_a_graph_when_they_are_large_enough():
    few = [(5_000, 5_000)] * 3
    assert plan_merge(occupied(*few, (MIN_ROWS - 15_001, MIN_ROWS - 15_001))) == ()
    assert set(plan_merge(occupied(*few, (5_000, 5_000)))) == {0, 1, 2, 3}


def test_what_waits_is_folded_into_the_graph_when_it_is_half_of_it_and_at_rest_sooner():
    waiting = occupied((40_000, 40_000), (4_000, 4_000), (3_000, 3_000))
    assert plan_merge(waiting) == ()
    assert set(plan_at_rest(waiting)) == {0, 1, 2}
    assert set(plan_merge(occupied((40_000, 40_000), *[(10_000, 10_000)] * 2))) == {0, 1, 2}


def test_no_second_graph_is_made_while_the_first_one_has_room():
    waiting = [(6_000, 6_000)] * 4
    assert plan_merge(occupied((60_000, 60_000), *waiting)) == ()
    full = MAX_ROWS - 1
    assert set(plan_merge(occupied((full, full), *waiting))) == {1, 2, 3, 4}


def test_what_is_merged_beside_a_graph_gets_none_of_its_own():
    assert len(plan_merge(occupied((300_000, 300_000), *[(4_000, 4_000)] * FAN))) == 4


def test_a_few_rows_wait_even_at_rest():
    assert plan_at_rest(occupied((40_000, 40_000), (900, 900), (300, 300))) == ()


def test_a_graph_takes_only_so_many_rows_at_once():
    large = MAX_ADDED // 2
    chosen = plan_merge(occupied((500_000, 500_000), *[(large, large)] * 5))
    assert chosen == (0, 1, 2)


def test_after_an_import_one_segment_holds_nearly_all():
    sizes = [1_024] * 53 + [395]
    while chosen := plan_at_rest(occupied(*[(size, size) for size in sizes])):
        merged = sum(sizes[place] for place in chosen)
        sizes = [size for place, size in enumerate(sizes) if place not in chosen] + [merged]
    assert sizes == [54_667]


def merge_until_done(sizes):
    """Sizes after every planned merge, and how many rows were written for it."""
    written = 0
    while chosen := plan_merge(occupied(*[(size, size) for size in sizes])):
        merged = sum(sizes[place] for place in chosen)
        written += merged
        sizes = [size for place, size in enumerate(sizes) if place not in chosen] + [merged]
    return sizes, written


def test_a_stream_of_small_segments_stays_few_and_cheap():
    sizes, written = [], 0
    for _ in range(300):
        sizes, more = merge_until_done([*sizes, 250])
        written += more
    assert sum(sizes) == 75_000
    assert len(sizes) <= 3 * (FAN - 1)
    assert written <= 4 * 75_000


@pytest.fixture
def segments(tmp_path, segment_vectors, segment_rows):
    """Three segments whose documents interleave; the second has passages."""

    def write(ordinals, numbers, *, seed):
        rows = segment_rows(ordinals)
        content = SegmentContent(
            rows=rows,
            blocks=[segment_vectors(len(ordinals), seed=seed)],
            dimension=16,
            attributes=attributes_of(
                [{"n": number} for number in numbers], rows=np.flatnonzero(rows["passage"] == 0)
            ),
        )
        entry = write_segment(tmp_path, content)
        return open_segment(tmp_path / entry.id, entry, dimension=16)

    return [
        write([1, 4, 8], [1, 4, 8], seed=1),
        write([2, 2, 2, 9], [2, 9], seed=2),
        write([0, 3], [0, 3], seed=3),
    ]


def merged(tmp_path, scopes):
    entry = write_segment(tmp_path, merged_content(scopes))
    return open_segment(tmp_path / entry.id, entry, dimension=16)


MASKS = ([True, False, True], [True, True, True, False], [True, True])


def test_a_merged_segment_holds_the_live_rows_by_ordinal(tmp_path, segments):
    scopes = [scope_of(one, np.array(m)) for one, m in zip(segments, MASKS, strict=True)]
    result = merged(tmp_path, scopes)
    assert result.ordinals.tolist() == [0, 1, 2, 2, 2, 3, 8]
    assert result.rows["passage"].tolist() == [0, 0, 0, 1, 2, 0, 0]


def test_every_row_keeps_its_vector_and_hash(tmp_path, segments):
    scopes = [scope_of(one, np.array(m)) for one, m in zip(segments, MASKS, strict=True)]
    result = merged(tmp_path, scopes)
    kept = {
        row.tobytes(): vector.tobytes()
        for scope in scopes
        for row, vector in zip(
            scope.segment.rows[scope.rows], scope.segment.vectors[scope.rows], strict=True
        )
    }
    pairs = zip(result.rows, result.vectors, strict=True)
    assert {row.tobytes(): vector.tobytes() for row, vector in pairs} == kept


def test_every_document_keeps_its_metadata(tmp_path, segments):
    result = merged(tmp_path, [scope_of(one, np.ones(len(one), bool)) for one in segments])
    for ordinal in (0, 1, 2, 3, 4, 8, 9):
        mask = result.matching(parse_filter({"field": "n", "eq": ordinal}))
        assert set(result.ordinals[mask]) == {ordinal}


def test_merging_only_dead_rows_leaves_nothing(segments):
    assert merged_content([scope_of(one, np.zeros(len(one), bool)) for one in segments]) is None


@given(st.lists(st.tuples(st.integers(0, 300_000), st.floats(0, 1)), max_size=40))
def test_a_plan_names_each_segment_once_and_stays_within_the_limit(sizes):
    scopes = occupied(*[(n_rows, int(n_rows * share)) for n_rows, share in sizes])
    chosen = plan_merge(scopes)
    assert len(set(chosen)) == len(chosen)
    assert len(chosen) <= 1 or sum(scopes[place].n_rows for place in chosen) <= MAX_ROWS


def compact(sizes):
    """The `(rows, live rows)` of the segments that are left when nothing is to be compacted."""
    sizes = list(sizes)
    while chosen := plan_compaction(occupied(*sizes)):
        live = sum(sizes[place][1] for place in chosen)
        sizes = [size for place, size in enumerate(sizes) if place not in chosen]
        sizes += [(live, live)] * (live > 0)
    return sizes


@given(
    st.lists(st.integers(1, MAX_ROWS).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
)
def test_compacting_leaves_no_dead_row_and_no_two_segments_that_fit_into_one(sizes):
    left = compact(sizes)
    assert sum(live for _, live in left) == sum(live for _, live in sizes)
    assert all(rows == live <= MAX_ROWS for rows, live in left)
    smallest = sorted(live for _, live in left)[:2]
    assert len(left) < 2 or sum(smallest) > MAX_ROWS


def test_what_is_compact_is_left_alone():
    assert plan_compaction(occupied((500, 500))) == ()
    assert plan_compaction(occupied((MAX_ROWS, MAX_ROWS), (1, 1))) == ()
    assert plan_compaction(()) == ()
