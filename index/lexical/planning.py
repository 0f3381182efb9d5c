"""Planning: what was asked for as a query of tantivy's, over the terms that an index holds.

A document's score is the sum of BM25 over the terms that it has (Robertson & Zaragoza 2009,
section 3.1, with k1 = 1.2 and b = 0.75, as Lucene has them). A word that no document has is taken
for others that differ from it by as few letters as its length allows. Tantivy gives all of them the
same score: here it is less than what an exact match of a word worth asking for has, and the less
the more letters differ.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from tantivy import Occur as Boolean
from tantivy import Query, Schema, Searcher

from molt.index.lexical.analysis import Analyzer, Word
from molt.index.lexical.schema import BODY, searched_fields
from molt.index.lexical.syntax import AskedWords, Clause, Occur

MOST_TERMS = 256
"""So many terms are looked for, and so many phrases; what stands behind them is not read."""
MOST_MISSPELT = 8
_SIMILAR = {1: 1.0, 2: 0.5}
"""What a word scores that differs by so many letters."""
_K1 = 1.2
_BOOLEAN = {
    Occur.SHOULD: Boolean.Should,
    Occur.MUST: Boolean.Must,
    Occur.MUST_NOT: Boolean.MustNot,
}
_Part = tuple[Boolean, Query]


@dataclass(frozen=True)
class WordQuery:
    """What is searched for. `misspelt` are words that no document has, as they were written.

    `truncated` where the end was not read. No document scores more than `ceiling`; `binding` where
    signs or quotes say which documents are wanted at all.
    """

    query: Query
    misspelt: tuple[str, ...] = ()
    truncated: bool = False
    ceiling: float = 0.0
    binding: bool = False


@dataclass(frozen=True)
class _Term:
    """A term in a field, or in all; `spelt` is the word before it was stemmed."""

    term: str
    path: str | None
    spelt: str = field(compare=False)


class Planner:
    """Makes queries for one searcher."""

    def __init__(self, analyzer: Analyzer, schema: Schema, searcher: Searcher) -> None:
        self.schema = schema
        self.searcher = searcher
        self._analyzer = analyzer
        self._fields = searched_fields(analyzer.analysis)
        weights = analyzer.analysis.weights
        weighted = [(self._fields[path], weight) for path, weight in weights.items() if weight]
        self._targets = [(BODY, 1.0), *weighted]

    def plan(self, wanted: AskedWords) -> WordQuery:
        """The query that is meant; where nothing of it is a word, nothing is found."""
        loose = [clause for clause in wanted.clauses if clause.is_loose]
        strict = [clause for clause in wanted.clauses if not clause.is_loose]
        terms = list(dict.fromkeys(term for clause in loose for term in self._terms(clause)))
        read = terms[:MOST_TERMS]
        unknown = [term for term in read if term.path is None and not self._is_known(term)]
        parts = [(Boolean.Should, self._term(term)) for term in read]
        parts += [(Boolean.Should, one) for one in self._similar(unknown[:MOST_MISSPELT])]
        parts += self._strict(strict[:MOST_TERMS])
        return WordQuery(
            _joined(parts),
            tuple(term.spelt for term in unknown),
            wanted.truncated or max(len(terms), len(strict)) > MOST_TERMS,
            self._ceiling([*read, *self._required(strict[:MOST_TERMS])]),
            binding=bool(strict),
        )

    def _terms(self, clause: Clause) -> Iterator[_Term]:
        words = self._analyzer.words(clause.text)
        for word, spelt in zip(words, self._analyzer.spelt(clause.text), strict=True):
            yield _Term(word.term, clause.field, spelt.term)

    def _is_known(self, term: _Term) -> bool:
        return any(self.searcher.doc_freq(name, term.term) for name, _ in self._targets)

    def _required(self, clauses: Sequence[Clause]) -> Iterator[_Term]:
        """The terms that strict clauses ask for."""
        for clause in clauses:
            if clause.occur is not Occur.MUST_NOT:
                yield from self._terms(clause)

    def _ceiling(self, terms: Sequence[_Term]) -> float:
        """What a document scores at most that has each term as often as it likes.

        A term's part of BM25 tends to k1 + 1 times its inverse document frequency. A word that no
        document has counts as the rarest there could be, so what is found instead scores little.
        """
        documents = self.searcher.num_docs
        ceiling = 0.0
        for term in terms:
            targets = self._targets if term.path is None else [(self._fields[term.path], 1.0)]
            for name, weight in targets:
                having = self.searcher.doc_freq(name, term.term)
                ceiling += weight * math.log1p((documents - having + 0.5) / (having + 0.5))
        return (_K1 + 1) * ceiling

    def _term(self, term: _Term) -> Query:
        return self._across(
            term.path, lambda name: Query.term_query(self.schema, name, term.term, "freq")
        )

    def _strict(self, clauses: Sequence[Clause]) -> list[_Part]:
        """Phrases, and what is required or excluded; one without any word asks for nothing."""
        worded = [(clause, self._analyzer.words(clause.text)) for clause in clauses]
        return [
            (_BOOLEAN[clause.occur], self._phrase(words, clause.field))
            for clause, words in worded
            if words
        ]

    def _phrase(self, words: Sequence[Word], path: str | None) -> Query:
        """These words as they follow on each other; what is left out between them may be any."""
        if len(words) == 1:
            return self._term(_Term(words[0].term, path, words[0].term))
        first = words[0].position
        placed: list[str | tuple[int, str]] = [(one.position - first, one.term) for one in words]
        return self._across(path, lambda name: Query.phrase_query(self.schema, name, placed))

    def _similar(self, terms: Sequence[_Term]) -> Iterator[Query]:
        """Words that differ from each of these by a few letters."""
        for term in terms:
            likely = [
                Query.const_score_query(
                    Query.fuzzy_term_query(self.schema, BODY, text, letters), score
                )
                for text in {term.spelt, term.term}
                for letters, score in _SIMILAR.items()
                if letters <= tolerance(text)
            ]
            if likely:
                yield Query.disjunction_max_query(likely)

    def _across(self, path: str | None, make: Callable[[str], Query]) -> Query:
        """One query for each field that counts, by its weight."""
        if path is not None:
            return make(self._fields[path])
        made = [(make(name), weight) for name, weight in self._targets]
        if len(made) == 1:
            return made[0][0]
        return Query.boolean_query(
            [(Boolean.Should, Query.boost_query(query, weight)) for query, weight in made]
        )


def tolerance(word: str) -> int:
    """How many letters of a word may be others; of what holds a digit, a number or a code, none."""
    if any(map(str.isdigit, word)):
        return 0
    return 0 if len(word) <= 3 else 1 if len(word) <= 7 else 2


def _joined(parts: Sequence[_Part]) -> Query:
    if not parts:
        return Query.empty_query()
    if all(occur is Boolean.MustNot for occur, _ in parts):
        every = Query.const_score_query(Query.all_query(), 0.0)
        return Query.boolean_query([(Boolean.Must, every), *parts])
    return Query.boolean_query(list(parts))
