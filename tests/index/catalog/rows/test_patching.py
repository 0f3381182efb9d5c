"""Merging as RFC 7396 has it, by the examples of its appendix A and by its algorithm."""

from typing import Any

import pytest

from molt.index.catalog.rows.patching import merge_metadata


@pytest.mark.parametrize(
    ("target", "patch", "merged"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_objects_are_merged_and_everything_else_is_replaced(
    target: Any, patch: dict[str, Any], merged: dict[str, Any]
) -> None:
    assert merge_metadata(target, patch) == merged


def test_a_key_keeps_its_place_and_what_was_there_is_not_touched() -> None:
    target = {"b": {"x": 1}, "a": 2}
    assert list(merge_metadata(target, {"c": 3, "b": {"x": 2}})) == ["b", "a", "c"]
    assert target == {"b": {"x": 1}, "a": 2}
