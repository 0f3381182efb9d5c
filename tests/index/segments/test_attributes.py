"""Attributes: metadata flattened, written, read and merged."""

import numpy as np
import pytest

from molt.index.segments.attributes import (
    MAX_DEPTH,
    attributes_of,
    flatten,
    merged_attributes,
    read_attributes,
)
from molt.index.segments.scalar import Kind, Scalar

METADATA = [
    {"brand": "acme", "price": 10, "tags": ["b", "a"]},
    {"brand": "zeta", "price": "free", "size": {"height": 3}},
    {},
    {"brand": "acme", "sold": True},
]


def lines(attributes):
    return set(attributes.frame.rows())


def test_nested_objects_become_dotted_paths_and_lists_several_values():
    found = set(flatten({"a": {"b": [1, {"c": "x"}], "d": None}, "e": [[True]]}))
    assert found == {
        ("a.b", Scalar(Kind.NUMBER, 1.0)),
        ("a.b.c", Scalar(Kind.TEXT, "x")),
        ("e", Scalar(Kind.BOOLEAN, 1.0)),
    }


def test_what_is_nested_too_deep_is_left_out():
    deep = {"x": 1}
    for _ in range(100_000):
        deep = {"x": deep}
    shallow = {"y": 2}
    for _ in range(MAX_DEPTH - 1):
        shallow = {"y": shallow}
    assert list(flatten(deep)) == []
    assert list(flatten({"k" * 512: {"x": 1}, "a": {"k" * 511: 1}, "k" * 513: [1]})) == []
    assert len(list(flatten(shallow))) == 1


def test_a_field_knows_the_kinds_of_its_values():
    attributes = attributes_of(METADATA)
    assert attributes.kinds("price") == {Kind.NUMBER, Kind.TEXT}
    assert attributes.kinds("size.height") == {Kind.NUMBER}
    assert attributes.kinds("nothing") == frozenset()
    assert set(attributes.fields) == {"brand", "price", "tags", "size.height", "sold"}


def test_a_column_is_sorted_by_value_then_row():
    column = attributes_of(METADATA).column("brand", Kind.TEXT)
    assert column.values.to_list() == ["acme", "acme", "zeta"]
    assert column.rows.tolist() == [0, 3, 1]
    assert (column.below("b"), column.up_to("acme"), column.up_to("zz")) == (2, 2, 3)


def test_a_repeated_value_of_one_document_counts_once():
    attributes = attributes_of([{"tags": ["a", "a"]}])
    assert attributes.column("tags", Kind.TEXT).rows.tolist() == [0]


def test_the_rows_with_a_field_are_those_of_any_kind():
    assert sorted(attributes_of(METADATA).rows_with("price").tolist()) == [0, 1]
    assert attributes_of(METADATA).rows_with("nothing").tolist() == []


@pytest.mark.parametrize("metadata", [METADATA, [{}], []])
def test_attributes_are_read_as_they_were_written(metadata, tmp_path):
    written = attributes_of(metadata)
    written.write(tmp_path / "metadata.parquet")
    assert read_attributes(tmp_path / "metadata.parquet").frame.equals(written.frame)


def test_merged_attributes_move_kept_rows_and_drop_the_rest():
    left, right = attributes_of(METADATA[:2]), attributes_of(METADATA[2:])
    merged = merged_attributes([(left, np.array([2, -1])), (right, np.array([0, 1]))])
    assert lines(merged) == lines(attributes_of([METADATA[2], METADATA[3], METADATA[0]]))


def test_a_lone_surrogate_in_a_field_or_value_does_not_stop_the_writing():
    attributes = attributes_of([{"a\ud800": "\udfff"}])
    assert lines(attributes) == {("a?", "text", None, "?", 0)}
