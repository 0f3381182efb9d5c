"""Matching: the rows that a filter keeps, against an evaluator written without any index."""

import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from molt.index.errors import FilterError, UnknownFieldError
from molt.index.segments.attributes import attributes_of
from molt.index.segments.filter import parse_filter
from molt.index.segments.matching import check_fields, matching_rows

PRODUCTS = [
    {"brand": "acme", "price": 10, "tags": ["a", "b"], "released": "2024-03-01"},
    {"brand": "acme", "price": 49.5, "sold": True, "released": "2023-12-31"},
    {"brand": "zeta", "price": [5, 100], "tags": ["c"], "sold": False},
    {"brand": 1, "sold": "yes"},
    {},
]


def kept(where, metadata=PRODUCTS):
    mask = matching_rows(parse_filter(where), attributes_of(metadata), n_rows=len(metadata))
    return mask.nonzero()[0].tolist()


@pytest.mark.parametrize(
    ("where", "rows"),
    [
        ({"field": "brand", "eq": "acme"}, [0, 1]),
        ({"field": "brand", "eq": 1}, [3]),
        ({"field": "brand", "in": ["zeta", 1, "nobody"]}, [2, 3]),
        ({"field": "price", "gte": 10, "lt": 50}, [0, 1]),
        ({"field": "price", "gt": 10}, [1, 2]),
        ({"field": "price", "lte": 10}, [0, 2]),
        ({"field": "tags", "eq": "b"}, [0]),
        ({"field": "sold", "eq": True}, [1]),
        ({"field": "sold", "eq": 1}, []),
        ({"field": "sold", "exists": True}, [1, 2, 3]),
        ({"field": "sold", "exists": False}, [0, 4]),
        ({"field": "never", "exists": False}, [0, 1, 2, 3, 4]),
        ({"field": "released", "gte": "2024-01-01"}, [0]),
        ({"field": "brand", "eq": "acme", "exists": False}, []),
        ({"field": "brand", "eq": "acme", "gte": 1}, []),
        ({"not": {"field": "brand", "eq": "acme"}}, [2, 3, 4]),
        ({"all": [{"field": "brand", "eq": "acme"}, {"field": "price", "lt": 20}]}, [0]),
        ({"any": [{"field": "tags", "eq": "c"}, {"field": "price", "eq": 10}]}, [0, 2]),
    ],
)
def test_a_filter_keeps_the_documents_it_describes(where, rows):
    assert kept(where) == rows


def test_one_value_must_satisfy_every_operator_on_its_field():
    assert kept({"field": "price", "gte": 10, "lt": 50}, [{"price": [5, 100]}]) == []


def test_an_unknown_field_is_refused_naming_close_ones():
    attributes = [attributes_of(PRODUCTS[:2]), attributes_of(PRODUCTS[2:])]
    where = parse_filter({"all": [{"field": "brand", "eq": 1}, {"field": "brnad", "eq": "acme"}]})
    with pytest.raises(UnknownFieldError, match="did you mean 'brand'") as caught:
        check_fields(where, attributes)
    assert caught.value.path == "$.all[1].field"


def test_an_unknown_field_that_resembles_nothing_is_refused_listing_fields():
    with pytest.raises(UnknownFieldError, match="there are 'brand', 'price'"):
        check_fields(parse_filter({"field": "qqqqqq", "eq": 1}), [attributes_of(PRODUCTS)])
    with pytest.raises(UnknownFieldError, match="no document has any metadata"):
        check_fields(parse_filter({"field": "qqqqqq", "eq": 1}), [attributes_of([{}])])


def test_asking_whether_an_unknown_field_exists_is_allowed():
    check_fields(parse_filter({"field": "never", "exists": True}), [attributes_of(PRODUCTS)])


def test_a_range_over_values_of_another_kind_is_refused():
    where = parse_filter({"field": "released", "gte": 2024})
    with pytest.raises(FilterError, match="'released' holds text, not number") as caught:
        check_fields(where, [attributes_of(PRODUCTS)])
    assert caught.value.path == "$.gte"


def test_a_field_known_to_one_segment_is_known():
    segments = [attributes_of([{}]), attributes_of(PRODUCTS)]
    check_fields(parse_filter({"field": "price", "gte": 1}), segments)


FIELDS = ["a", "b", "c.d"]
scalars = st.sampled_from([True, False, 0, 1, 2.5, -3, "", "a", "b", "ab", "é", "2024-01-01"])
numbers, texts = st.sampled_from([-3, 0, 1, 2.5]), st.sampled_from(["", "a", "ab", "é"])


def ranges(limits):
    names = st.sampled_from(["gt", "gte", "lt", "lte"])
    return st.dictionaries(names, limits, min_size=1, max_size=2)


tests_on_a_field = st.one_of(
    st.fixed_dictionaries({"eq": scalars}),
    st.fixed_dictionaries({"in": st.lists(scalars, min_size=1, max_size=3)}),
    st.fixed_dictionaries({"exists": st.booleans()}),
    ranges(numbers),
    ranges(texts),
    st.builds(operator.or_, ranges(numbers), st.fixed_dictionaries({"eq": scalars})),
    st.builds(operator.or_, ranges(texts), st.fixed_dictionaries({"exists": st.booleans()})),
)
leaves = st.builds(
    lambda name, tests: {"field": name} | tests, st.sampled_from(FIELDS), tests_on_a_field
)
filters = st.recursive(
    leaves,
    lambda inner: (
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)})
        | st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)})
        | st.fixed_dictionaries({"not": inner})
    ),
    max_leaves=6,
)
values = st.none() | scalars | st.lists(scalars, max_size=3)
documents = st.fixed_dictionaries(
    {}, optional={"a": values, "b": values, "c": st.fixed_dictionaries({"d": values})}
)

COMPARE = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}


def kind(value):
    return bool if isinstance(value, bool) else str if isinstance(value, str) else float


def satisfies(value, name, operand):
    if name == "in":
        return any(satisfies(value, "eq", one) for one in operand)
    if kind(value) is not kind(operand):
        return False
    return value == operand if name == "eq" else COMPARE[name](value, operand)


def oracle(where, document):
    if "all" in where:
        return all(oracle(part, document) for part in where["all"])
    if "any" in where:
        return any(oracle(part, document) for part in where["any"])
    if "not" in where:
        return not oracle(where["not"], document)
    held = document
    for name in where["field"].split("."):
        held = held.get(name) if isinstance(held, dict) else None
    held = held if isinstance(held, list) else [] if held is None else [held]
    tests = {name: one for name, one in where.items() if name not in ("field", "exists")}
    if "exists" in where and where["exists"] is not bool(held):
        return False
    return not tests or any(
        all(satisfies(value, name, one) for name, one in tests.items()) for value in held
    )


@given(st.lists(documents, min_size=1, max_size=8), filters)
def test_matching_agrees_with_an_evaluator_without_an_index(metadata, where):
    expected = [row for row, document in enumerate(metadata) if oracle(where, document)]
    assert kept(where, metadata) == expected
