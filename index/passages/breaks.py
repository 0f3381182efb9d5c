"""Breaks: where a text may be cut, and how well that suits it. Knows no language.

A heading is one of Markdown's; a paragraph ends with an empty line, a sentence with a full stop, a
question or an exclamation mark of whatever script, where no lower case goes on.
"""

import re
from collections.abc import Iterator
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class Level(IntEnum):
    """What begins at a break, from what tears a text most to what does so least."""

    CHARACTER = 0
    WORD = 1
    SENTENCE = 2
    LINE = 3
    PARAGRAPH = 4
    HEADING = 5


_BREAKS = {
    Level.WORD: re.compile(r"\s+"),
    Level.SENTENCE: re.compile(
        "[.!?…\u061f\u06d4।॥]+[\"'”\u2019»)\\]]*\\s+|[。\uff01\uff1f｡]+[」』”\u2019\uff09]*\\s*"
    ),
    Level.LINE: re.compile(r"\n\s*"),
    Level.PARAGRAPH: re.compile(r"\n[^\S\n]*\n\s*"),
    Level.HEADING: re.compile(r"\n\s*(?=#{1,6}[^\S\n]+\S)"),
}


def levels_at(text: str, places: NDArray[np.int64]) -> NDArray[np.int8]:
    """The best level of a break at or just before each of `places` `(n,)`, as `(n,) int8`.

    Places ascend; a break is where what comes after it begins, and counts for the first place that
    is not before that.
    """
    found = np.full(len(places), Level.CHARACTER, np.int8)
    for level, pattern in _BREAKS.items():
        ends = np.array(list(_ends(pattern, text, level)), np.int64)
        at = np.searchsorted(places, ends)
        found[at[at < len(places)]] = level
    return found


def _ends(pattern: re.Pattern[str], text: str, level: Level) -> Iterator[int]:
    for match in pattern.finditer(text):
        if level is not Level.SENTENCE or not text[match.end() : match.end() + 1].islower():
            yield match.end()
