"""Weighing: what a term of a query is worth, by itself and in each field of an index.

BM25 in the index gives a term its rarity (Robertson & Zaragoza 2009, section 3.1); here is by how
much that is multiplied, and what a document could have at most.
"""

import math
from collections.abc import Sequence

from tantivy import Searcher

from molt.index.lexical.analysis import Analysis
from molt.index.lexical.asked import AskedTerm
from molt.index.lexical.function_words import FUNCTION_WEIGHT, function_words
from molt.index.lexical.schema import BODY, field_weights, searched_fields
from molt.index.ranking.field_weights import NO_WEIGHTS, FieldWeights

_K1 = 1.2
WeightedFields = Sequence[tuple[str, float]]
"""Fields of the index, and how much each counts."""


class Weighing:
    """Weighs terms for one searcher.

    `n_written` counts documents of the index, deleted ones too, as tantivy does. `weights` are of
    fields, in place of those that the analysis has; of a field that is not there they say nothing.
    """

    def __init__(
        self,
        analysis: Analysis,
        searcher: Searcher,
        *,
        n_written: int,
        weights: FieldWeights = NO_WEIGHTS,
    ) -> None:
        self._searcher = searcher
        self._n_written = n_written
        self._fields = searched_fields(analysis)
        self._function_words = function_words(analysis)
        self._everywhere = [(BODY, 1.0)]
        for path, usual in field_weights(analysis).items():
            if weight := weights.get(path, usual):
                self._everywhere.append((self._fields[path], weight))

    def targets(self, path: str | None) -> WeightedFields:
        """Where a term is looked for that is asked for in this field, or in all that count."""
        return self._everywhere if path is None else [(self._fields[path], 1.0)]

    def worth(self, term: AskedTerm) -> float:
        """What a word is worth that may hold or not, whichever field it stands in."""
        said = term.path is None and term.spelt in self._function_words
        return FUNCTION_WEIGHT if said else 1.0

    def is_known(self, term: AskedTerm) -> bool:
        """Has a document the term, in any field that counts?"""
        return any(self.frequency(name, term.term) for name, _ in self._everywhere)

    def frequency(self, name: str, term: str) -> int:
        """How many documents have a term in a field."""
        return self._searcher.doc_freq(name, term)

    def rarity(self, name: str, term: str) -> float:
        """The inverse document frequency of a term in a field."""
        having = self.frequency(name, term)
        return math.log1p((self._n_written - having + 0.5) / (having + 0.5))

    def ceiling(self, loose: Sequence[AskedTerm], required: Sequence[AskedTerm]) -> float:
        """What a document scores at most that has each term as often as it likes.

        A term's part of BM25 tends to k1 + 1 times its inverse document frequency, in each field
        where documents have it. A word that none has counts as the rarest there could be, so what
        is found instead scores little.
        """
        parts = [self.worth(term) * self._most(term) for term in loose]
        return (_K1 + 1) * sum([*parts, *map(self._most, required)])

    def _most(self, term: AskedTerm) -> float:
        """The rarity of a term in all fields that have it, or in all that could."""
        targets = self.targets(term.path)
        having = [one for one in targets if self.frequency(one[0], term.term)]
        return sum(weight * self.rarity(name, term.term) for name, weight in having or targets)
