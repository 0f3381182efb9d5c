"""Parsing filters: what they mean, and what is refused with the path of the wrong part."""

import re
from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from molt.index.errors import FilterError
from molt.index.segments.filter import (
    MAX_DEPTH,
    MAX_NODES,
    MAX_VALUES,
    All,
    AnyOf,
    Bound,
    Comparison,
    Condition,
    Not,
    OneOf,
    conditions,
    parse_filter,
)
from molt.index.segments.scalar import Kind, Scalar, scalar_of
from tests.paths import DOCS


def one_of(*values):
    return OneOf(frozenset(scalar_of(value) for value in values))


def test_a_field_with_eq_is_a_condition_on_one_value():
    assert parse_filter({"field": "brand", "eq": "acme"}) == Condition("brand", (one_of("acme"),))


def test_several_operators_on_one_field_are_kept_together():
    assert parse_filter({"field": "price", "gte": 10, "lt": 50}) == Condition(
        "price",
        (
            Bound(Comparison.GTE, Scalar(Kind.NUMBER, 10.0)),
            Bound(Comparison.LT, Scalar(Kind.NUMBER, 50.0)),
        ),
    )


def test_all_any_and_not_nest():
    parsed = parse_filter(
        {
            "all": [
                {"field": "brand", "eq": "acme"},
                {"any": [{"field": "tags", "in": ["a", "b"]}]},
                {"not": {"field": "sold", "exists": True}},
            ]
        }
    )
    assert parsed == All(
        (
            Condition("brand", (one_of("acme"),)),
            AnyOf((Condition("tags", (one_of("a", "b"),)),)),
            Not(Condition("sold", exists=True)),
        )
    )


def test_true_and_one_are_different_values():
    assert parse_filter({"field": "f", "eq": True}) != parse_filter({"field": "f", "eq": 1})


def test_a_parsed_filter_is_a_dictionary_key():
    first, again = (parse_filter({"field": "f", "in": [1, "a", True]}) for _ in range(2))
    assert {first: 1}[again] == 1


def test_conditions_come_with_the_path_of_their_json():
    parsed = parse_filter(
        {"all": [{"field": "a", "eq": 1}, {"not": {"any": [{"field": "b", "eq": 2}]}}]}
    )
    assert [(path, one.field) for path, one in conditions(parsed)] == [
        ("$.all[0]", "a"),
        ("$.all[1].not.any[0]", "b"),
    ]


@pytest.mark.parametrize(
    ("value", "path", "reason"),
    [
        (None, "$", "expected an object"),
        ([], "$", "expected an object"),
        ({}, "$", 'expected "all", "any", "not" or "field"'),
        ({"field": "a"}, "$", "no operator"),
        ({"field": "a", "equals": 1}, "$", "unknown operator 'equals'"),
        ({"field": "", "eq": 1}, "$.field", "expected the name of a field"),
        ({"field": 3, "eq": 1}, "$.field", "expected the name of a field"),
        ({"field": "a" * 513, "eq": 1}, "$.field", "at most 512 characters"),
        ({"field": "a", "eq": None}, "$.eq", '{"exists": false}'),
        ({"field": "a", "eq": [1]}, "$.eq", "expected a string, a finite number or a boolean"),
        ({"field": "a", "eq": float("nan")}, "$.eq", "finite"),
        ({"field": "a", "gt": float("inf")}, "$.gt", "finite"),
        ({"field": "a", "lt": 10**400}, "$.lt", "finite"),
        ({"field": "a", "gte": True}, "$.gte", "a number or a string"),
        ({"field": "a", "gte": 1, "lt": "b"}, "$", "not one of each"),
        ({"field": "a", "exists": 1}, "$.exists", "true or false"),
        ({"field": "a", "in": []}, "$.in", "not empty"),
        ({"field": "a", "in": "abc"}, "$.in", "not empty"),
        ({"field": "a", "in": ["x", {}]}, "$.in[1]", "expected a string"),
        ({"field": "a", "in": list(range(MAX_VALUES + 1))}, "$.in", "at most 1000"),
        ({"all": []}, "$.all", "not empty"),
        ({"any": {"field": "a", "eq": 1}}, "$.any", "list"),
        ({"all": [{"field": "a", "eq": 1}, 7]}, "$.all[1]", "expected an object"),
        ({"not": [{"field": "a", "eq": 1}]}, "$.not", "expected an object"),
        ({"not": {"field": "a", "eq": 1}, "field": "b"}, "$", "stands alone"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_its_path(value, path, reason):
    with pytest.raises(FilterError) as caught:
        parse_filter(value)
    assert caught.value.path == path
    assert reason in str(caught.value)


def test_a_filter_nested_a_hundred_thousand_deep_is_refused():
    value = {"field": "a", "eq": 1}
    for _ in range(100_000):
        value = {"not": value}
    with pytest.raises(FilterError, match=f"nested deeper than {MAX_DEPTH}"):
        parse_filter(value)


def test_a_filter_of_the_greatest_depth_is_understood():
    value = {"field": "a", "eq": 1}
    for _ in range(MAX_DEPTH - 1):
        value = {"not": value}
    assert isinstance(parse_filter(value), Not)


def test_more_parts_than_allowed_are_refused():
    value = {"any": [{"field": "a", "eq": number} for number in range(10)]}
    assert parse_filter(value, max_nodes=11)
    with pytest.raises(FilterError, match="more than 10 parts") as caught:
        parse_filter(value, max_nodes=10)
    assert caught.value.path == "$.any[9]"


def test_a_message_does_not_repeat_a_huge_value():
    with pytest.raises(FilterError) as caught:
        parse_filter({"field": "a", "exists": "x" * 1_000_000})
    assert len(str(caught.value)) < 200


def test_the_documented_filter_and_limits_are_true():
    page = (DOCS / "filters.md").read_text()
    [example] = re.findall(r"```json\n(.*?)```", page, flags=re.DOTALL)
    assert [one.field for _, one in conditions(parse_filter(orjson.loads(example)))] == [
        "brand",
        "price",
        "tags",
        "sold",
    ]
    for limit in (f"1 to {MAX_VALUES}", f"{MAX_NODES} parts", f"{MAX_DEPTH} levels"):
        assert limit in page


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["all", "any", "not", "field", "eq", "in", "gte", "lt", "exists", "x"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(json_values)
def test_any_json_is_parsed_or_refused_as_a_filter(value):
    with suppress(FilterError):
        assert list(conditions(parse_filter(value)))
