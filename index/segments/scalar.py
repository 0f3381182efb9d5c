"""A scalar: one metadata value that can be filtered on, with its kind.

The only place that decides what counts as a number, a text or a boolean.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

MAX_FIELD_LENGTH = 512
"""Characters of a field's dotted path; what lies deeper cannot be filtered on."""

ID_FIELD = "\0id"
"""Where the ids of documents stand among their fields; no metadata can have such a one."""

INT64 = range(-(2**63), 2**63)
"""The integers that a document's metadata may hold."""


class ScalarKind(StrEnum):
    """What a value is: the text "1", the number 1 and the boolean true are three values.

    `DATE` is what some texts say besides (`readings`). `NULL` and `OBJECT` have no value that an
    operator could compare, but documents have them.
    """

    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "boolean"
    DATE = "date"
    NULL = "null"
    OBJECT = "object"


@dataclass(frozen=True)
class Scalar:
    """A value of one kind; a boolean is held as 0.0 or 1.0, and null as 0.0.

    A number is exactly `value` plus `rest`: the nearest float64, and what lies between it and an
    integer of 64 bits.
    """

    kind: ScalarKind
    value: float | str
    rest: int = 0


NULL_SCALAR = Scalar(ScalarKind.NULL, 0.0)


def scalar_of(value: object) -> Scalar | None:
    """The scalar behind a JSON value, or None for null, NaN, infinities, lists and objects.

    A lone surrogate, which UTF-8 cannot hold, becomes a question mark.
    """
    if isinstance(value, bool):
        return Scalar(ScalarKind.BOOLEAN, float(value))
    if isinstance(value, str):
        return Scalar(ScalarKind.TEXT, storable(value))
    if isinstance(value, int | float):
        return _number(value)
    return None


def shown_field(field: str) -> str:
    """A field as a filter names it."""
    return {ID_FIELD: "id", "id": "metadata.id"}.get(field, field)


def own_field(field: str) -> str:
    """A field of the metadata as it is kept; where `id` is the document's, it is `metadata.id`."""
    return "id" if field == "metadata.id" else field


def storable(text: str) -> str:
    """`text` as UTF-8 can hold it."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _number(value: float) -> Scalar | None:
    try:
        nearest = float(value) + 0.0  # of both zeros the one that equals itself bit by bit
    except OverflowError:
        return None
    if not math.isfinite(nearest):
        return None
    exact = isinstance(value, int) and value in INT64
    return Scalar(ScalarKind.NUMBER, nearest, int(value) - int(nearest) if exact else 0)
