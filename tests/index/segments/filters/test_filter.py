"""Parsing filters: what they mean, and what is refused with the path of the wrong part."""

from contextlib import suppress

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema_rs import validator_for

from molt.index.errors import FilterError
from molt.index.segments.filters.clauses import (
    All,
    AnyElement,
    AnyOf,
    Bound,
    Condition,
    Contains,
    Not,
    OneOf,
    Prefix,
    RangeOperator,
    conditions,
)
from molt.index.segments.filters.filter import (
    MAX_FILTER_DEPTH,
    MAX_NODES,
    filter_schema,
    parse_filter,
)
from molt.index.segments.filters.operands import MAX_VALUES
from molt.index.segments.scalar import ID_FIELD, Scalar, ScalarKind, scalar_of
from tests.index.segments.filters.filter_oracle import filters
from tests.paths import DOCS


def one_of(*values):
    return OneOf(frozenset(scalar_of(value) for value in values))


def test_a_field_with_eq_is_a_condition_on_one_value():
    assert parse_filter({"field": "brand", "eq": "acme"}) == Condition("brand", (one_of("acme"),))


def test_several_operators_on_one_field_are_kept_together():
    assert parse_filter({"field": "price", "gte": 10, "lt": 50}) == Condition(
        "price",
        (
            Bound(RangeOperator.GTE, Scalar(ScalarKind.NUMBER, 10.0)),
            Bound(RangeOperator.LT, Scalar(ScalarKind.NUMBER, 50.0)),
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


def test_an_empty_object_keeps_everything():
    assert parse_filter({}) == All(())
    assert parse_filter({"not": {}}) == Not(All(()))


def test_ne_exists_and_is_null_ask_about_the_document():
    parsed = parse_filter({"field": "a", "ne": 1, "exists": True, "is_null": False})
    assert parsed == Condition("a", exists=True, is_null=False, excluded=one_of(1))


def test_prefix_and_contains_test_a_text():
    parsed = parse_filter({"field": "a", "prefix": "b", "contains": "c"})
    assert parsed == Condition("a", (Prefix("b"), Contains("c")))


def test_the_id_of_a_document_is_a_field_of_its_own():
    assert parse_filter({"field": "id", "eq": "d1"}) == Condition(ID_FIELD, (one_of("d1"),))
    assert parse_filter({"field": "metadata.id", "eq": 1}) == Condition("id", (one_of(1),))
    inside = parse_filter({"field": "parts", "any_element": {"field": "id", "eq": 1}})
    assert inside == AnyElement("parts", Condition("id", (one_of(1),)))


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
        ({"x": 1, "y": 2}, "$", 'expected "all", "any", "not" or "field"'),
        ({"field": "a"}, "$", "no operator"),
        ({"field": "a", "equals": 1}, "$", '"equals"; write {"field": "a", "eq": 1}'),
        ({"field": "", "eq": 1}, "$.field", "expected the name of a field"),
        ({"field": 3, "eq": 1}, "$.field", "expected the name of a field"),
        ({"field": "a" * 513, "eq": 1}, "$.field", "at most 512 characters"),
        ({"field": "a", "eq": None}, "$.eq", '{"exists": false}'),
        ({"field": "a", "eq": [1]}, "$.eq", "expected a string, a finite number or a boolean"),
        ({"field": "a", "eq": float("nan")}, "$.eq", "finite"),
        ({"field": "a", "gt": float("inf")}, "$.gt", "finite"),
        ({"field": "a", "lt": 10**400}, "$.lt", "beyond 64 bits"),
        ({"field": "a", "eq": 2**63}, "$.eq", "at most 9223372036854775807"),
        ({"field": "a", "ne": -(2**63) - 1}, "$.ne", "at least -9223372036854775808"),
        ({"field": "a", "ne": None}, "$.ne", '{"is_null": true}'),
        ({"field": "a", "prefix": 1}, "$.prefix", "expected a string, found 1"),
        ({"field": "a", "contains": None}, "$.contains", "expected a string, found null"),
        ({"field": "a", "is_null": "no"}, "$.is_null", "true or false"),
        ({"field": "a", "any_element": []}, "$.any_element", "expected an object"),
        ({"any_element": {}}, "$", 'stands beside "field" alone'),
        ({"field": "a", "any_element": {}, "eq": 1}, "$", 'stands beside "field" alone'),
        ({"field": "a", "any_element": {"field": "b", "eq": [1]}}, "$.any_element.eq", "a list"),
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
        ({"any": [{"field": "a", "contains": "b"}] * 17}, "$.any[16]", "at most 16"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_its_path(value, path, reason):
    with pytest.raises(FilterError) as caught:
        parse_filter(value)
    assert caught.value.path == path
    assert reason in str(caught.value)


def test_conditions_on_an_element_name_fields_from_the_document():
    inner = {"all": [{"field": "b", "eq": 1}, {"field": "c", "any_element": {}}]}
    parsed = parse_filter({"not": {"field": "a", "any_element": inner}})
    assert [(path, one.field) for path, one in conditions(parsed)] == [
        ("$.not", "a"),
        ("$.not.any_element.all[0]", "a.b"),
        ("$.not.any_element.all[1]", "a.c"),
    ]


def test_a_filter_nested_a_hundred_thousand_deep_is_refused():
    value = {"field": "a", "eq": 1}
    for _ in range(100_000):
        value = {"not": value}
    with pytest.raises(FilterError, match=f"nested deeper than {MAX_FILTER_DEPTH}"):
        parse_filter(value)


def test_a_filter_of_the_greatest_depth_is_understood():
    value = {"field": "a", "eq": 1}
    for _ in range(MAX_FILTER_DEPTH - 1):
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


def test_the_documented_limits_are_true():
    page = (DOCS / "filters.md").read_text()
    for limit in (f"1 to {MAX_VALUES}", f"{MAX_NODES} parts", f"{MAX_FILTER_DEPTH} levels"):
        assert limit in page


WORDS = [
    "x",
    *[
        "all",
        "any",
        "not",
        "field",
        "any_element",
        "eq",
        "ne",
        "in",
        "gte",
        "lt",
        "prefix",
        "exists",
        "is_null",
    ],
]


def plain(value):
    """Is this JSON, of numbers that JSON Schema knows?"""
    try:
        return orjson.loads(orjson.dumps(value)) == value
    except TypeError:
        return False


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(WORDS),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


SCHEMA = filter_schema("#/$defs/filter")
VALIDATOR = validator_for({"$defs": {"filter": SCHEMA}, "$ref": "#/$defs/filter"})
INEXPRESSIBLE = (
    "a range needs two numbers",
    "beyond 64 bits",
    "conditions may use",
    "stands alone",
)


@settings(max_examples=200)
@given(filters | json_values.filter(plain))
def test_the_schema_and_the_parser_are_of_one_mind(value):
    try:
        parse_filter(value)
    except FilterError as error:
        said = str(error)
        assert not VALIDATOR.is_valid(value) or any(reason in said for reason in INEXPRESSIBLE)
    else:
        assert VALIDATOR.is_valid(value)


@given(json_values)
def test_any_json_is_parsed_or_refused_as_a_filter(value):
    with suppress(FilterError):
        list(conditions(parse_filter(value)))


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ({"field": "price", "gte": None, "lt": 5, "in": None}, {"field": "price", "lt": 5}),
        (
            {"all": [{"field": "a", "eq": 1}], "any": None, "not": None, "field": None},
            {"all": [{"field": "a", "eq": 1}]},
        ),
        ({"field": "a", "exists": True, "is_null": None}, {"field": "a", "exists": True}),
    ],
)
def test_a_null_is_the_same_as_left_out(written, means):
    assert parse_filter(written) == parse_filter(means)


@pytest.mark.parametrize(
    "written",
    [
        {"field": "a", "gte": None},
        {"field": "a", "eq": None, "gte": None},
        {"field": "a", "lt": 5, "ne": None},
        {"all": None, "any": None},
        {"field": None, "eq": 1},
        {"not": None},
    ],
)
def test_a_filter_of_nulls_alone_does_not_keep_everything(written):
    with pytest.raises(FilterError):
        parse_filter(written)


def test_an_empty_list_is_called_empty():
    with pytest.raises(FilterError, match="expected a list that is not empty, found an empty one"):
        parse_filter({"all": []})
