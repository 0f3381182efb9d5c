"""Placing: where in a text the terms stand that its analysis makes of it.

The terms are those of the index, since the same prepared text is cut. Each character of that is
followed back to the piece of the text which it was made of.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from molt.index.lexical.analysis import UNSPACED, Analyzer, prepared_text

_JOINING = re.compile("[\u1160-\u11ff\u3131-\u318e\uff9e\uff9f\uffa0-\uffdc\ud7b0-\ud7fb]")
"""Beside marks, what may become one character with what stands before it: jamo and kana's signs."""


WORD = re.compile(r"[^\W_]+")
"""A word of a plain text, as tantivy's tokenizer cuts it."""
_PLAIN = re.compile("[\x00-\x7f\u00c0-\u024f\u2010-\u2027\u2030-\u205e]*")
"""ASCII, Latin letters with their accents, and punctuation: of these Python and Rust agree what is
part of a word."""


def is_plain(analyzer: Analyzer, text: str) -> bool:
    """Are its terms, in their order, just what `Analyzer.term` makes of each `WORD`?

    That takes a quarter of the time which tantivy takes to place them.
    """
    if analyzer.analysis.compounds:
        return False
    return text.isascii() or (
        _PLAIN.fullmatch(text) is not None and unicodedata.is_normalized("NFKC", text)
    )


class PlacedTerm(NamedTuple):
    """A term, its place among the words, and the characters `start` to `end` that it was.

    A named tuple, since thousands are made for a page of hits.
    """

    term: str
    position: int
    start: int
    end: int


def placed_terms(analyzer: Analyzer, text: str) -> list[PlacedTerm]:
    """The terms of a text in their order, as `Analyzer.words` has them."""
    prepared = prepared_text(text)
    places = None if prepared == text else _places(text)
    found = (
        PlacedTerm(one.text, one.position, one.char_offset_from, one.char_offset_to)
        for one in analyzer.tantivy.pre_tokenize(prepared).tokens
    )
    return list(found) if places is None else [_followed_back(one, places) for one in found]


_Places = list[tuple[int, int]]
_NOWHERE = (0, 0)


def _followed_back(one: PlacedTerm, places: _Places) -> PlacedTerm:
    """A term of the prepared text where it stands in the text itself."""
    last = max(one.start, one.end - 1)
    return PlacedTerm(one.term, one.position, places[one.start][0], places[last][1])


def _places(text: str) -> _Places:
    """Which characters of `text` each of the prepared one was made of; a space put in, of none."""
    normal, made_of = _normalised(text)
    found: _Places = []
    end = 0
    for run in UNSPACED.finditer(normal):
        found += made_of[end : run.start()]
        start, end = run.span()
        for place in range(start, max(end - 1, start + 1)):
            found += [_NOWHERE, *made_of[place : min(place + 2, end)]]
        found.append(_NOWHERE)
    return found + made_of[end:]


def _normalised(text: str) -> tuple[str, _Places]:
    """The text in NFKC, and which characters each one of it was made of."""
    if unicodedata.is_normalized("NFKC", text):
        return text, [(at, at + 1) for at in range(len(text))]
    parts: list[str] = []
    made_of: _Places = []
    for start, end in _pieces(text):
        part = unicodedata.normalize("NFKC", text[start:end])
        whole = len(part) == end - start
        made_of += (
            [(start + at, start + at + 1) for at in range(len(part))]
            if whole
            else [(start, end)] * len(part)
        )
        parts.append(part)
    return "".join(parts), made_of


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Parts of a text that are normalised each by itself: a character and what joins it."""
    start = 0
    for at in range(1, len(text)):
        char = text[at]
        if char.isascii() or not (unicodedata.category(char)[0] == "M" or _JOINING.match(char)):
            yield start, at
            start = at
    if text:
        yield start, len(text)
