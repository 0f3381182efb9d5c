"""Texts: the strings that several requests take, each with its JSON Schema.

What is refused here could not be kept: PostgreSQL takes no NUL, and no id holds control characters.
"""

import re
from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from molt.app.http.validation import limited
from molt.index.catalog.fields import INVISIBLE, is_blank

_EXACT = 2**53
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def without_nul(value: str) -> str:
    """A text as it is; as pydantic's validators do, raises `PydanticCustomError` for a NUL."""
    if "\0" in value:
        at = {"at": value.index("\0")}
        raise PydanticCustomError("nul", "holds a NUL character at {at}; remove it", at)
    return value


def _not_blank(value: str) -> str:
    if is_blank(value):
        raise PydanticCustomError("blank", "is empty")
    return value


def _whole_as_text(value: object) -> object:
    """Ids from tables are often whole numbers; beyond 2^53 a float is not known to be the one."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _without_controls(value: str) -> str:
    wrong = None if value.isprintable() else _CONTROL.search(value)
    if wrong:
        found = {"at": wrong.start(), "code": f"U+{ord(wrong[0]):04X}"}
        raise PydanticCustomError("control", "holds the character {code} at {at}", found)
    return value


Text = Annotated[
    str,
    AfterValidator(without_nul),
    Field(json_schema_extra={"pattern": r"^[^\u0000]*$", **limited(maxLength="max_text_chars")}),
]
"""A text of a document; it may be empty."""

_Shown = Annotated[str, AfterValidator(without_nul), AfterValidator(_not_blank)]
_SHOWN = {"pattern": rf"^[^\u0000]*[^{INVISIBLE}][^\u0000]*$"}

Words = Annotated[_Shown, Field(json_schema_extra=_SHOWN | limited(maxLength="max_query_chars"))]
"""A text that is not blank, of a query's length."""

PassageText = Annotated[
    _Shown, Field(json_schema_extra=_SHOWN | limited(maxLength="max_text_chars"))
]
"""A text that is not blank, of a document's length."""

_ID = {
    "type": "string",
    "minLength": 1,
    "maxLength": 512,
    "pattern": r"^[^\u0000-\u001f\u007f-\u009f]+$",
}
_WHOLE = {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}

Id = Annotated[
    str,
    Field(min_length=1, max_length=512),
    AfterValidator(_without_controls),
    BeforeValidator(_whole_as_text),
    WithJsonSchema({"anyOf": [_ID, _WHOLE]}),
]
"""An id of a document, a query or a user; a whole number is the text of its digits."""

Name = Annotated[
    str,
    Field(min_length=1, max_length=512, json_schema_extra={"pattern": r"^[^\u0000]+$"}),
    AfterValidator(without_nul),
]
"""A name that is looked up; whether it exists is said by who holds it."""


def _spelled(pattern: str, *, said: str) -> AfterValidator:
    """Holds a text to a pattern, and says it in words."""
    expression = re.compile(pattern)

    def check(value: str) -> str:
        if not expression.fullmatch(value):
            raise PydanticCustomError("spelling", "{said}", {"said": said})
        return value

    return AfterValidator(check)


_COLLECTION = "^[a-z0-9][a-z0-9_-]{0,62}$"
CollectionName = Annotated[
    str,
    _spelled(
        _COLLECTION,
        said="must have 1 to 63 of a-z, 0-9, _ and -, and begin with a letter or a digit",
    ),
    Field(json_schema_extra={"pattern": _COLLECTION}),
]
"""A name that a collection may have."""

_PAIR_ID = "^[0-9a-f]{32}$"
PairId = Annotated[
    str,
    _spelled(_PAIR_ID, said="must have 32 of 0-9 and a-f; GET of the pairs lists their ids"),
    Field(json_schema_extra={"pattern": _PAIR_ID}),
]
"""The id of a pair, which is made from its content."""

Remark = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1000,
        json_schema_extra={"pattern": r"^[^\u0000-\u001f\u007f-\u009f]*$"},
    ),
    AfterValidator(_without_controls),
    AfterValidator(_not_blank),
]
"""A line for people that is shown in lists and logs, where a control character would forge some."""

CollectionPath = Annotated[Name, Path(alias="collection", description="a collection's name")]
"""The collection that a path names."""
