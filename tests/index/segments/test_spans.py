"""Spans: where the rows of some documents lie."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from molt.index.segments.spans import find_spans


def spans(ordinals, wanted):
    return find_spans(np.array(ordinals, np.int64), np.array(wanted, np.int64))


def test_the_rows_of_a_document_are_found_and_what_is_not_there_is_left_out():
    found = spans([1, 1, 4, 6, 6, 6], [0, 1, 5, 6, 9])
    assert found.places.tolist() == [1, 3]
    assert (found.starts.tolist(), found.stops.tolist()) == ([0, 3], [2, 6])
    assert found.rows.tolist() == [0, 1, 3, 4, 5]


def test_nothing_is_found_where_nothing_is():
    assert len(spans([], [1, 2])) == len(spans([1, 2], [])) == 0
    assert spans([], [1]).rows.tolist() == []


numbers = st.lists(st.integers(0, 30), max_size=40).map(sorted)


@given(numbers, numbers.map(lambda found: sorted(set(found))))
def test_spans_are_what_looking_at_every_row_finds(ordinals, wanted):
    found = spans(ordinals, wanted)
    expected = [place for place, ordinal in enumerate(wanted) if ordinal in ordinals]
    assert found.places.tolist() == expected
    assert found.rows.tolist() == [
        row for place in expected for row, o in enumerate(ordinals) if o == wanted[place]
    ]
    assert found.lengths.tolist() == [ordinals.count(wanted[place]) for place in expected]
