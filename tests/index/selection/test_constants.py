"""Constants: what keeps every document whatever it holds, told by its form."""

from typing import Any

import pytest

from molt.index.errors import FilterError
from molt.index.segments.filters.clauses import All, AnyOf, Condition, Filter, Not
from molt.index.segments.filters.filter import parse_filter
from molt.index.segments.scalar import ID_FIELD
from molt.index.selection.constants import check_not_all

HAS = {"field": "a", "exists": True}
LACKS = {"field": "a", "exists": False}
IS = {"field": "a", "eq": 1}
IS_NOT = {"field": "a", "ne": 1}


@pytest.mark.parametrize(
    "where",
    [
        All(()),
        Not(AnyOf(())),
        Not(Not(All(()))),
        AnyOf((Condition("a", exists=True), All(()))),
        Condition(ID_FIELD, exists=True),
        Not(Condition(ID_FIELD, exists=False)),
        Not(Condition(ID_FIELD, is_null=True)),
    ],
)
def test_what_leaves_nothing_out_is_refused(where: Filter) -> None:
    with pytest.raises(FilterError, match="every document"):
        check_not_all(where)


@pytest.mark.parametrize(
    "where",
    [
        {"field": "id", "prefix": ""},
        {"field": "id", "gte": ""},
        {"field": "id", "gte": " "},
        {"field": "id", "ne": ""},
        {"field": "id", "ne": "a\n"},
        {"field": "id", "ne": "a" * 513},
        {"field": "id", "ne": "", "exists": True},
        {"any": [{"field": "id", "ne": "", "exists": True}, IS]},
        {"not": {"field": "id", "lt": ""}},
        {"not": {"field": "id", "lte": ""}},
        {"not": {"field": "id", "in": ["", "\t"]}},
        {"not": {"field": "id", "contains": "\n"}},
        {"not": {"all": [{"field": "id", "eq": ""}, IS]}},
    ],
)
def test_what_is_true_of_every_id_is_refused(where: dict[str, Any]) -> None:
    with pytest.raises(FilterError, match="every document"):
        check_not_all(parse_filter(where))


@pytest.mark.parametrize(
    "where",
    [
        {"any": [HAS, LACKS]},
        {"any": [IS, IS_NOT]},
        {"any": [IS, {"not": IS}]},
        {"any": [{"any": [IS, HAS]}, {"not": {"all": [HAS, IS]}}]},
        {"any": [{"field": "a", "is_null": True}, {"field": "a", "is_null": False}]},
        {"not": {"all": [HAS, {"not": HAS}]}},
        {"not": {"field": "a", "eq": 1, "ne": 1}},
        {"all": [{"any": [HAS, LACKS]}, {"any": [IS, IS_NOT]}]},
        {"not": {"field": "a", "any_element": {"all": [IS, IS_NOT]}}},
        {"any": [{"all": [HAS, IS]}, {"not": {"all": [HAS, IS]}}]},
    ],
)
def test_what_two_opposites_leave_open_is_refused(where: dict[str, Any]) -> None:
    with pytest.raises(FilterError, match="every document"):
        check_not_all(parse_filter(where))


@pytest.mark.parametrize(
    "where",
    [
        {"not": {}},
        {"field": "id", "prefix": "a"},
        {"field": "id", "ne": "a"},
        {"field": "id", "gt": " "},
        {"field": "id", "in": ["", "a"]},
        {"not": {"field": "id", "lte": " "}},
        {"field": "name", "prefix": ""},
        {"field": "metadata.id", "ne": ""},
        {"all": [HAS, {}]},
        {"all": [HAS, LACKS]},
        {"any": [HAS, {"not": {}}]},
        {"any": [HAS, IS_NOT]},
        {"any": [{"all": [HAS, IS]}, {"not": HAS}]},
        {"any": [IS, {"field": "a", "any_element": {"not": IS}}]},
        {"any": [HAS, {"field": "b", "exists": False}]},
        {"not": {"field": "a", "eq": 1, "ne": 2}},
        {"field": "a", "any_element": {}},
        {"field": "a", "any_element": {"field": "id", "ne": ""}},
    ],
)
def test_what_leaves_something_out_is_taken(where: dict[str, Any]) -> None:
    check_not_all(parse_filter(where))
