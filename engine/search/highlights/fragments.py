"""Fragments: which parts of a text are shown, and how they are written with marks.

Knows texts, spans and scores; what matches, and how near it is, is told.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from molt.index.lexical.matching import WordMatch, covered_spans
from molt.index.passages.cutting import Span

MOST_FRAGMENTS, LONGEST_FRAGMENT, SHORTEST_FRAGMENT = 10, 1_000, 20
_LEFT_OUT = "\u2026"
FragmentField = Literal["title", "text"]


@dataclass(frozen=True)
class Highlighting:
    """What is asked for: so many `fragments` of a hit, none longer than `size` characters.

    Marked words stand between `pre` and `post`.
    """

    fragments: int = 2
    size: int = 160
    pre: str = "<mark>"
    post: str = "</mark>"


@dataclass(frozen=True)
class Fragment:
    """Part of a document's text or title, from `start` on, with `marks` that do not overlap.

    `follows` where there is text before it, `goes_on` where there is some behind it.
    """

    text: str
    marks: tuple[Span, ...] = ()
    follows: bool = False
    goes_on: bool = False
    field: FragmentField = "text"
    start: int = 0

    def describe(self) -> dict[str, Any]:
        """Where it stands, as JSON."""
        return {"field": self.field, "start": self.start, "end": self.start + len(self.text)}

    def written(self, *, pre: str, post: str) -> str:
        """As HTML: all but `pre` and `post` is escaped."""
        parts, at = [f"{_LEFT_OUT} "] if self.follows else [], 0
        for mark in self.marks:
            parts += [escape(self.text[at : mark.start]), pre]
            parts += [escape(self.text[mark.start : mark.end]), post]
            at = mark.end
        parts.append(escape(self.text[at:]))
        return "".join([*parts, f" {_LEFT_OUT}"] if self.goes_on else parts)


def fragment_of(
    text: str,
    span: Span,
    matches: Sequence[WordMatch],
    *,
    within: Span | None = None,
    field: FragmentField = "text",
) -> Fragment:
    """A span of a text with marks; whether it goes on is told of the part `within` which it is."""
    whole = within or Span(0, len(text))
    inside = [one for one in matches if span.start <= one.start and one.end <= span.end]
    return Fragment(
        text[span.start : span.end],
        tuple(Span(a - span.start, b - span.start) for a, b in covered_spans(inside)),
        follows=bool(text[whole.start : span.start].strip()),
        goes_on=bool(text[span.end : whole.end].strip()),
        field=field,
        start=span.start,
    )


def chosen(
    spans: Sequence[Span],
    matches: Sequence[WordMatch],
    logits: NDArray[np.float32] | None,
    *,
    most: int,
) -> list[Span]:
    """At most so many spans: the one nearest by meaning, then those that say most of the query.

    `logits` `(n,)` are of each span how near it is, NaN where that is not known. Of the others each
    next one has most words that none before it has, then most words, then comes first in the text.
    """
    words = _words_of(spans, matches)
    left = list(range(len(spans)))
    found: list[int] = []
    if logits is not None and not np.isnan(logits).all():
        found.append(int(np.nanargmax(logits)))
        left.remove(found[0])
    shown = set[int]().union(*(words[at] for at in found))
    left = [at for at in left if words[at]]
    while left and len(found) < most:
        best = max(left, key=lambda at: (len(words[at] - shown), len(words[at]), -at))
        left.remove(best)
        found.append(best)
        shown |= words[best]
    return [spans[at] for at in found]


def _words_of(spans: Sequence[Span], matches: Sequence[WordMatch]) -> list[set[int]]:
    """Which of the query's words stand in each of some spans, which follow each other."""
    words, starts = [set[int]() for _ in spans], [span.start for span in spans]
    for one in matches:
        at = bisect_right(starts, one.start) - 1
        if at >= 0 and one.end <= spans[at].end:
            words[at].add(one.wanted)
    return words
