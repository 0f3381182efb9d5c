"""Asked terms: the words of a query as terms, in their order, and which of them have synonyms.

Knows no index; how a term is looked for is `planning`'s.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from molt.index.lexical.analysis import Analyzer, Word
from molt.index.lexical.synonyms import Expansions
from molt.index.lexical.syntax import Clause


@dataclass(frozen=True)
class AskedTerm:
    """A term in a field, or in all; `spelt` is the word before it was stemmed."""

    term: str
    path: str | None
    spelt: str = field(compare=False)


@dataclass(frozen=True)
class AskedSpan:
    """Terms that stand together in a query, and what may stand for all of them."""

    terms: Sequence[AskedTerm]
    others: tuple[tuple[Word, ...], ...] = ()


def asked_terms(clause: Clause, analyzer: Analyzer) -> Iterator[AskedTerm]:
    """The terms of a clause in their order."""
    words = analyzer.words(clause.text)
    for word, spelt in zip(words, analyzer.spelt(clause.text), strict=True):
        yield AskedTerm(word.term, clause.field, spelt.term)


def asked_spans(
    clauses: Sequence[Clause], analyzer: Analyzer, expansions: Expansions
) -> Iterator[AskedSpan]:
    """The words that may hold or not, each once: those together that have synonyms together.

    Words stand together where they are of one field and no phrase or sign stands between them. Of
    a span that holds words which came before, only the others are told.
    """
    seen: set[AskedTerm] = set()
    for (loose, _), run in groupby(clauses, lambda one: (one.is_loose, one.field)):
        if loose:
            terms = [term for clause in run for term in asked_terms(clause, analyzer)]
            for span in _spans(terms, expansions):
                fresh = tuple(dict.fromkeys(term for term in span.terms if term not in seen))
                seen.update(fresh)
                if fresh:
                    yield AskedSpan(fresh, span.others)


def _spans(terms: Sequence[AskedTerm], expansions: Expansions) -> Iterator[AskedSpan]:
    """All terms in their order: those together that have synonyms together, the others alone."""
    at = 0
    for found in expansions.find([term.term for term in terms]):
        yield from (AskedSpan([term]) for term in terms[at : found.start])
        yield AskedSpan(terms[found.start : found.stop], found.others)
        at = found.stop
    yield from (AskedSpan([term]) for term in terms[at:])
