"""A scalar: one metadata value that can be filtered on, with its kind.

The only place that decides what counts as a number, a text or a boolean.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

MAX_FIELD_LENGTH = 512
"""Characters of a field's dotted path; what lies deeper cannot be filtered on."""


class Kind(StrEnum):
    """Kinds never mix: the text "1", the number 1 and the boolean true are three values."""

    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "boolean"


@dataclass(frozen=True)
class Scalar:
    """A value of one kind; numbers are float64, and a boolean is held as 0.0 or 1.0."""

    kind: Kind
    value: float | str


def scalar_of(value: object) -> Scalar | None:
    """The scalar behind a JSON value, or None for null, NaN, infinities, lists and objects.

    A lone surrogate, which UTF-8 cannot hold, becomes a question mark.
    """
    if isinstance(value, bool):
        return Scalar(Kind.BOOLEAN, float(value))
    if isinstance(value, str):
        return Scalar(Kind.TEXT, storable(value))
    if isinstance(value, int | float):
        number = _finite(value)
        return None if number is None else Scalar(Kind.NUMBER, number)
    return None


def storable(text: str) -> str:
    """`text` as UTF-8 can hold it."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _finite(value: float) -> float | None:
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
