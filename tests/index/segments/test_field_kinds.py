"""Field kinds: what may be asked of a collection, decided over all of it."""

import pytest

from molt.index.errors import FilterError, UnknownFieldError
from molt.index.segments.attributes import attributes_of
from molt.index.segments.field_kinds import check_fields, field_kinds, fold_kinds
from molt.index.segments.filters.filter import parse_filter
from molt.index.segments.scalar import ScalarKind

PRODUCTS = [
    {"brand": "acme", "price": 10, "released": "soon", "offers": [{"price": 5}], "gone": None},
    {"brand": "zeta", "price": "12.5", "sold": True, "n": 1},
]


def check(where, *parts):
    check_fields(parse_filter(where), [attributes_of(part) for part in parts or [PRODUCTS]])


def test_an_unknown_field_is_refused_naming_close_ones():
    where = {"all": [{"field": "brand", "eq": 1}, {"field": "brnad", "eq": "acme"}]}
    with pytest.raises(UnknownFieldError, match="did you mean 'brand'") as caught:
        check(where, PRODUCTS[:1], PRODUCTS[1:])
    assert caught.value.path == "$.all[1].field"


@pytest.mark.parametrize(
    ("where", "path"),
    [
        ({"any": [{}, {"field": "brnad", "prefix": "a"}]}, "$.any[1].field"),
        ({"not": {"field": "brnad", "ne": 1}}, "$.not.field"),
        ({"field": "ofers", "any_element": {}}, "$.field"),
        ({"field": "offers", "any_element": {"field": "prize", "eq": 1}}, "$.any_element.field"),
    ],
)
def test_an_unknown_field_is_refused_in_every_branch(where, path):
    with pytest.raises(UnknownFieldError, match="did you mean") as caught:
        check(where)
    assert caught.value.path == path


def test_an_unknown_field_that_resembles_nothing_is_refused_listing_fields():
    with pytest.raises(UnknownFieldError, match="there are 'brand', 'gone'"):
        check({"field": "qqqqqq", "eq": 1})
    with pytest.raises(UnknownFieldError, match="no document has any metadata"):
        check({"field": "qqqqqq", "eq": 1}, [{}])


@pytest.mark.parametrize(
    "where",
    [
        {"field": "never", "exists": True},
        {"field": "never", "is_null": True},
        {"field": "gone", "gte": 1},
        {"field": "price", "gte": 1},
        {"field": "price", "gte": "1"},
        {"field": "id", "eq": "anybody"},
        {},
    ],
)
def test_what_can_be_asked_is_not_refused(where):
    check(where)


@pytest.mark.parametrize(
    ("where", "path", "reason"),
    [
        ({"field": "brand", "gte": 2024}, "$.gte", "'brand' holds text, not numbers; bound it by"),
        ({"field": "released", "lt": "2024-03-01"}, "$.lt", "holds text, not dates"),
        ({"field": "sold", "lt": 1}, "$.lt", 'holds booleans, not numbers; use "eq"'),
        ({"field": "n", "prefix": "1"}, "$.prefix", "holds numbers, not text"),
        ({"field": "n", "contains": "1"}, "$.contains", "holds numbers, not text"),
        ({"field": "offers", "gt": 1}, "$.gt", "holds objects, not numbers; name a field"),
        ({"field": "n", "any_element": {}}, "$.any_element", "holds numbers, not objects"),
    ],
)
def test_a_test_that_no_value_could_pass_by_its_kind_is_refused(where, path, reason):
    with pytest.raises(FilterError) as caught:
        check(where)
    assert caught.value.path == path
    assert reason in str(caught.value)


def test_kinds_are_folded_over_all_parts():
    where = parse_filter({"field": "price", "gte": 1, "lt": 3})
    segments = [attributes_of([{}]), attributes_of([{"price": "2"}]), attributes_of([{"price": 1}])]
    folded = fold_kinds(where, segments)
    assert folded.kinds == {"price": {ScalarKind.TEXT, ScalarKind.NUMBER}}
    folded.check(where)
    with pytest.raises(UnknownFieldError):
        field_kinds(where, segments[0]).check(where)
