"""Matching: which words of a text are those that a query asks for.

By the analysis of the index, signs and quotes and all; what is excluded is not asked for. A word
that no document has stands for those that differ from it by few letters, as in the index. Knows no
scores.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from molt.index.lexical.analysis import Analyzer, Word
from molt.index.lexical.distance import edit_distance
from molt.index.lexical.placing import WORD, PlacedTerm, is_plain, placed_terms
from molt.index.lexical.planning import MOST_MISSPELT, MOST_TERMS, tolerance
from molt.index.lexical.syntax import AskedWords, Occur


@dataclass(frozen=True)
class WordMatch:
    """The characters `start` to `end` of a text, which are what the query asks for as `wanted`."""

    start: int
    end: int
    wanted: int


@dataclass(frozen=True)
class _Phrase:
    """Terms by how far each stands behind the first, and the number that the query has for it."""

    terms: tuple[tuple[int, str], ...]
    wanted: int


class WordMatcher:
    """Finds what a query asks for of a `field`, or of the text where that is None.

    `misspelt` are words of the query that no document has.
    """

    def __init__(
        self,
        asked: AskedWords,
        *,
        analyzer: Analyzer,
        field: str | None = None,
        misspelt: Sequence[str] = (),
    ) -> None:
        self._analyzer = analyzer
        self._single: dict[str, int] = {}
        self._phrases: list[_Phrase] = []
        self._similar: list[tuple[str, int, int]] = []
        self._looked_at: dict[str, int | None] = {}
        self._forms: dict[str, int | None] = {}
        unknown = frozenset(misspelt[:MOST_MISSPELT])
        for clause in asked.clauses[:MOST_TERMS]:
            if clause.occur is Occur.MUST_NOT or clause.field not in (None, field):
                continue
            words = analyzer.words(clause.text)
            if clause.is_loose or len(words) == 1:
                self._add(words, analyzer.spelt(clause.text), unknown)
            elif words:
                terms = tuple((word.position - words[0].position, word.term) for word in words)
                self._phrases.append(_Phrase(terms, self._next()))

    @property
    def is_vain(self) -> bool:
        """Is there nothing that could be found?"""
        return not (self._single or self._phrases)

    def matches(self, text: str) -> list[WordMatch]:
        """What of it stands where, by where that begins."""
        if self.is_vain or not text:
            return []
        if not self._phrases and is_plain(self._analyzer, text):
            return list(self._plain_words(text))
        placed = placed_terms(self._analyzer, text)
        found = [*self._words(placed), *self._phrases_in(placed)]
        return sorted(found, key=attrgetter("start", "end"))

    def _next(self) -> int:
        return len(self._single) + len(self._phrases)

    def _add(self, words: Sequence[Word], spelt: Sequence[Word], unknown: Collection[str]) -> None:
        for word, unstemmed in zip(words, spelt, strict=True):
            number = self._single.setdefault(word.term, self._next())
            if unstemmed.term in unknown:
                likely = {unstemmed.term, word.term}
                self._similar += [(one, tolerance(one), number) for one in likely]

    def _plain_words(self, text: str) -> Iterator[WordMatch]:
        """As `_words`, of a text that need not be placed."""
        known = self._forms
        for found in WORD.finditer(text):
            word = found[0]
            if word not in known:
                term = self._analyzer.term(word)
                known[word] = None if term is None else self._wanted(term)
            wanted = known[word]
            if wanted is not None:
                yield WordMatch(*found.span(), wanted)

    def _words(self, placed: Iterable[PlacedTerm]) -> Iterator[WordMatch]:
        for one in placed:
            wanted = self._wanted(one.term)
            if wanted is not None:
                yield WordMatch(one.start, one.end, wanted)

    def _wanted(self, term: str) -> int | None:
        """What the query has for a term of a text."""
        wanted = self._single.get(term)
        return self._alike(term) if wanted is None and self._similar else wanted

    def _alike(self, term: str) -> int | None:
        """What the query has for the word that it misspells."""
        if term not in self._looked_at:
            self._looked_at[term] = next(
                (
                    number
                    for word, letters, number in self._similar
                    if letters and edit_distance(word, term, most=letters) is not None
                ),
                None,
            )
        return self._looked_at[term]

    def _phrases_in(self, placed: Sequence[PlacedTerm]) -> Iterator[WordMatch]:
        at: dict[int, list[PlacedTerm]] = defaultdict(list)
        for one in placed if self._phrases else ():
            at[one.position].append(one)
        for phrase in self._phrases:
            for position in at:
                found = _phrase_at(position, phrase, at)
                if found:
                    yield WordMatch(found[0].start, found[-1].end, phrase.wanted)


def _phrase_at(position: int, phrase: _Phrase, at: dict[int, list[PlacedTerm]]) -> list[PlacedTerm]:
    """The words that make up a phrase which begins there, or none."""
    found = []
    for offset, term in phrase.terms:
        one = next((one for one in at.get(position + offset, ()) if one.term == term), None)
        if one is None:
            return []
        found.append(one)
    return found


def covered_spans(matches: Sequence[WordMatch]) -> list[tuple[int, int]]:
    """The characters that matches, in their order, cover: none twice."""
    spans: list[tuple[int, int]] = []
    for one in matches:
        if spans and one.start <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], one.end)
        else:
            spans.append((one.start, one.end))
    return spans
