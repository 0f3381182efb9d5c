"""Operands: what stands beside an operator of a filter, checked. Errors name it by its path."""

import reprlib
from collections.abc import Mapping
from typing import Any

import orjson

from molt.index.errors import FilterError
from molt.index.segments.scalar import (
    INT64,
    MAX_FIELD_LENGTH,
    Scalar,
    ScalarKind,
    scalar_of,
    storable,
)

MAX_VALUES = 1_000
_SHOWN = 80


def expect_field(value: object, *, path: str) -> str:
    """The name of a field."""
    if not isinstance(value, str) or not value:
        raise FilterError(path, f"expected the name of a field, found {shown_value(value)}")
    if len(value) > MAX_FIELD_LENGTH:
        raise FilterError(path, f"a field's name has at most {MAX_FIELD_LENGTH} characters")
    return storable(value)


def expect_boolean(value: object, *, path: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise FilterError(path, f"expected true or false, found {shown_value(value)}")
    return value


def expect_list(value: object, *, path: str) -> list[object]:
    """A list of at least one entry."""
    if not isinstance(value, list) or not value:
        found = "an empty one" if isinstance(value, list) else shown_value(value)
        raise FilterError(path, f"expected a list that is not empty, found {found}")
    if len(value) > MAX_VALUES:
        raise FilterError(path, f"a list has at most {MAX_VALUES} entries, found {len(value)}")
    return value


def expect_text(value: object, *, path: str) -> str:
    """A string; it may be empty."""
    if not isinstance(value, str):
        raise FilterError(path, f"expected a string, found {shown_value(value)}")
    return storable(value)


def expect_scalar(value: object, *, path: str) -> Scalar:
    """A string, number or boolean."""
    if value is None:
        raise FilterError(path, 'null is not a value; use {"is_null": true} or {"exists": false}')
    if isinstance(value, int) and not isinstance(value, bool) and value not in INT64:
        raise FilterError(
            path,
            "is an integer beyond 64 bits, which no document holds; "
            f"use at least {INT64.start} and at most {INT64.stop - 1}",
        )
    scalar = scalar_of(value)
    if scalar is None:
        wanted = "expected a string, a finite number or a boolean"
        raise FilterError(path, f"{wanted}, found {shown_value(value)}")
    return scalar


def as_id(value: Scalar) -> Scalar:
    """A value to compare ids with, which are texts: a whole number is its digits."""
    whole = isinstance(value.value, float) and value.value.is_integer()
    if value.kind is not ScalarKind.NUMBER or not whole:
        return value
    return Scalar(ScalarKind.TEXT, str(int(value.value) + value.rest))


def shown_value(value: object) -> str:
    """A value as JSON, cut where it is long."""
    if isinstance(value, Mapping | list | tuple):
        return "a list" if not isinstance(value, Mapping) else "an object"
    if isinstance(value, str):
        value = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…"
    return shown_json(value)


def shown_json(value: Any) -> str:
    """What was sent, as JSON on one line, or in short where it cannot be."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode().replace('":', '": ')
    except (TypeError, ValueError, RecursionError):
        return reprlib.repr(value)
