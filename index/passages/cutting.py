"""Cutting: a text as passages of at most so many tokens, cut where it suits the text.

Where the tokens stand is told by the caller; nothing is known here of encoders.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molt.index.passages.breaks import Level, levels_at

_LEAST_FILLED = 0.5
"""A passage is at least so full, unless the text ends: the best break behind that is taken."""
MOST_PASSAGES = 1_000
"""The last one of a longer text holds the rest of it."""


@dataclass(frozen=True)
class Span:
    """The characters `start` to `end` of a text."""

    start: int
    end: int


def split_text(
    text: str, starts: NDArray[np.int64], *, budget: int, overlap: int = 0
) -> Sequence[Span]:
    """The passages of a text whose tokens begin at `starts` `(n,)`, ascending.

    Each has at most `budget` tokens but the last of `MOST_PASSAGES`, and together they cover the
    text. What follows a cut begins again with whole sentences of what was before it, of at most
    `overlap` tokens together.
    """
    if len(starts) <= budget:
        return (Span(0, len(text)),)
    levels = levels_at(text, starts)
    spans: list[Span] = []
    first = 0
    while len(starts) - first > budget and len(spans) < MOST_PASSAGES - 1:
        last = first + _cut(levels[first : first + budget + 1], budget)
        spans.append(Span(_place(starts, first), _place(starts, last)))
        first = max(_resumed(levels, last, overlap=min(overlap, last - first - 1)), first + 1)
    return (*spans, Span(_place(starts, first), len(text)))


def _place(starts: NDArray[np.int64], token: int) -> int:
    """Where a passage begins whose first token is this one; the first holds what is before it."""
    return int(starts[token]) if token else 0


def _cut(levels: NDArray[np.int8], budget: int) -> int:
    """How many tokens to take: up to the last of the best breaks."""
    least = max(1, int(_LEAST_FILLED * budget))
    able = levels[least:]
    best = int(np.flatnonzero(able == able.max())[-1])
    return least + best


def _resumed(levels: NDArray[np.int8], last: int, *, overlap: int) -> int:
    """With which token the passage after a cut begins."""
    if overlap <= 0 or levels[last] >= Level.PARAGRAPH:
        return last
    earlier = np.flatnonzero(levels[last - overlap : last] >= Level.SENTENCE)
    return last - overlap + int(earlier[0]) if len(earlier) else last
