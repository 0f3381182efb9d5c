"""Correcting: the query that may have been meant, where words of it are in no document.

Such a word gives way to one that differs from it by a few letters, as documents spell it: the
documents that the lexical index finds for it are looked into, since the index itself knows words
by their stems. Costs nothing where all words are known, and looks into little otherwise.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from molt.engine.live.pair import Live
from molt.engine.search.candidates import Stopwatch
from molt.engine.search.query import SearchQuery
from molt.index.catalog.catalog import Catalog
from molt.index.lexical.distance import edit_distance
from molt.index.lexical.lexical_index import LexicalIndex
from molt.index.lexical.planning import tolerance

_MOST_CORRECTED = 4
_FOUND = 64
_LOOKED_INTO = 16
"""Documents that are read for each word, the ones with the nearest words."""
_AT_ONCE = 4
_MOST_CHARS = 8_000
"""What is read of each, and of its title."""
_ENOUGH_CHARS = 1_000_000
"""Documents that have so many together are enough."""
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class _Near:
    """A word of documents: how many letters differ, and how many documents have it."""

    word: str
    differing: int
    documents: int


def corrected(
    query: SearchQuery, unknown: Sequence[str], *, live: Live, catalog: Catalog, watch: Stopwatch
) -> str | None:
    """The query with better words in place of the `unknown` ones; None where there are none."""
    index, snapshot = live.leg.index, live.snapshot
    wrong = [word for word in unknown if tolerance(word)][:_MOST_CORRECTED]
    if not wrong or index is None or snapshot is None:
        return None
    with watch.timing("correct"):
        visible, better = snapshot.visible(query.where), {}
        for word in wrong:
            hits = index.similar(word, k=_FOUND)
            shown = hits.ordinals[visible.find(hits.ordinals).shown].tolist()
            texts = _texts(shown[:_LOOKED_INTO], live=live, catalog=catalog)
            near = _nearest(word, texts, index)
            if near is not None:
                better[word] = near.word
        return _replaced(query.text, better, index) if better else None


def _texts(ordinals: Sequence[int], *, live: Live, catalog: Catalog) -> Iterator[str]:
    """The beginnings of documents; what has expired meanwhile has none."""
    chars = 0
    for start in range(0, len(ordinals), _AT_ONCE):
        few = ordinals[start : start + _AT_ONCE]
        for stored in catalog.documents.hydrate(live.collection, few).values():
            chars += stored.chars
            if live.shows(stored.document):
                yield stored.document.title[:_MOST_CHARS]
                yield stored.document.text[:_MOST_CHARS]
        if chars > _ENOUGH_CHARS:
            return


def _nearest(word: str, texts: Iterable[str], index: LexicalIndex) -> _Near | None:
    """The word with the fewest other letters, of those the one that most documents have."""
    most, said = tolerance(word), set[str]()
    for text in texts:
        said.update(_WORD.findall(unicodedata.normalize("NFC", text).lower()))
    found = []
    for candidate in sorted(said):
        if abs(len(candidate) - len(word)) > most + 1:
            continue
        differing = edit_distance(word, _spelt(candidate, index), most=most)
        documents = index.frequency(candidate) if differing else 0
        if differing and documents:
            found.append(_Near(candidate, differing, documents))
    return min(found, key=lambda one: (one.differing, -one.documents), default=None)


def _replaced(text: str, better: Mapping[str, str], index: LexicalIndex) -> str:
    """A query with other words in the places of some; signs, quotes and blanks stay."""

    def other(found: re.Match[str]) -> str:
        word = found[0]
        instead = better.get(_spelt(word, index), word)
        return instead.capitalize() if instead != word and word[:1].isupper() else instead

    return _WORD.sub(other, unicodedata.normalize("NFC", text))


def _spelt(word: str, index: LexicalIndex) -> str:
    """A word as the index compares spellings; empty where it is a stop word, or several."""
    analyzer = index.analyzer
    if word.isascii() and not analyzer.analysis.compounds:
        return word.lower() if analyzer.term(word) is not None else ""
    spelt = analyzer.spelt(word)
    return spelt[0].term if len(spelt) == 1 else ""
