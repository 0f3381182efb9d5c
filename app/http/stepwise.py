"""Parsing: JSON that has one meaning, and large JSON in steps that let other threads have a turn.

A parser in C holds the interpreter's lock until it has read all that it is given: in whatever
thread, 30 MiB would stop the event loop for a tenth of a second. Knows no schema.
"""

import re
from json import JSONDecoder
from typing import Any

import orjson

from molt.app.http.failures import AmbiguousJsonError
from molt.encoder.safety.cancellation import current
from molt.engine.throttle import step_done

STEP = 64 * 1024
"""Characters that are read without letting others go on, unless one text or number is longer."""
_DEEPEST = 64
_NUMBER = re.compile(r"[-+.0-9eE]+")
_WHITESPACE = re.compile(r"[ \t\n\r]*")
_LONGEST = 19


def _unambiguous(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        names = [name for name, _ in members]
        raise _twice(next(name for name in found if names.count(name) > 1))
    return found


def _exact(digits: str) -> int:
    if len(digits.lstrip("-")) <= _LONGEST and -(2**63) <= (number := int(digits)) < 2**63:
        return number
    raise AmbiguousJsonError(
        f"the integer {digits[:40]} has more than 64 bits, which many readers round; send it as a "
        "string"
    )


def _twice(name: str) -> AmbiguousJsonError:
    return AmbiguousJsonError(f"an object has the name {name[:80]!r} twice; readers take either")


_DECODER = JSONDecoder(object_pairs_hook=_unambiguous, parse_int=_exact)
_decode = _DECODER.raw_decode


def parse(content: bytes) -> Any:
    """What `orjson.loads` makes of `content`, at once.

    Raises `ValueError` where that raises, and `AmbiguousJsonError`.
    """
    value = orjson.loads(content)
    if not isinstance(value, str):
        try:
            _DECODER.decode(content.decode())
        except RecursionError:
            raise ValueError("nested too deeply") from None
    return value


def parse_stepwise(content: bytes) -> Any:
    """What `parse` makes of `content`. Raises `AbandonedError` between two steps, too."""
    text = content.decode()
    reader = _Reader(text)
    value, end = reader.value(_skip(text, 0), depth=0)
    if _skip(text, end) != len(text):
        raise ValueError(f"unexpected content after the value: character {end}")
    return value


class _Reader:
    """Finds where values end by the standard library's scanner, within a window of the text.

    What a value is, orjson says: the scanner takes NaN, infinity and lone surrogates.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._window = text[:STEP]
        self._start = 0
        self._cancellation = current()

    def value(self, at: int, *, depth: int) -> tuple[Any, int]:
        """The value that begins at a character, and where it ends."""
        found = self._small(at)
        if found is not None:
            return found
        self._cancellation.check()
        step_done()
        self._start, self._window = at, self._text[at : at + STEP]
        found = self._small(at)
        if found is not None:
            return found
        if depth == _DEEPEST:
            raise ValueError(f"nested too deeply: character {at}")
        return self._large(at, depth)

    def _small(self, at: int) -> tuple[Any, int] | None:
        """None where it does not end within the window, or is no JSON."""
        if number := _NUMBER.match(self._text, at):  # whose end cannot be told within a window
            return parse(number[0].encode()), number.end()
        begin = at - self._start
        try:
            _, end = _decode(self._window, begin)
        except (ValueError, RecursionError):
            return None
        return orjson.loads(self._window[begin:end]), self._start + end

    def _large(self, at: int, depth: int) -> tuple[Any, int]:
        kind = self._text[at : at + 1]
        if kind == "[":
            return self._list(at + 1, depth + 1)
        if kind == "{":
            return self._object(at + 1, depth + 1)
        if kind == '"':
            _, end = _decode(self._text, at)
            return orjson.loads(self._text[at:end]), end
        raise ValueError(f"expected a value: character {at}")

    def _list(self, at: int, depth: int) -> tuple[list[Any], int]:
        items: list[Any] = []
        at = _skip(self._text, at)
        if self._text[at : at + 1] == "]":
            return items, at + 1
        while True:
            item, at = self.value(_skip(self._text, at), depth=depth)
            items.append(item)
            at, over = self._next(at, "]")
            if over:
                return items, at

    def _object(self, at: int, depth: int) -> tuple[dict[str, Any], int]:
        members: dict[str, Any] = {}
        at = _skip(self._text, at)
        if self._text[at : at + 1] == "}":
            return members, at + 1
        while True:
            at = _skip(self._text, at)
            if self._text[at : at + 1] != '"':
                raise ValueError(f"expected a name in quotes: character {at}")
            name, at = self.value(at, depth=depth)
            at = _skip(self._text, at)
            if self._text[at : at + 1] != ":":
                raise ValueError(f"expected a colon: character {at}")
            if name in members:
                raise _twice(name)
            members[name], at = self.value(_skip(self._text, at + 1), depth=depth)
            at, over = self._next(at, "}")
            if over:
                return members, at

    def _next(self, at: int, closing: str) -> tuple[int, bool]:
        """Past a comma, or past the end of what `closing` closes."""
        at = _skip(self._text, at)
        found = self._text[at : at + 1]
        if found not in {",", closing}:
            raise ValueError(f"expected a comma or {closing}: character {at}")
        return at + 1, found == closing


def _skip(text: str, at: int) -> int:
    """Past white space."""
    found = _WHITESPACE.match(text, at)
    return found.end() if found else at
