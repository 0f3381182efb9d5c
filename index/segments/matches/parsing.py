"""Parsing: what is asked of all matching documents, from JSON as it is sent.

A facet is the name of a field, or an object: `{"field": "brand", "limit": 20}`, `{"field": "price",
"ranges": [{"lt": 10}, {"gte": 10}]}` or `{"field": "price", "buckets": 5}`. docs/facets.md tells
users the same, and `facet_schema` programs.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal

from molt.index.errors import FacetError, FilterError, GroupError, MatchError, SortError
from molt.index.segments.filters.clauses import RangeOperator
from molt.index.segments.filters.condition import OPERATORS, parse_condition, parse_field
from molt.index.segments.filters.operands import shown_value
from molt.index.segments.matches.buckets import LEAST_BUCKETS
from molt.index.segments.matches.facets import (
    DEFAULT_VALUES,
    BucketFacet,
    Facet,
    RangeFacet,
    ValueFacet,
    ValueRange,
)
from molt.index.segments.matches.order import SortField
from molt.index.segments.scalar import MAX_FIELD_LENGTH

MAX_FACETS = 20
MAX_FACET_VALUES = 1_000
MAX_SORT_FIELDS = 8
_WAYS = ("limit", "ranges", "buckets")
_SORTED = '[{"field": "price", "order": "asc"}]'
_ORDERS: tuple[Literal["asc", "desc"], ...] = ("asc", "desc")
_OPERATORS = ", ".join(RangeOperator)
_FORMS = (
    'a field, as "brand", {"field": "brand", "limit": 20}, {"field": "price", "ranges": [{"lt": '
    '10}, {"gte": 10}]} or {"field": "price", "buckets": 5}'
)


def parse_facets(
    value: object, *, max_facets: int = MAX_FACETS, max_values: int = MAX_FACET_VALUES
) -> tuple[Facet, ...]:
    """The facets that a decoded JSON list means, at most `max_facets`.

    None of them gives more than `max_values` counts. Raises `FacetError`, whose `path` is the JSON
    path of the part that is wrong.
    """
    if not isinstance(value, list):
        raise FacetError("$", f"expected a list of fields, found {shown_value(value)}")
    if len(value) > max_facets:
        raise FacetError(
            "$", f"asks for {len(value)} facets; the setting limits.max_facets allows {max_facets}"
        )
    facets = tuple(
        _facet(one, path=f"$[{place}]", max_values=max_values) for place, one in enumerate(value)
    )
    fields = [one.field for one in facets]
    for place, name in enumerate(fields):
        if name in fields[:place]:
            raise FacetError(f"$[{place}]", "the field stands in another facet; ask for it once")
    return facets


def parse_sort(value: object) -> tuple[SortField, ...]:
    """The fields that a decoded JSON list means to sort by, at most `MAX_SORT_FIELDS`.

    Each is `{"field": "price", "order": "desc"}`, or in short "price" or "price:desc". Raises
    `SortError`, whose `path` is the JSON path of the part that is wrong.
    """
    if not isinstance(value, list):
        raise SortError("$", f"expected a list, as {_SORTED}, found {shown_value(value)}")
    if len(value) > MAX_SORT_FIELDS:
        raise SortError("$", f"names {len(value)} fields; there may be {MAX_SORT_FIELDS}")
    return tuple(_sort_field(one, path=f"$[{place}]") for place, one in enumerate(value))


def parse_group_by(value: object) -> str:
    """The field that documents are to be grouped by. Raises `GroupError`."""
    with told_as(GroupError):
        return parse_field(value, path="$", within=False)


def facet_schema() -> dict[str, Any]:
    """The JSON Schema of one facet."""
    named = {"field": {"type": "string", "minLength": 1, "maxLength": MAX_FIELD_LENGTH}}
    bounds = {name: OPERATORS[name] for name in map(str, RangeOperator)}
    one_range = {
        "type": "object",
        "properties": bounds,
        "minProperties": 1,
        "additionalProperties": False,
    }
    whole = {"type": "integer", "x-limit-maximum": "max_facet_values"}
    ways: dict[str, dict[str, Any]] = {
        "limit": {**whole, "minimum": 1, "default": DEFAULT_VALUES},
        "ranges": {
            "type": "array",
            "minItems": 1,
            "x-limit-maxItems": "max_facet_values",
            "items": one_range,
        },
        "buckets": {**whole, "minimum": LEAST_BUCKETS},
    }
    objects = [
        {
            "type": "object",
            "properties": named | {name: way},
            "required": ["field"] if name == "limit" else ["field", name],
            "additionalProperties": False,
        }
        for name, way in ways.items()
    ]
    return {"anyOf": [named["field"], *objects]}


def _facet(value: object, *, path: str, max_values: int) -> Facet:
    if isinstance(value, str):
        return ValueFacet(_field(value, path=path), min(DEFAULT_VALUES, max_values))
    if not isinstance(value, Mapping) or "field" not in value:
        raise FacetError(path, f"expected {_FORMS}")
    given = {name: one for name, one in value.items() if one is not None and name != "field"}
    for name in given:
        if name not in _WAYS:
            raise FacetError(path, f"unknown name {shown_value(name)}; write {_FORMS}")
    if len(given) > 1:
        raise FacetError(path, f"has {' and '.join(given)}; give one of them")
    field = _field(value["field"], path=f"{path}.field")
    if "ranges" in given:
        ranges = _ranges(given["ranges"], field, path=f"{path}.ranges", max_values=max_values)
        return RangeFacet(field, ranges)
    if "buckets" in given:
        least = LEAST_BUCKETS
        buckets = _count(
            given["buckets"], path=f"{path}.buckets", least=least, max_values=max_values
        )
        return BucketFacet(field, buckets)
    limit = given.get("limit", min(DEFAULT_VALUES, max_values))
    return ValueFacet(field, _count(limit, path=f"{path}.limit", least=1, max_values=max_values))


def _field(value: object, *, path: str) -> str:
    with told_as(FacetError):
        return parse_field(value, path=path, within=False)


def _count(value: object, *, path: str, least: int, max_values: int) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        wanted = f"expected a whole number, at least {least}"
        raise FacetError(path, f"{wanted}, found {shown_value(value)}")
    if value > max_values:
        allowed = f"the setting limits.max_facet_values allows {max_values}"
        raise FacetError(path, f"is {value}; {allowed}")
    return value


def _ranges(value: object, field: str, *, path: str, max_values: int) -> tuple[ValueRange, ...]:
    if not isinstance(value, list) or not value:
        raise FacetError(path, 'expected a list of ranges, as [{"lt": 10}, {"gte": 10}]')
    if len(value) > max_values:
        allowed = f"the setting limits.max_facet_values allows {max_values}"
        raise FacetError(path, f"holds {len(value)} ranges; {allowed}")
    return tuple(_range(one, field, path=f"{path}[{place}]") for place, one in enumerate(value))


def _range(value: object, field: str, *, path: str) -> ValueRange:
    if not isinstance(value, Mapping):
        raise FacetError(
            path, f'expected a range, as {{"gte": 10, "lt": 50}}, found {shown_value(value)}'
        )
    bounds = {name: one for name, one in value.items() if one is not None}
    for name in bounds:
        if name not in {*RangeOperator}:
            raise FacetError(path, f"unknown bound {shown_value(name)}; use {_OPERATORS}")
    if not bounds:
        raise FacetError(path, f"no bound; use one of {_OPERATORS}")
    with told_as(FacetError):
        where = parse_condition({"field": "field", **bounds}, path=path, within=True)
    return ValueRange(replace(where, field=field), bounds)


@contextmanager
def told_as(kind: type[MatchError]) -> Iterator[None]:
    """What a filter would be refused for, refused as an error of `kind`."""
    try:
        yield
    except FilterError as error:
        raise kind(error.path, error.reason) from None


def sort_schema() -> dict[str, Any]:
    """The JSON Schema of one field to sort by."""
    named = {"field": {"type": "string", "minLength": 1, "maxLength": MAX_FIELD_LENGTH}}
    order = {"type": "string", "enum": [*_ORDERS], "default": "asc"}
    spelt = {
        "type": "object",
        "properties": named | {"order": order},
        "required": ["field"],
        "additionalProperties": False,
    }
    return {"anyOf": [spelt, named["field"]]}


def _sort_field(value: object, *, path: str) -> SortField:
    if isinstance(value, str):
        name, colon, last = value.rpartition(":")
        value = {"field": name, "order": last} if colon and last in _ORDERS else {"field": value}
    if not isinstance(value, Mapping) or "field" not in value:
        raise SortError(path, f"expected a field, as in {_SORTED}, found {shown_value(value)}")
    for name in value:
        if name not in {"field", "order"}:
            raise SortError(path, f"unknown name {shown_value(name)}; write {_SORTED}")
    asked = value.get("order") or "asc"
    order = next((one for one in _ORDERS if one == asked), None)
    if order is None:
        raise SortError(f"{path}.order", f'is "asc" or "desc", found {shown_value(asked)}')
    with told_as(SortError):
        return SortField(parse_field(value["field"], path=f"{path}.field", within=False), order)
