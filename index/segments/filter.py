"""The filter: what a query may ask of documents, parsed from JSON into a frozen tree.

Either `{"all": [F, ...]}`, `{"any": [F, ...]}`, `{"not": F}`, `{}`, which keeps everything, or a
field, named by its dotted path, with operators: `{"field": "price", "gte": 10, "lt": 50}`. Several
operators are a conjunction that one value must satisfy; of a field's many values any may. `ne`,
`exists` and `is_null` ask about the document. `{"field": "offers", "any_element": F}` asks whether
one object of a list satisfies F, in which fields are named from there. docs/filters.md tells users
the same, and `filter_schema` programs.

Parsing costs no more than the limits below allow, whatever is sent. What the tree matches is
decided in `matching`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from molt.index.errors import FilterError
from molt.index.segments.clauses import (
    All,
    AnyElement,
    AnyOf,
    Bound,
    Condition,
    Contains,
    Filter,
    Not,
    OneOf,
    Prefix,
    RangeOperator,
    ValueTest,
    conditions,
)
from molt.index.segments.conventions import own_form, own_operator
from molt.index.segments.operands import (
    MAX_VALUES,
    as_id,
    expect_boolean,
    expect_field,
    expect_list,
    expect_scalar,
    expect_text,
    shown_value,
)
from molt.index.segments.scalar import ID_FIELD, MAX_FIELD_LENGTH, ScalarKind

__all__ = [
    "All",
    "AnyElement",
    "AnyOf",
    "Bound",
    "Condition",
    "Contains",
    "Filter",
    "Not",
    "OneOf",
    "Prefix",
    "RangeOperator",
    "ValueTest",
    "conditions",
    "filter_schema",
    "parse_filter",
]

MAX_FILTER_DEPTH = 32
MAX_NODES = 256
MAX_CONTAINS = 16
"""Conditions with `contains`, which looks at each text of a field."""


_SCALAR = {"type": ["string", "number", "boolean"]}
_ORDERED = {"type": ["string", "number"]}
_MANY = {"type": "array", "minItems": 1, "maxItems": MAX_VALUES}
_OPERATORS: Mapping[str, dict[str, Any]] = {
    "eq": _SCALAR,
    "ne": _SCALAR,
    "in": {**_MANY, "items": _SCALAR},
    **dict.fromkeys(map(str, RangeOperator), _ORDERED),
    "prefix": {"type": "string"},
    "contains": {"type": "string"},
    "exists": {"type": "boolean"},
    "is_null": {"type": "boolean"},
}
_JOINED = ("all", "any")
_ELEMENT = "any_element"


def parse_filter(value: object, *, max_nodes: int = MAX_NODES) -> Filter:
    """The filter that a decoded JSON value means.

    Raises `FilterError`, whose `path` is the JSON path of the part that is wrong.
    """
    return _Parser(max_nodes).parse(value, path="$", depth=1)


def filter_schema(reference: str) -> dict[str, Any]:
    """The JSON Schema of a filter, which names itself by `reference` where it nests."""
    inner = {"$ref": reference}
    named = {"field": {"type": "string", "minLength": 1, "maxLength": MAX_FIELD_LENGTH}}
    condition = {
        "type": "object",
        "properties": named | dict(_OPERATORS),
        "required": ["field"],
        "minProperties": 2,
        "additionalProperties": False,
    }
    joined = [_only({name: {**_MANY, "items": inner}}) for name in _JOINED]
    return {
        "description": "A condition on metadata or the id, or several joined; `field` is a dotted "
        "path. An empty object keeps everything.",
        "anyOf": [
            condition,
            _only(named | {_ELEMENT: inner}),
            *joined,
            _only({"not": inner}),
            {"type": "object", "maxProperties": 0},
        ],
    }


def _only(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


class _Parser:
    """Recursive descent with a budget of nodes; its depth is bounded by `MAX_FILTER_DEPTH`."""

    def __init__(self, max_nodes: int) -> None:
        self._max_nodes = max_nodes
        self._nodes = 0
        self._contains = 0

    def parse(self, value: object, *, path: str, depth: int, within: bool = False) -> Filter:
        self._nodes += 1
        if self._nodes > self._max_nodes:
            raise FilterError(path, f"the filter has more than {self._max_nodes} parts; shorten it")
        if depth > MAX_FILTER_DEPTH:
            raise FilterError(
                path, f"the filter is nested deeper than {MAX_FILTER_DEPTH}; flatten it"
            )
        if not isinstance(value, Mapping):
            raise FilterError(path, f"expected an object, found {shown_value(value)}")
        if not value:
            return All(())
        for name in (*_JOINED, "not"):
            if name in value:
                return self._combined(name, value, path=path, depth=depth, within=within)
        if _ELEMENT in value:
            return self._any_element(value, path=path, depth=depth, within=within)
        self._count_contains(value, path=path)
        return _condition(value, path=path, within=within)

    def _combined(
        self, name: str, value: Mapping[Any, object], *, path: str, depth: int, within: bool
    ) -> Filter:
        if len(value) > 1:
            raise FilterError(path, f'"{name}" stands alone; put the rest into an "all" around it')
        inner = f"{path}.{name}"
        if name == "not":
            return Not(self.parse(value[name], path=inner, depth=depth + 1, within=within))
        parts = tuple(
            self.parse(part, path=f"{inner}[{place}]", depth=depth + 1, within=within)
            for place, part in enumerate(expect_list(value[name], path=inner))
        )
        return All(parts) if name == "all" else AnyOf(parts)

    def _any_element(
        self, value: Mapping[Any, object], *, path: str, depth: int, within: bool
    ) -> Filter:
        if value.keys() != {"field", _ELEMENT}:
            form = f'{{"field": "offers", "{_ELEMENT}": {{"field": "price", "lt": 10}}}}'
            raise FilterError(path, f'"{_ELEMENT}" stands beside "field" alone, as in {form}')
        field = _field(value["field"], path=f"{path}.field", within=within)
        inner = f"{path}.{_ELEMENT}"
        part = self.parse(value[_ELEMENT], path=inner, depth=depth + 1, within=True)
        return AnyElement(field, part)

    def _count_contains(self, value: Mapping[Any, object], *, path: str) -> None:
        self._contains += "contains" in value
        if self._contains > MAX_CONTAINS:
            raise FilterError(path, f'at most {MAX_CONTAINS} conditions may use "contains"')


def _condition(value: Mapping[Any, object], *, path: str, within: bool) -> Condition:
    if "field" not in value:
        raise FilterError(path, _misunderstood(value))
    operators = {name: operand for name, operand in value.items() if name != "field"}
    if not operators:
        raise FilterError(path, f"no operator; use one of {', '.join(_OPERATORS)}")
    for name in operators:
        if name not in _OPERATORS:
            raise FilterError(path, _unknown_operator(name, value))
    places = {name: f"{path}.{name}" for name in operators}
    tests = tuple(
        _test(name, operand, path=places[name])
        for name, operand in operators.items()
        if name not in {"ne", "exists", "is_null"}
    )
    if len({test.limit.kind for test in tests if isinstance(test, Bound)}) > 1:
        raise FilterError(path, "a range needs two numbers or two strings, not one of each")
    asked = {
        name: expect_boolean(operators[name], path=places[name])
        for name in ("exists", "is_null")
        if name in operators
    }
    excluded = None
    if "ne" in operators:
        excluded = OneOf(frozenset({expect_scalar(operators["ne"], path=places["ne"])}))
    field = _field(value["field"], path=f"{path}.field", within=within)
    condition = Condition(field, tests, excluded=excluded, **asked)
    return _of_ids(condition) if field == ID_FIELD else condition


def _test(name: str, operand: object, *, path: str) -> ValueTest:
    if name == "eq":
        return OneOf(frozenset({expect_scalar(operand, path=path)}))
    if name == "in":
        values = expect_list(operand, path=path)
        return OneOf(frozenset(expect_scalar(v, path=f"{path}[{i}]") for i, v in enumerate(values)))
    if name in {"prefix", "contains"}:
        text = expect_text(operand, path=path)
        return Prefix(text) if name == "prefix" else Contains(text)
    limit = expect_scalar(operand, path=path)
    if limit.kind is ScalarKind.BOOLEAN:
        raise FilterError(path, 'a range needs a number or a string; for booleans use "eq"')
    return Bound(RangeOperator(name), limit)


def _of_ids(condition: Condition) -> Condition:
    """A condition on ids, where a whole number stands for its digits."""
    tests = tuple(_as_ids(one) if isinstance(one, OneOf) else one for one in condition.tests)
    return replace(
        condition, tests=tests, excluded=condition.excluded and _as_ids(condition.excluded)
    )


def _as_ids(test: OneOf) -> OneOf:
    return OneOf(frozenset(map(as_id, test.values)))


def _field(value: object, *, path: str, within: bool) -> str:
    """Outside of nested objects `id` is the document's, and `metadata.id` the metadata's own."""
    name = expect_field(value, path=path)
    return name if within else {"id": ID_FIELD, "metadata.id": "id"}.get(name, name)


def _misunderstood(value: Mapping[Any, object]) -> str:
    form = _right_form(value)
    hint = f"; write {form}" if form else ""
    return f'expected "all", "any", "not" or "field"{hint}'


def _unknown_operator(name: object, value: Mapping[Any, object]) -> str:
    form = _right_form(value) if own_operator(name) or "operator" in value else None
    hint = f"write {form}" if form else f"use one of {', '.join(_OPERATORS)}"
    return f"unknown operator {shown_value(name)}; {hint}"


def _right_form(value: Mapping[Any, object]) -> str | None:
    """How a filter of another engine is written here, where that is sure."""
    form = own_form(value)
    if form is None or "…" in form:
        return form if form and form.startswith(_SKETCHES) else None
    written = orjson.loads(form)
    condition = written.get("not", written)
    if not condition.keys() <= {"field", *_OPERATORS}:
        return None
    try:
        _condition(condition, path="$", within=False)
    except FilterError:
        return None
    return form


_SKETCHES = tuple(f'{{"{name}": ' for name in (*_JOINED, "not"))
