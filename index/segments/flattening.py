"""Flattening: a document's metadata as lines, one for each value that can be filtered on.

Nested objects are numbered, so that conditions can be put on one element of a list of objects.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from molt.index.segments.scalar import (
    MAX_FIELD_LENGTH,
    NULL_SCALAR,
    Scalar,
    ScalarKind,
    scalar_of,
    storable,
)

MAX_METADATA_LEVELS = 16


class Line(NamedTuple):
    """A value with the dotted path of its field, and the nested object that it stands in.

    Objects are numbered from 0 in each document; `number` is that of a line that is an object
    itself, and `parent` the object around it.
    """

    field: str
    scalar: Scalar
    parent: int | None = None
    number: int | None = None


_OBJECT = Scalar(ScalarKind.OBJECT, 0.0)


def flatten(metadata: Mapping[str, Any]) -> Iterator[Line]:
    """Every value of a document.

    Lists give their field several values. What is nested deeper than `MAX_METADATA_LEVELS`, and
    fields whose path is longer than `MAX_FIELD_LENGTH`, are not filterable.
    """
    objects = 0
    pending: list[tuple[str, Any, int, int | None]] = [("", metadata, 0, None)]
    while pending:
        path, value, depth, parent = pending.pop()
        if depth > MAX_METADATA_LEVELS:
            continue
        if isinstance(value, Mapping):
            inside = None
            if depth:
                inside, objects = objects, objects + 1
                yield Line(path, _OBJECT, parent, inside)
            named = _named(path, value)
            pending.extend((field, inner, depth + 1, inside) for field, inner in named)
        elif isinstance(value, list | tuple):
            pending.extend((path, entry, depth + 1, parent) for entry in value)
        elif value is None:
            yield Line(path, NULL_SCALAR, parent)
        elif (scalar := scalar_of(value)) is not None:
            yield Line(path, scalar, parent)


def _named(path: str, value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What an object holds, by dotted path, but for paths that are too long."""
    prefix = f"{path}." if path else ""
    room = MAX_FIELD_LENGTH - len(prefix)
    for key, inner in value.items():
        if len(str(key)) <= room:
            yield prefix + storable(str(key)), inner
