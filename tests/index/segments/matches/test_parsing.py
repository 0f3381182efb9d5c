import pytest

from molt.index.errors import FacetError, GroupError, SortError
from molt.index.segments.matches.facets import BucketFacet, RangeFacet, ValueFacet
from molt.index.segments.matches.order import SortField
from molt.index.segments.matches.parsing import parse_facets, parse_group_by, parse_sort


def test_a_facet_is_a_field_or_says_how_it_is_counted() -> None:
    asked = [
        "brand",
        {"field": "tags", "limit": 3.0},
        {"field": "size", "buckets": 5, "limit": None},
        {"field": "id"},
    ]
    assert parse_facets(asked) == (
        ValueFacet("brand", 100),
        ValueFacet("tags", 3),
        BucketFacet("size", 5),
        ValueFacet("\0id", 100),
    )


def test_a_range_is_the_filter_that_keeps_it() -> None:
    (facet,) = parse_facets([{"field": "price", "ranges": [{"gte": 10, "lt": 50, "gt": None}]}])
    assert isinstance(facet, RangeFacet)
    assert facet.ranges[0].bounds == {"gte": 10, "lt": 50}
    assert facet.ranges[0].where.field == "price"
    assert [test.limit.value for test in facet.ranges[0].where.tests] == [10.0, 50.0]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("brand", "$: expected a list of fields"),
        ([7], "$[0]: expected a field"),
        ([{"limit": 7}], "$[0]: expected a field"),
        ([""], "$[0]: expected the name of a field"),
        (["brand", {"field": "brand", "limit": 3}], "$[1]: the field stands in another facet"),
        ([{"field": "a", "size": 3}], '$[0]: unknown name "size"'),
        ([{"field": "a", "limit": 3, "buckets": 3}], "$[0]: has limit and buckets; give one"),
        ([{"field": "a", "limit": 0}], "$[0].limit: expected a whole number, at least 1"),
        ([{"field": "a", "limit": True}], "$[0].limit: expected a whole number"),
        ([{"field": "a", "buckets": 1}], "$[0].buckets: expected a whole number, at least 2"),
        ([{"field": "a", "limit": 11}], "$[0].limit: is 11; the setting limits.max_facet_values"),
        ([{"field": "a", "ranges": []}], "$[0].ranges: expected a list of ranges"),
        ([{"field": "a", "ranges": [3]}], "$[0].ranges[0]: expected a range"),
        ([{"field": "a", "ranges": [{}]}], "$[0].ranges[0]: no bound"),
        ([{"field": "a", "ranges": [{"from": 3}]}], '$[0].ranges[0]: unknown bound "from"'),
        ([{"field": "a", "ranges": [{"gt": 3, "lt": "b"}]}], "$[0].ranges[0]: a range needs two"),
        ([{"field": "a", "ranges": [{"gt": True}]}], "$[0].ranges[0].gt: a range needs a number"),
        ([{"field": "a", "ranges": [{"gt": 1}] * 11}], "$[0].ranges: holds 11 ranges"),
        ([f"f{n}" for n in range(21)], "$: asks for 21 facets; the setting limits.max_facets"),
    ],
)
def test_a_facet_that_means_nothing_is_refused_by_its_place(asked: object, said: str) -> None:
    with pytest.raises(FacetError) as caught:
        parse_facets(asked, max_values=10)
    assert str(caught.value).startswith(said)


def test_what_is_left_out_is_within_what_the_settings_allow() -> None:
    assert parse_facets(["brand"], max_values=10) == (ValueFacet("brand", 10),)


def test_an_order_may_be_spelt_out_or_short() -> None:
    asked = [{"field": "a", "order": "desc"}, {"field": "b"}, "c", "d:desc", "e:asc", "f:g"]
    assert parse_sort(asked) == (
        SortField("a", "desc"),
        SortField("b"),
        SortField("c"),
        SortField("d", "desc"),
        SortField("e"),
        SortField("f:g"),
    )


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"field": "a"}, "$: expected a list"),
        ([3], "$[0]: expected a field"),
        ([{"order": "asc"}], "$[0]: expected a field"),
        ([{"field": "a", "order": "down"}], '$[0].order: is "asc" or "desc", found "down"'),
        ([{"field": "a", "mode": "min"}], '$[0]: unknown name "mode"'),
        (["a" * 513], "$[0].field: a field's name has at most 512 characters"),
        ([f"f{n}" for n in range(9)], "$: names 9 fields; there may be 8"),
    ],
)
def test_an_order_that_means_nothing_is_refused_by_its_place(asked: object, said: str) -> None:
    with pytest.raises(SortError) as caught:
        parse_sort(asked)
    assert str(caught.value).startswith(said)


def test_a_group_is_of_one_field() -> None:
    assert parse_group_by("metadata.id") == "id"
    with pytest.raises(GroupError):
        parse_group_by("")
