"""Planning: what was asked for as a query of tantivy's, over the terms that an index holds.

A document's score is the sum of BM25 over the terms that it has (Robertson & Zaragoza 2009,
section 3.1, with k1 = 1.2 and b = 0.75, as Lucene has them). A word that no document has is taken
for others that differ from it by as few letters as its length allows. Tantivy gives all of them the
same score: here it is less than what an exact match of a word worth asking for has, and the less
the more letters differ. What stands for other words by a rule (`synonyms`) scores the best of all
of them, none of which is worth more than the words that were asked for.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tantivy import Occur as Boolean
from tantivy import Query, Schema, Searcher

from molt.index.lexical.analysis import Analyzer, Word
from molt.index.lexical.asked import AskedTerm, asked_spans, asked_terms
from molt.index.lexical.schema import BODY
from molt.index.lexical.synonyms import NO_EXPANSIONS, Expansions
from molt.index.lexical.syntax import AskedWords, Clause, Occur
from molt.index.lexical.weighing import Weighing
from molt.index.ranking.field_weights import NO_WEIGHTS, FieldWeights

MOST_TERMS = 256
"""So many terms are looked for, and so many phrases; what stands behind them is not read."""
MOST_MISSPELT = 8
MOST_OTHERS = 256
"""So many synonyms are looked for beside the words of one query."""
SYNONYM_WEIGHT = 0.9
"""What a synonym scores of what the word itself would in its place."""
_SIMILAR = {1: 1.0, 2: 0.5}
"""What a word scores that differs by so many letters."""
_BOOLEAN = {
    Occur.SHOULD: Boolean.Should,
    Occur.MUST: Boolean.Must,
    Occur.MUST_NOT: Boolean.MustNot,
}
_Part = tuple[Boolean, Query]


@dataclass(frozen=True)
class WordQuery:
    """What is searched for. `misspelt` are words that no document has, as they were written.

    `truncated` where the end was not read. No document scores more than `ceiling`; `n_words` of
    those asked for say something; `binding` where signs or quotes say which documents are wanted
    at all.
    """

    query: Query
    misspelt: tuple[str, ...] = ()
    truncated: bool = False
    ceiling: float = 0.0
    n_words: int = 0
    binding: bool = False


@dataclass(frozen=True)
class _Unit:
    """Terms that count each by itself, and `others` that may stand for all of them."""

    terms: Sequence[AskedTerm]
    others: tuple[Query, ...] = ()


class Planner:
    """Makes queries for one searcher."""

    def __init__(
        self,
        analyzer: Analyzer,
        schema: Schema,
        searcher: Searcher,
        *,
        n_written: int,
        weights: FieldWeights = NO_WEIGHTS,
    ) -> None:
        """As `Weighing` has `n_written` and `weights`."""
        self.schema = schema
        self.searcher = searcher
        self._n_written = n_written
        self._analyzer = analyzer
        self._weighing = Weighing(analyzer.analysis, searcher, n_written=n_written, weights=weights)

    def weighted(self, weights: FieldWeights) -> "Planner":
        """One that weighs fields so, in place of what the analysis says of them."""
        analyzer, n_written = self._analyzer, self._n_written
        return Planner(analyzer, self.schema, self.searcher, n_written=n_written, weights=weights)

    def plan(self, wanted: AskedWords, expansions: Expansions = NO_EXPANSIONS) -> WordQuery:
        """The query that is meant; where nothing of it is a word, nothing is found."""
        strict = [clause for clause in wanted.clauses if not clause.is_loose]
        required = list(self._required(strict[:MOST_TERMS]))
        units, whole = self._units(wanted.clauses, expansions)
        read = [term for unit in units for term in unit.terms]
        unknown = [
            term for unit in units if not unit.others for term in unit.terms if self._is_new(term)
        ]
        parts = [(Boolean.Should, query) for unit in units for query in self._unit(unit)]
        parts += [(Boolean.Should, one) for one in self._similar(unknown[:MOST_MISSPELT])]
        told = self._strict(strict[:MOST_TERMS])
        misspelt = [*unknown, *filter(self._is_new, required)]
        return WordQuery(
            _joined([*parts, *told]),
            tuple(dict.fromkeys(term.spelt for term in misspelt)),
            wanted.truncated or not whole or len(strict) > MOST_TERMS,
            self._weighing.ceiling(read, required),
            sum(self._weighing.worth(term) == 1.0 for term in read) + len(required),
            binding=bool(told),
        )

    def similar(self, word: str) -> Query | None:
        """What finds documents with words that differ from this one by a few letters."""
        found = [AskedTerm(one.term, None, word) for one in self._analyzer.words(word)]
        return next(self._similar(found), None) if len(found) == 1 else None

    def frequency(self, word: str) -> int:
        """How many documents have a word; 0 of what is none, or several."""
        words = self._analyzer.words(word)
        return self.searcher.doc_freq(BODY, words[0].term) if len(words) == 1 else 0

    def _units(self, clauses: Sequence[Clause], expansions: Expansions) -> tuple[list[_Unit], bool]:
        """The words that may hold or not, each once, with their synonyms; are these all?"""
        units: list[_Unit] = []
        n_terms = n_others = 0
        for span in asked_spans(clauses, self._analyzer, expansions):
            if n_terms + len(span.terms) > MOST_TERMS:
                return units, False
            others = span.others[: MOST_OTHERS - n_others]
            n_terms, n_others = n_terms + len(span.terms), n_others + len(others)
            units.append(_Unit(span.terms, tuple(self._others(span.terms, others))))
        return units, True

    def _unit(self, unit: _Unit) -> list[Query]:
        own = [self._term(term) for term in unit.terms]
        if not unit.others:
            return own
        both = [(Boolean.Should, query) for query in own]
        asked = own[0] if len(own) == 1 else Query.boolean_query(both)
        return [Query.disjunction_max_query([asked, *unit.others])]

    def _others(
        self, asked: Sequence[AskedTerm], others: Sequence[Sequence[Word]]
    ) -> Iterator[Query]:
        """Synonyms of what is asked for, in each field worth no more than that is there."""
        if not others:
            return
        weighing = self._weighing
        for words in others:
            made = []
            for name, weight in weighing.targets(asked[0].path):
                if all(weighing.frequency(name, word.term) for word in words):
                    own = sum(
                        weighing.worth(term) * weighing.rarity(name, term.term) for term in asked
                    )
                    other = sum(weighing.rarity(name, word.term) for word in words)
                    worth = weight * SYNONYM_WEIGHT * min(1.0, own / other)
                    query = Query.boost_query(self._following(words, name), worth)
                    made.append((Boolean.Should, query))
            if made:
                yield Query.boolean_query(made)

    def _is_new(self, term: AskedTerm) -> bool:
        """Is it a word that no document has, in any field?"""
        return term.path is None and not self._weighing.is_known(term)

    def _required(self, clauses: Sequence[Clause]) -> Iterator[AskedTerm]:
        """The terms that strict clauses ask for."""
        for clause in clauses:
            if clause.occur is not Occur.MUST_NOT:
                yield from asked_terms(clause, self._analyzer)

    def _term(self, term: AskedTerm) -> Query:
        """A word that may hold or not."""
        query, worth = self._phrase([Word(term.term, 0)], term.path), self._weighing.worth(term)
        return query if worth == 1.0 else Query.boost_query(query, worth)

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
        return self._across(path, lambda name: self._following(words, name))

    def _following(self, words: Sequence[Word], name: str) -> Query:
        """These words in one field, as they follow on each other."""
        if len(words) == 1:
            return Query.term_query(self.schema, name, words[0].term, "freq")
        first = words[0].position
        placed: list[str | tuple[int, str]] = [(one.position - first, one.term) for one in words]
        return Query.phrase_query(self.schema, name, placed)

    def _similar(self, terms: Sequence[AskedTerm]) -> Iterator[Query]:
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
        made = [(make(name), weight) for name, weight in self._weighing.targets(path)]
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
