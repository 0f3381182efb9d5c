"""Sentences: where those of a text begin and end, in any language, and pieces of bounded length.

By signs and spaces alone, after the rules of Unicode (UAX #29, section 5): a full stop before a
small letter ends nothing, nor does one inside a number, nor one after a single letter, as in names.
Languages that write without spaces end a sentence with its sign. Beside these, blank lines and list
marks end what stands before them.
"""

import re
import unicodedata
from collections.abc import Iterator

from molt.index.passages.cutting import Span

_STOPS, _SIGNS = ".\u2026", "!?\u037e\u061f\u06d4\u0964\u0965\u1362\u17d4\u104b"
_CLOSING = "[\"'\u201d\u2019\u00bb)\\]}]*+"
_END = re.compile(
    rf"(?P<stop>(?<![{_STOPS}])[{_STOPS}]++){_CLOSING}(?=\s)"
    rf"|(?<![{_SIGNS}])[{_SIGNS}]++{_CLOSING}(?=\s)"
    r"|[\u3002\uff01\uff1f\uff61\uff0e]++[\u300d\u300f\u201d\u2019\uff09\u3011\u300b]*+"
    r"|(?P<gap>(?<!\s)[^\S\n]*+\n\s*+)"
)
"""Each begins where nothing like it stands before, so that no run of signs is read twice."""
_POSSIBLE = re.compile(rf"[{_STOPS}{_SIGNS}\u3002\uff01\uff1f\uff61\uff0e\n]")
"""What each of these has: looking for it first takes a tenth of the time."""
_MOST_JOINED = 16
"""So many characters at most that join the one before them are kept with it."""
_MARKS = "-*\u2022"
_NEXT = re.compile(r"\s*[\"'\u201c\u2018\u00ab(\[{]*(.)", re.DOTALL)


def sentences(text: str, start: int, end: int) -> Iterator[Span]:
    """The sentences among these characters, without the spaces around them."""
    begin = start
    for sign in _signs(text, start, end):
        if _is_end(text, begin, sign):
            yield from _trimmed(text, begin, sign.end())
            begin = sign.end()
    yield from _trimmed(text, begin, end)


def pieces(text: str, start: int, end: int, *, size: int) -> Iterator[Span]:
    """The same, but one that is longer than `size` comes in several, cut between words."""
    for sentence in sentences(text, start, end):
        begin = sentence.start
        while sentence.end - begin > size:
            cut = _cut(text, begin, begin + size)
            yield from _trimmed(text, begin, cut)
            begin = cut
        yield from _trimmed(text, begin, sentence.end)


def _signs(text: str, start: int, end: int) -> Iterator[re.Match[str]]:
    """Everything that `_END` finds, in order."""
    at = start
    while (possible := _POSSIBLE.search(text, at, end)) is not None:
        place = possible.start()
        if possible[0] == "\n":
            while place > at and text[place - 1].isspace():
                place -= 1
        sign = _END.match(text, place, end)
        if sign is not None:
            yield sign
        at = (sign or possible).end()


def _is_end(text: str, begin: int, sign: re.Match[str]) -> bool:
    """Does a sentence that began there end with the sign?"""
    if sign["gap"] is not None:
        return sign["gap"].count("\n") > 1 or text[sign.end() : sign.end() + 1] in _MARKS
    return sign["stop"] is None or _is_full_stop(text, begin, sign)


def _is_full_stop(text: str, begin: int, stop: re.Match[str]) -> bool:
    """One with a space before it is, as in tokenized text; no first word ends its sentence."""
    at = stop.start()
    if at == begin or text[at - 1].isspace():
        return True
    if len(text[begin:at].split(maxsplit=1)) < 2:
        return False
    single = text[at - 1].isalpha() and not text[at - 2].isalnum()
    if single and stop["stop"] == ".":
        return False
    after = _NEXT.match(text, stop.end())
    return after is None or not after[1].islower()


def _cut(text: str, begin: int, most: int) -> int:
    """Where to cut at `most` at the latest: after a space, else between two letters."""
    for at in range(most, begin + (most - begin) // 2, -1):
        if text[at - 1].isspace() or text[at].isspace():
            return at
    at = most
    while at > max(begin + 1, most - _MOST_JOINED) and (
        unicodedata.combining(text[at]) or text[at] == "\u200d"
    ):
        at -= 1
    return at


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    """The span without the spaces around it; nothing where it is nothing but spaces."""
    inside = text[start:end]
    kept = inside.lstrip()
    start += len(inside) - len(kept)
    kept = kept.rstrip()
    if kept:
        yield Span(start, start + len(kept))
