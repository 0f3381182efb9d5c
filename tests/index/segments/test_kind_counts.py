"""Kind counts: how many documents hold which kinds, and what a filter does not compare."""

import numpy as np
import pytest

from molt.index.segments.attributes import attributes_of
from molt.index.segments.filters.filter import parse_filter
from molt.index.segments.kind_counts import MAX_FIELDS_COUNTED, count_fields, kind_warnings
from molt.index.segments.scope import scope_of
from molt.index.segments.segment import SegmentContent, open_segment, write_segment
from tests.index.segment_fixtures import make_rows, unit_vectors

DOCUMENTS = [
    {"price": 10, "at": "2024-03-01", "parts": [{"n": 1}], "tags": ["a", "b"]},
    {"price": "12.5", "at": "soon", "parts": None, "tags": ["b", 7]},
    {"price": ["n/a", "on request"], "at": "2024-03-01T10:00:00Z", "sold": True},
    {"price": "n/a", "id": "own"},
]


@pytest.fixture
def scopes(tmp_path):
    """Two segments of two documents each; the last document is dead."""

    def scope(documents, mask):
        rows = make_rows(range(len(documents)))
        content = SegmentContent(
            rows, [unit_vectors(len(rows))], 16, attributes_of(documents, ids=["x", "y"])
        )
        entry = write_segment(tmp_path, content)
        segment = open_segment(tmp_path / entry.id, entry, dimension=16)
        return scope_of(segment, np.array(mask))

    return [scope(DOCUMENTS[:2], [True, True]), scope(DOCUMENTS[2:], [True, False])]


def test_live_documents_are_counted_by_the_kinds_of_their_values(scopes):
    counts = {one.field: (dict(one.kinds), one.mixed) for one in count_fields(scopes)}
    assert counts == {
        "at": ({"date": 2, "text": 1}, True),
        "parts": ({"null": 1, "object": 1}, False),
        "parts.n": ({"number": 1}, False),
        "price": ({"number": 2, "text": 1}, True),
        "sold": ({"boolean": 1}, False),
        "tags": ({"number": 1, "text": 2}, True),
    }


def test_of_very_many_fields_the_largest_are_counted(tmp_path):
    documents = [{f"f{n:04}": [1, 2] if n % 2 else 1 for n in range(2 * MAX_FIELDS_COUNTED)}]
    content = SegmentContent(make_rows([0]), [unit_vectors(1)], 16, attributes_of(documents))
    entry = write_segment(tmp_path, content)
    segment = open_segment(tmp_path / entry.id, entry, dimension=16)
    fields = [one.field for one in count_fields([scope_of(segment, np.array([True]))])]
    assert fields == [f"f{n:04}" for n in range(1, 2 * MAX_FIELDS_COUNTED, 2)]


@pytest.mark.parametrize(
    ("where", "warnings"),
    [
        (
            {"field": "price", "lt": 50},
            ["$: 'price' holds text in 1 of 3 documents"],
        ),
        (
            {"field": "price", "lt": "x"},
            ["$: 'price' holds numbers in 1 of 3 documents"],
        ),
        ({"not": {"field": "at", "gt": "2024-01-01"}}, ["$.not: 'at' holds text in 1 of 3"]),
        ({"field": "at", "gt": "2024"}, []),
        ({"field": "sold", "eq": 1}, ["$: 'sold' holds no numbers; a number equals none"]),
        ({"field": "price", "in": [1, "x"]}, []),
        ({"field": "parts.n", "ne": "1"}, ["$: 'parts.n' holds no text; a text equals none"]),
        (
            {"field": "parts", "any_element": {"field": "n", "eq": "1"}},
            ["$.any_element: 'parts.n' holds no text"],
        ),
        ({"field": "id", "gt": "x"}, []),
        ({}, []),
    ],
)
def test_what_a_filter_does_not_compare_is_told(scopes, where, warnings):
    told = kind_warnings(parse_filter(where), scopes)
    assert len(told) == len(warnings)
    for said, expected in zip(told, warnings, strict=True):
        assert said.startswith(expected)


def test_the_same_is_told_when_it_is_asked_again(scopes):
    where = parse_filter({"field": "price", "lt": 50})
    assert kind_warnings(where, scopes) == kind_warnings(where, scopes)
