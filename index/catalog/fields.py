"""Fields: what a string, an id and a metadata object may hold before they enter the catalog.

The one place that decides it, for documents, queries, judgments and events alike. What it lets
through, SQLite, PostgreSQL, JSON and UTF-8 all take and give back unchanged.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

import orjson

from molt.index.errors import InvalidFieldError

MAX_ID_CHARS = 512
MAX_TEXT_CHARS = 10_000_000
MAX_METADATA_BYTES = 1_048_576
MAX_METADATA_DEPTH = 16
MAX_FIELD_CHARS = 512
_SAID = 64  # characters of a key in an error
_INT64 = range(-(2**63), 2**63)
INVISIBLE = (
    r"\s\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    r"\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8"
)
"""Characters that nobody sees, as they stand in a class of a regular expression."""
_VISIBLE = re.compile(
    rf"[^{INVISIBLE}\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_FORBIDDEN_IN_ID = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def check_id(value: object, *, field: str) -> str:
    """An id: 1 to 512 characters, none of them a control character or a lone surrogate."""
    if not isinstance(value, str):
        raise InvalidFieldError(field, f"must be a string, not {_kind(value)}")
    if not 1 <= len(value) <= MAX_ID_CHARS:
        raise InvalidFieldError(
            field, f"must have 1 to {MAX_ID_CHARS} characters, not {len(value)}"
        )
    wrong = None if value.isprintable() else _FORBIDDEN_IN_ID.search(value)
    if wrong:
        raise InvalidFieldError(
            field, f"holds the character U+{ord(wrong[0]):04X} at {wrong.start()}; no id may"
        )
    return value


def is_id(value: object) -> bool:
    """Could this be an id? What could not names nothing in the catalog, and is not asked for."""
    try:
        check_id(value, field="id")
    except InvalidFieldError:
        return False
    return True


def check_text(value: object, *, field: str) -> str:
    """Any string up to 10 million characters without NUL and lone surrogates; it may be empty."""
    if not isinstance(value, str):
        raise InvalidFieldError(field, f"must be a string, not {_kind(value)}")
    if len(value) > MAX_TEXT_CHARS:
        raise InvalidFieldError(
            field, f"has {len(value)} characters; split a text of more than {MAX_TEXT_CHARS}"
        )
    if "\0" in value:
        raise InvalidFieldError(field, f"holds a NUL character at {value.index(chr(0))}; remove it")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise InvalidFieldError(
                field, f"holds a lone surrogate at {error.start}, which no UTF-8 can spell"
            ) from None
    return value


def check_field_name(value: object, *, field: str) -> str:
    """The dotted path of a field of the metadata, as filters name it: 1 to 512 characters."""
    name = check_text(value, field=field)
    if not 1 <= len(name) <= MAX_FIELD_CHARS:
        raise InvalidFieldError(
            field, f"must have 1 to {MAX_FIELD_CHARS} characters, not {len(name)}"
        )
    if name == "id":
        raise InvalidFieldError(field, "is the document's id; name a field of the metadata")
    return name


def is_blank(text: str) -> bool:
    """Does a text hold nothing but blanks and characters that nobody sees?

    These are the controls, and what Unicode tells a reader to ignore (its property
    Default_Ignorable_Code_Point), with the blank pattern of Braille.
    """
    return _VISIBLE.search(text) is None


def check_words(value: object, *, field: str) -> str:
    """A text as `check_text` takes it that is not blank."""
    text = check_text(value, field=field)
    if is_blank(text):
        raise InvalidFieldError(field, "is empty")
    return text


def check_optional_id(value: object, *, field: str) -> str | None:
    """An id as `check_id` takes it, or None."""
    return None if value is None else check_id(value, field=field)


def check_optional_words(value: object, *, field: str) -> str | None:
    """A text as `check_words` takes it, or None."""
    return None if value is None else check_words(value, field=field)


def encode_metadata(value: object, *, field: str = "metadata") -> str:
    """The JSON text of a metadata object, its keys in the order given.

    Raises `InvalidFieldError` unless it is an object of at most 16 levels and 1 MiB, with finite
    numbers, integers within 64 bits, and strings as `check_text` takes them.
    """
    if not isinstance(value, Mapping):
        raise InvalidFieldError(field, f"must be a JSON object, not {_kind(value)}")
    if not value:
        return "{}"
    encoded = orjson.dumps(_plain(value, field, 1))
    if len(encoded) > MAX_METADATA_BYTES:
        raise InvalidFieldError(
            field, f"is {len(encoded)} bytes of JSON; at most {MAX_METADATA_BYTES} are taken"
        )
    return encoded.decode()


def decode_metadata(encoded: str) -> dict[str, Any]:
    """What `encode_metadata` made, as a dictionary with its keys in the same order."""
    decoded: dict[str, Any] = orjson.loads(encoded)
    return decoded


def _plain(value: object, field: str, depth: int) -> object:
    if isinstance(value, str):
        return check_text(value, field=field)
    if value is None or value is True or value is False:
        return value
    if isinstance(value, int | float):
        return _number(value, field)
    if depth > MAX_METADATA_DEPTH:
        raise InvalidFieldError(field, f"is nested deeper than {MAX_METADATA_DEPTH} levels")
    if isinstance(value, list | tuple):
        return [_plain(inner, f"{field}[{at}]", depth + 1) for at, inner in enumerate(value)]
    if isinstance(value, Mapping):
        keys = [check_text(key, field=f"a key of {field}") for key in value]
        return {key: _plain(value[key], f"{field}.{key[:_SAID]}", depth + 1) for key in keys}
    raise InvalidFieldError(field, f"holds {_kind(value)}, which JSON does not have")


def _number(value: float, field: str) -> float:
    if isinstance(value, int) and value not in _INT64:
        raise InvalidFieldError(field, "is an integer beyond 64 bits; send it as a string")
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidFieldError(field, f"is {value}, which JSON does not have; send null")
    return value


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    names |= {int: "a number", float: "a number", type(None): "null"}
    return names.get(type(value), f"a {type(value).__name__}")
