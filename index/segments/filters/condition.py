"""A condition: one field of a filter and its operators, parsed from JSON.

Owns what operators there are and what each takes, and what is said where somebody writes them as
another engine has them. How conditions are joined and nested is `filter`'s.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from molt.index.errors import FilterError
from molt.index.segments.filters import clauses
from molt.index.segments.filters.conventions import own_form, own_operator
from molt.index.segments.filters.operands import (
    MAX_VALUES,
    as_id,
    expect_boolean,
    expect_field,
    expect_list,
    expect_scalar,
    expect_text,
    shown_value,
)
from molt.index.segments.scalar import ID_FIELD, ScalarKind

_SCALAR = {"type": ["string", "number", "boolean"]}
_ORDERED = {"type": ["string", "number"]}
MANY = {"type": "array", "minItems": 1, "maxItems": MAX_VALUES}
OPERATORS: Mapping[str, dict[str, Any]] = {
    "eq": _SCALAR,
    "ne": _SCALAR,
    "in": {**MANY, "items": _SCALAR},
    **dict.fromkeys(map(str, clauses.RangeOperator), _ORDERED),
    "prefix": {"type": "string"},
    "contains": {"type": "string"},
    "exists": {"type": "boolean"},
    "is_null": {"type": "boolean"},
}
"""Each operator, and the JSON Schema of what stands beside it."""
JOINED = ("all", "any")
"""What joins several filters."""


def parse_condition(value: Mapping[Any, object], *, path: str, within: bool) -> clauses.Condition:
    """The condition that a JSON object at `path` means; `within` a list's object or not.

    Raises `FilterError`.
    """
    if "field" not in value:
        raise FilterError(path, _misunderstood(value))
    operators = {name: operand for name, operand in value.items() if name != "field"}
    if not operators:
        raise FilterError(path, f"no operator; use one of {', '.join(OPERATORS)}")
    for name in operators:
        if name not in OPERATORS:
            raise FilterError(path, _unknown_operator(name, value))
    places = {name: f"{path}.{name}" for name in operators}
    tests = tuple(
        _test(name, operand, path=places[name])
        for name, operand in operators.items()
        if name not in {"ne", "exists", "is_null"}
    )
    if len({test.limit.kind for test in tests if isinstance(test, clauses.Bound)}) > 1:
        raise FilterError(path, "a range needs two numbers or two strings, not one of each")
    asked = {
        name: expect_boolean(operators[name], path=places[name])
        for name in ("exists", "is_null")
        if name in operators
    }
    excluded = None
    if "ne" in operators:
        excluded = clauses.OneOf(frozenset({expect_scalar(operators["ne"], path=places["ne"])}))
    field = parse_field(value["field"], path=f"{path}.field", within=within)
    condition = clauses.Condition(field, tests, excluded=excluded, **asked)
    return _of_ids(condition) if field == ID_FIELD else condition


def _test(name: str, operand: object, *, path: str) -> clauses.ValueTest:
    if name == "eq":
        return clauses.OneOf(frozenset({expect_scalar(operand, path=path)}))
    if name == "in":
        values = expect_list(operand, path=path)
        return clauses.OneOf(
            frozenset(expect_scalar(v, path=f"{path}[{i}]") for i, v in enumerate(values))
        )
    if name in {"prefix", "contains"}:
        text = expect_text(operand, path=path)
        return clauses.Prefix(text) if name == "prefix" else clauses.Contains(text)
    limit = expect_scalar(operand, path=path)
    if limit.kind is ScalarKind.BOOLEAN:
        raise FilterError(path, 'a range needs a number or a string; for booleans use "eq"')
    return clauses.Bound(clauses.RangeOperator(name), limit)


def _of_ids(condition: clauses.Condition) -> clauses.Condition:
    """A condition on ids, where a whole number stands for its digits."""
    tests = tuple(
        _as_ids(one) if isinstance(one, clauses.OneOf) else one for one in condition.tests
    )
    return replace(
        condition, tests=tests, excluded=condition.excluded and _as_ids(condition.excluded)
    )


def _as_ids(test: clauses.OneOf) -> clauses.OneOf:
    return clauses.OneOf(frozenset(map(as_id, test.values)))


def parse_field(value: object, *, path: str, within: bool) -> str:
    """Outside of nested objects `id` is the document's, and `metadata.id` the metadata's own."""
    name = expect_field(value, path=path)
    return name if within else {"id": ID_FIELD, "metadata.id": "id"}.get(name, name)


def _misunderstood(value: Mapping[Any, object]) -> str:
    form = _right_form(value)
    hint = f"; write {form}" if form else ""
    return f'expected "all", "any", "not" or "field"{hint}'


def _unknown_operator(name: object, value: Mapping[Any, object]) -> str:
    form = _right_form(value) if own_operator(name) or "operator" in value else None
    hint = f"write {form}" if form else f"use one of {', '.join(OPERATORS)}"
    return f"unknown operator {shown_value(name)}; {hint}"


def _right_form(value: Mapping[Any, object]) -> str | None:
    """How a filter of another engine is written here, where that is sure."""
    form = own_form(value)
    if form is None or "…" in form:
        return form if form and form.startswith(_SKETCHES) else None
    written = orjson.loads(form)
    condition = written.get("not", written)
    if not condition.keys() <= {"field", *OPERATORS}:
        return None
    try:
        parse_condition(condition, path="$", within=False)
    except FilterError:
        return None
    return form


_SKETCHES = tuple(f'{{"{name}": ' for name in (*JOINED, "not"))
