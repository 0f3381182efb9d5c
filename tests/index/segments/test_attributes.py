"""Attributes: metadata flattened, written, read and merged."""

import numpy as np
import pytest

from molt.index.segments.attributes import (
    attributes_of,
    merged_attributes,
    read_attributes,
)
from molt.index.segments.flattening import MAX_METADATA_LEVELS, Line, flatten
from molt.index.segments.scalar import NULL_SCALAR, Scalar, ScalarKind, scalar_of

METADATA = [
    {"brand": "acme", "price": 10, "tags": ["b", "a"]},
    {"brand": "zeta", "price": "free", "size": {"height": 3}, "sold": None},
    {},
    {"brand": "acme", "sold": True},
]


def lines(attributes):
    return set(attributes.frame.rows())


def values_of(metadata):
    return [one for one in flatten(metadata) if one.scalar.kind is not ScalarKind.OBJECT]


def test_nested_objects_become_dotted_paths_and_lists_several_values():
    found = set(flatten({"a": {"b": [1, {"c": "x"}], "d": None}, "e": [[True]]}))
    an_object = Scalar(ScalarKind.OBJECT, 0.0)
    assert found == {
        Line("e", Scalar(ScalarKind.BOOLEAN, 1.0)),
        Line("a", an_object, None, 0),
        Line("a.d", NULL_SCALAR, 0),
        Line("a.b", an_object, 0, 1),
        Line("a.b.c", scalar_of("x"), 1),
        Line("a.b", scalar_of(1), 0),
    }


def test_what_is_nested_too_deep_is_left_out():
    deep = {"y": 1}
    for _ in range(100_000):
        deep = {"x": deep}
    shallow = {"y": 2}
    for _ in range(MAX_METADATA_LEVELS - 1):
        shallow = {"y": shallow}
    assert "x" not in {line.field[-1] for line in values_of(deep)}
    assert values_of({"k" * 512: {"x": 1}, "a": {"k" * 511: 1}, "k" * 513: [1]}) == []
    assert len(values_of(shallow)) == 1


def test_a_field_knows_the_kinds_of_its_values():
    attributes = attributes_of(METADATA)
    assert attributes.kinds("price") == {ScalarKind.NUMBER, ScalarKind.TEXT}
    assert attributes.kinds("size.height") == {ScalarKind.NUMBER}
    assert attributes.kinds("nothing") == frozenset()
    assert attributes.kinds("sold") == {ScalarKind.BOOLEAN, ScalarKind.NULL}
    assert attributes.fields == {"brand", "price", "tags", "size", "size.height", "sold"}
    assert attributes_of(METADATA, ids=["a", "b", "c", "d"]).fields == attributes.fields


def test_a_column_is_sorted_by_value_then_row():
    attributes = attributes_of(METADATA)
    column = attributes.column("brand", ScalarKind.TEXT)
    assert column.texts.to_list() == ["acme", "acme", "zeta"]
    assert attributes.rows[column.lines].tolist() == [0, 3, 1]
    b, acme, zz = map(scalar_of, ("b", "acme", "zz"))
    assert (column.below(b), column.up_to(acme), column.up_to(zz)) == (2, 2, 3)


def test_a_repeated_value_of_one_document_counts_once():
    attributes = attributes_of([{"tags": ["a", "a"]}])
    lines = attributes.column("tags", ScalarKind.TEXT).lines
    assert attributes.rows[lines].tolist() == [0]


def test_the_lines_of_a_field_are_those_of_any_kind():
    attributes = attributes_of(METADATA)
    assert sorted(attributes.rows[attributes.extent("price")].tolist()) == [0, 1]
    assert attributes.rows[attributes.extent("nothing")].tolist() == []


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
    assert lines(attributes) == {("a?", "text", None, 0, "?", 0, None)}
