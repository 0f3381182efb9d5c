"""Conventions: filters as other engines write them are refused by showing the right form."""

import pytest

from molt.index.errors import FilterError
from molt.index.segments.filters.filter import parse_filter


@pytest.mark.parametrize(
    ("foreign", "form"),
    [
        ({"brand": "acme"}, '{"field": "brand", "eq": "acme"}'),
        ({"price": {"$gte": 10, "$lt": 20}}, '{"field": "price", "gte": 10, "lt": 20}'),
        ({"price": {"$nin": [1]}}, '{"not": {"field": "price", "in": [1]}}'),
        ({"$and": [{"brand": "acme"}]}, '{"all": […]}'),
        ({"bool": {"must": []}}, '{"all": […]}'),
        ({"must_not": []}, '{"not": {…}}'),
        ({"term": {"brand": "acme"}}, '{"field": "brand", "eq": "acme"}'),
        ({"terms": {"brand": ["a", "b"]}}, '{"field": "brand", "in": ["a", "b"]}'),
        ({"range": {"price": {"gte": 1}}}, '{"field": "price", "gte": 1}'),
        ({"exists": {"field": "brand"}}, '{"field": "brand", "exists": true}'),
        ({"key": "brand", "match": {"value": "a"}}, '{"field": "brand", "eq": "a"}'),
        ({"key": "price", "range": {"gt": 1}}, '{"field": "price", "gt": 1}'),
        ({"key": "b", "operator": "!=", "value": 1}, '{"field": "b", "ne": 1}'),
        ({"path": ["b"], "operator": "Equal", "valueText": "x"}, '{"field": "b", "eq": "x"}'),
        ({"field": "b", "operator": ">=", "value": 1}, '{"field": "b", "gte": 1}'),
        ({"field": "b", "$in": ["x"]}, '{"field": "b", "in": ["x"]}'),
        ({"field": "b", "not_eq": "x"}, '{"field": "b", "ne": "x"}'),
        ({"field": "b", "starts_with": "x"}, '{"field": "b", "prefix": "x"}'),
    ],
)
def test_another_engines_filter_is_refused_with_the_form_to_write(foreign, form):
    with pytest.raises(FilterError) as caught:
        parse_filter(foreign)
    assert f"write {form}" in str(caught.value)


@pytest.mark.parametrize(
    "foreign", [{"x": None}, {"": {}}, {"range": {}}, {"key": []}, {"field": "b", "operator": []}]
)
def test_what_nobody_writes_is_refused_all_the_same(foreign):
    with pytest.raises(FilterError):
        parse_filter(foreign)


def test_a_huge_foreign_filter_is_not_repeated():
    with pytest.raises(FilterError) as caught:
        parse_filter({"brand": "x" * 100_000})
    assert len(str(caught.value)) < 300
