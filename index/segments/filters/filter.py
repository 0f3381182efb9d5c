"""The filter: what a query may ask of documents, parsed from JSON into a frozen tree.

Either `{"all": [F, ...]}`, `{"any": [F, ...]}`, `{"not": F}`, `{}`, which keeps everything, or a
field, named by its dotted path, with operators: `{"field": "price", "gte": 10, "lt": 50}`. Several
operators are a conjunction that one value must satisfy; of a field's many values any may. `ne`,
`exists` and `is_null` ask about the document. `{"field": "offers", "any_element": F}` asks whether
one object of a list satisfies F, in which fields are named from there. docs/filters.md tells users
the same, and `filter_schema` programs.

Owns how filters are joined and nested; a field with its operators is `condition`'s. Parsing costs
no more than the limits below allow, whatever is sent. What the tree matches is decided in
`matching`.
"""

from collections.abc import Mapping
from typing import Any

from molt.index.errors import FilterError
from molt.index.segments.filters import clauses
from molt.index.segments.filters.condition import (
    JOINED,
    MANY,
    OPERATORS,
    parse_condition,
    parse_field,
)
from molt.index.segments.filters.operands import expect_list, shown_value
from molt.index.segments.scalar import MAX_FIELD_LENGTH

MAX_FILTER_DEPTH = 32
MAX_NODES = 256
MAX_CONTAINS = 16
"""Conditions with `contains`, which looks at each text of a field."""
_ELEMENT = "any_element"
_LEFT_OUT = frozenset({*JOINED, "not", _ELEMENT, "field", *OPERATORS}) - {"eq", "ne"}


def parse_filter(value: object, *, max_nodes: int = MAX_NODES) -> clauses.Filter:
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
        "properties": named | dict(OPERATORS),
        "required": ["field"],
        "minProperties": 2,
        "additionalProperties": False,
    }
    joined = [_only({name: {**MANY, "items": inner}}) for name in JOINED]
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


def _without_nulls(value: Mapping[Any, object]) -> Mapping[Any, object]:
    """What is given, without the names that are null and so left out, where anything else is.

    A null beside `eq` or `ne` stays, as it may be meant to be a value, and so do names that are
    none.
    """
    if None not in value.values():
        return value
    kept = {name: one for name, one in value.items() if one is not None or name not in _LEFT_OUT}
    says = kept.keys() - {"field"} if "field" in kept else kept.keys() & {*JOINED, "not"}
    return kept if says else value


class _Parser:
    """Recursive descent with a budget of nodes; its depth is bounded by `MAX_FILTER_DEPTH`."""

    def __init__(self, max_nodes: int) -> None:
        self._max_nodes = max_nodes
        self._nodes = 0
        self._contains = 0

    def parse(
        self, value: object, *, path: str, depth: int, within: bool = False
    ) -> clauses.Filter:
        self._nodes += 1
        if self._nodes > self._max_nodes:
            raise FilterError(path, f"the filter has more than {self._max_nodes} parts; shorten it")
        if depth > MAX_FILTER_DEPTH:
            raise FilterError(
                path, f"the filter is nested deeper than {MAX_FILTER_DEPTH}; flatten it"
            )
        if not isinstance(value, Mapping):
            raise FilterError(path, f"expected an object, found {shown_value(value)}")
        value = _without_nulls(value)
        if not value:
            return clauses.All(())
        for name in (*JOINED, "not"):
            if name in value:
                return self._combined(name, value, path=path, depth=depth, within=within)
        if _ELEMENT in value:
            return self._any_element(value, path=path, depth=depth, within=within)
        self._count_contains(value, path=path)
        return parse_condition(value, path=path, within=within)

    def _combined(
        self, name: str, value: Mapping[Any, object], *, path: str, depth: int, within: bool
    ) -> clauses.Filter:
        if len(value) > 1:
            raise FilterError(path, f'"{name}" stands alone; put the rest into an "all" around it')
        inner = f"{path}.{name}"
        if name == "not":
            return clauses.Not(self.parse(value[name], path=inner, depth=depth + 1, within=within))
        parts = tuple(
            self.parse(part, path=f"{inner}[{place}]", depth=depth + 1, within=within)
            for place, part in enumerate(expect_list(value[name], path=inner))
        )
        return clauses.All(parts) if name == "all" else clauses.AnyOf(parts)

    def _any_element(
        self, value: Mapping[Any, object], *, path: str, depth: int, within: bool
    ) -> clauses.Filter:
        if value.keys() != {"field", _ELEMENT}:
            form = f'{{"field": "offers", "{_ELEMENT}": {{"field": "price", "lt": 10}}}}'
            raise FilterError(path, f'"{_ELEMENT}" stands beside "field" alone, as in {form}')
        field = parse_field(value["field"], path=f"{path}.field", within=within)
        inner = f"{path}.{_ELEMENT}"
        part = self.parse(value[_ELEMENT], path=inner, depth=depth + 1, within=True)
        return clauses.AnyElement(field, part)

    def _count_contains(self, value: Mapping[Any, object], *, path: str) -> None:
        self._contains += "contains" in value
        if self._contains > MAX_CONTAINS:
            raise FilterError(path, f'at most {MAX_CONTAINS} conditions may use "contains"')
