"""Texts: how they are cleaned, and when two of them ask the same.

Knows neither queries nor documents. Changes nothing that a reader would see: emoji and text that
runs from right to left stay as they are.
"""

import re
import unicodedata

_SURROGATES = re.compile(r"[\ud800-\udfff]+")
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_QUOTES = "\"'\u00ab\u00bb\u2018\u2019\u201c\u201d\u201e"
_BEFORE = _QUOTES + "([{<\u00bf\u00a1"
_AFTER = _QUOTES + ")]}>.,;:!?-\u2026\u2013\u2014\u3001\u3002\uff0c\uff01\uff1f\u060c\u061f"


def collapse(text: str) -> str:
    """The text without lone surrogates, every run of blanks and control characters one space."""
    if not text.isascii():
        text = _SURROGATES.sub("", text)
    return _BLANKS.sub(" ", text).strip()


def compose(text: str, *, limit: int) -> str:
    """At most `limit` characters of a collapsed text, in Unicode's composed form (NFC).

    It is cut first: composing takes time that grows with the square of a run of accents.
    """
    return unicodedata.normalize("NFC", text[:limit])[:limit].rstrip()


def text_key(text: str) -> str:
    """What texts have in common that differ in case, blanks and invisible marks only."""
    if not text.isascii():
        text = "".join(one for one in text if unicodedata.category(one) != "Cf")
    return collapse(unicodedata.normalize("NFC", text.casefold()))


def word_set(key: str) -> frozenset[str]:
    """The words of a key, without the punctuation around them; `c++` and `.net` are words.

    A key of nothing but punctuation has its parts for words.
    """
    parts = key.split()
    return frozenset({part.rstrip(_AFTER).lstrip(_BEFORE) for part in parts} - {""} or parts)
