"""JSON objects with one meaning: no name twice, no number that is rounded on the way."""

import json
import re
from json import JSONDecodeError, JSONDecoder
from typing import Any, NoReturn

import orjson

_LONG = re.compile(rb"[0-9]{19}")
_NAMES = re.compile(rb'"\s*:')
_CAUSES = (
    (
        re.compile(rb"[:\[,]\s*-?(?:NaN|Infinity)\b"),
        "is not JSON, which has no NaN and no Infinity; write null",
    ),
    (
        re.compile(rb"\A\s*\{\s*'"),
        "is not JSON, in which texts and names stand in double quotation marks",
    ),
    (re.compile(rb"\A\s*\["), "is a JSON array that does not end on its line"),
)
_LONGEST = 19
_SAID = 40
_INT64 = range(-(2**63), 2**63)


class AmbiguousObjectError(ValueError):
    """JSON that readers take in different ways; the message says which."""


def parse_exactly(content: bytes) -> Any:
    """The JSON value that `content` holds.

    Raises `orjson.JSONDecodeError` where it is none and `AmbiguousObjectError`.
    """
    value = orjson.loads(content)
    if _LONG.search(content) or len(_NAMES.findall(content)) != _count_names(value):
        try:
            EXACT.decode(content.decode())
        except RecursionError:
            raise AmbiguousObjectError("it is nested too deeply") from None
    return value


def parse_several(content: bytes) -> list[Any]:
    """The JSON objects that stand in `content` one after the other, also with commas after them.

    Raises `ValueError` where there is anything else.
    """
    text, found, at = content.decode(), list[Any](), 0
    while at < len(text):
        if text[at] == "{":
            begun = at
            try:
                _, at = EXACT.raw_decode(text, begun)
            except RecursionError:
                raise AmbiguousObjectError("it is nested too deeply") from None
            found.append(parse_exactly(text[begun:at].encode()))
        elif found and text[at] in ", \t\r\n":
            at += 1
        else:
            raise ValueError("more than objects")
    return found


def spelled(value: Any) -> str:
    """A value as JSON writes it, cut, for a message."""
    said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return f'"{said[:_SAID]}"' if isinstance(value, str) else said[:_SAID]


def explain_shape(value: Any) -> str:
    """Why JSON that is no object is no row, in words for whoever wrote it."""
    if not isinstance(value, list):
        return "is JSON, but not an object"
    example = '{"query": …, "positive": …}' if len(value) > 1 else '{"id": …, "text": …}'
    return f"is JSON, but not an object: a list does not say what it holds; write {example}"


def explain_json(error: ValueError, content: bytes) -> str:
    """Why a line is no JSON, in words for whoever wrote it."""
    if isinstance(error, AmbiguousObjectError):
        return str(error)
    try:
        content.decode()
    except UnicodeDecodeError as wrong:
        byte = f"byte 0x{content[wrong.start]:02X} at {wrong.start + 1}"
        return f"is not UTF-8: {byte}; pass --encoding, as in --encoding cp1252"
    for sign, cause in _CAUSES:
        if sign.search(content):
            return cause
    if isinstance(error, JSONDecodeError):
        return f"is not JSON: {error.msg} at character {error.pos + 1}"
    return f"is not JSON: {error}"


def _count_names(value: Any) -> int:
    count, rest = 0, [value]
    while rest:
        one = rest.pop()
        if isinstance(one, dict):
            count += len(one)
            rest.extend(one.values())
        elif isinstance(one, list):
            rest.extend(one)
    return count


def _unambiguous(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        names = [name for name, _ in members]
        twice = next(name for name in found if names.count(name) > 1)
        raise AmbiguousObjectError(
            f"an object has the name {twice[:80]} twice; remove one, since readers take either"
        )
    return found


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) <= _LONGEST and (number := int(digits)) in _INT64:
        return number
    raise AmbiguousObjectError(
        f"the integer {digits[:40]} has more than 64 bits; write it as a string"
    )


def _no_constant(name: str) -> NoReturn:
    raise AmbiguousObjectError(f"is not JSON, which has no {name}; write null")


EXACT = JSONDecoder(object_pairs_hook=_unambiguous, parse_int=_integer, parse_constant=_no_constant)
"""Reads what `parse_exactly` reads, slower, and from the middle of a text."""
