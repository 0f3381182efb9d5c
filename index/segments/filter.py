"""The filter: what a query may ask of metadata, parsed from JSON into a frozen tree.

Either `{"all": [F, ...]}`, `{"any": [F, ...]}`, `{"not": F}`, or a field, named by its dotted
path, with operators: `{"field": "price", "gte": 10, "lt": 50}`. Several operators are a
conjunction that one value must satisfy; of a field's many values any may. A value matches only
its own kind: true, 1 and "1" differ. Texts compare by code point, so ISO 8601 dates compare as
dates. `exists` asks whether the document has any value. docs/filters.md tells users the same.

Parsing costs no more than the limits below allow, whatever is sent. What the tree matches is
decided in `matching`.
"""

import reprlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from molt.index.errors import FilterError
from molt.index.segments.scalar import MAX_FIELD_LENGTH, Kind, Scalar, scalar_of, storable

MAX_DEPTH = 32
MAX_NODES = 256
MAX_VALUES = 1_000


class Comparison(StrEnum):
    """How a value is compared with a bound."""

    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"


@dataclass(frozen=True)
class OneOf:
    """The value is one of these: `eq` and `in`."""

    values: frozenset[Scalar]


@dataclass(frozen=True)
class Bound:
    """The value is of the bound's kind and on its right side."""

    comparison: Comparison
    limit: Scalar


@dataclass(frozen=True)
class Condition:
    """What one field must satisfy; `exists` is None where it was not asked."""

    field: str
    tests: tuple[OneOf | Bound, ...] = ()
    exists: bool | None = None


@dataclass(frozen=True)
class All:
    """Every part matches."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one part matches."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True)
class Not:
    """The part does not match."""

    part: "Filter"


Filter = All | AnyOf | Not | Condition

_OPERATORS = ("eq", "in", "gt", "gte", "lt", "lte", "exists")


def parse_filter(value: object, *, max_nodes: int = MAX_NODES) -> Filter:
    """The filter that a decoded JSON value means.

    Raises `FilterError`, whose `path` is the JSON path of the part that is wrong.
    """
    return _Parser(max_nodes).parse(value, path="$", depth=1)


def conditions(where: Filter, *, path: str = "$") -> Iterator[tuple[str, Condition]]:
    """Every condition of a filter with its JSON path."""
    match where:
        case Condition():
            yield path, where
        case Not(part):
            yield from conditions(part, path=f"{path}.not")
        case All(parts) | AnyOf(parts):
            name = "all" if isinstance(where, All) else "any"
            for place, part in enumerate(parts):
                yield from conditions(part, path=f"{path}.{name}[{place}]")


class _Parser:
    """Recursive descent with a budget of nodes; its depth is bounded by `MAX_DEPTH`."""

    def __init__(self, max_nodes: int) -> None:
        self._max_nodes = max_nodes
        self._nodes = 0

    def parse(self, value: object, *, path: str, depth: int) -> Filter:
        self._nodes += 1
        if self._nodes > self._max_nodes:
            raise FilterError(path, f"the filter has more than {self._max_nodes} parts; shorten it")
        if depth > MAX_DEPTH:
            raise FilterError(path, f"the filter is nested deeper than {MAX_DEPTH}; flatten it")
        if not isinstance(value, Mapping):
            raise FilterError(path, f"expected an object, found {_shown(value)}")
        for name in ("all", "any", "not"):
            if name in value:
                return self._combined(name, value, path=path, depth=depth)
        return _condition(value, path=path)

    def _combined(
        self, name: str, value: Mapping[object, object], *, path: str, depth: int
    ) -> Filter:
        if len(value) > 1:
            raise FilterError(path, f'"{name}" stands alone; put the rest into an "all" around it')
        inner = f"{path}.{name}"
        if name == "not":
            return Not(self.parse(value[name], path=inner, depth=depth + 1))
        parts = tuple(
            self.parse(part, path=f"{inner}[{place}]", depth=depth + 1)
            for place, part in enumerate(_list(value[name], path=inner))
        )
        return All(parts) if name == "all" else AnyOf(parts)


def _condition(value: Mapping[object, object], *, path: str) -> Condition:
    if "field" not in value:
        raise FilterError(path, 'expected "all", "any", "not" or "field"')
    operators = {name: operand for name, operand in value.items() if name != "field"}
    if not operators:
        raise FilterError(path, f"no operator; use one of {', '.join(_OPERATORS)}")
    tests: list[OneOf | Bound] = []
    for name, operand in operators.items():
        if name not in _OPERATORS:
            known = ", ".join(_OPERATORS)
            raise FilterError(path, f"unknown operator {_shown(name)}; use one of {known}")
        if name != "exists":
            tests.append(_test(str(name), operand, path=f"{path}.{name}"))
    bounds = {test.limit.kind for test in tests if isinstance(test, Bound)}
    if len(bounds) > 1:
        raise FilterError(path, "a range needs two numbers or two strings, not one of each")
    exists = _boolean(operators["exists"], path=path) if "exists" in operators else None
    return Condition(_field(value["field"], path=f"{path}.field"), tuple(tests), exists)


def _test(name: str, operand: object, *, path: str) -> OneOf | Bound:
    if name == "eq":
        return OneOf(frozenset({_scalar(operand, path=path)}))
    if name == "in":
        values = _list(operand, path=path)
        return OneOf(frozenset(_scalar(v, path=f"{path}[{i}]") for i, v in enumerate(values)))
    limit = _scalar(operand, path=path)
    if limit.kind is Kind.BOOLEAN:
        raise FilterError(path, 'a range needs a number or a string; for booleans use "eq"')
    return Bound(Comparison(name), limit)


def _field(value: object, *, path: str) -> str:
    if not isinstance(value, str) or not value:
        raise FilterError(path, f"expected the name of a field, found {_shown(value)}")
    if len(value) > MAX_FIELD_LENGTH:
        raise FilterError(path, f"a field's name has at most {MAX_FIELD_LENGTH} characters")
    return storable(value)


def _boolean(value: object, *, path: str) -> bool:
    if not isinstance(value, bool):
        raise FilterError(f"{path}.exists", f"expected true or false, found {_shown(value)}")
    return value


def _list(value: object, *, path: str) -> list[object]:
    if not isinstance(value, list) or not value:
        raise FilterError(path, f"expected a list that is not empty, found {_shown(value)}")
    if len(value) > MAX_VALUES:
        raise FilterError(path, f"a list has at most {MAX_VALUES} entries, found {len(value)}")
    return value


def _scalar(value: object, *, path: str) -> Scalar:
    if value is None:
        raise FilterError(path, 'null is not a value; use {"exists": false}')
    scalar = scalar_of(value)
    if scalar is None:
        wanted = "expected a string, a finite number or a boolean"
        raise FilterError(path, f"{wanted}, found {_shown(value)}")
    return scalar


def _shown(value: object) -> str:
    return reprlib.repr(value)
