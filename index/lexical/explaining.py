"""Explaining: what each word of a query adds to the BM25 score of documents.

Each is searched for alone, by the index that scored them all. A score is the sum over the words, so
these add up to it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from molt.index.lexical.lexical_index import LexicalIndex
from molt.index.lexical.planning import MOST_TERMS
from molt.index.lexical.schema import searched_fields
from molt.index.lexical.syntax import AskedWords, Clause, Occur, parse_words
from molt.index.ranking.field_weights import FieldWeights


@dataclass(frozen=True)
class WordShare:
    """A word or phrase as it was asked for, in how many rows of the index it is, live or not.

    `scores` are what it adds to documents, by ordinal; 0 where one does not have it.
    """

    text: str
    field: str | None
    rows: int
    scores: Mapping[int, float]


def explain_words(
    index: LexicalIndex, query: str, ordinals: Sequence[int], *, weights: FieldWeights
) -> list[WordShare]:
    """What the words of a query add, in their order, by `weights` of fields as in a search.

    Raises `LexicalError`.
    """
    asked = parse_words(query, fields=searched_fields(index.commit.analysis))
    shares = []
    for clause in list(_single(index, asked))[:MOST_TERMS]:
        alone = index.plan(AskedWords((clause,)), weights=weights)
        found = index.search(alone, k=max(len(ordinals), 1), among=ordinals)
        scores = dict.fromkeys(ordinals, 0.0)
        scores |= zip(found.ordinals.tolist(), found.scores.tolist(), strict=True)
        rows = index.search(alone, k=1).total
        shares.append(WordShare(clause.text, clause.field, rows, scores))
    return shares


def _single(index: LexicalIndex, asked: AskedWords) -> Iterator[Clause]:
    """Clauses that are scored one by one: each word once, phrases and required ones as they are."""
    seen: set[tuple[str, str | None]] = set()
    for clause in asked.clauses:
        if clause.occur is Occur.MUST_NOT:
            continue
        words = index.analyzer.words(clause.text)
        if not clause.is_loose:
            if words:
                yield clause
            continue
        for word, spelt in zip(words, index.analyzer.spelt(clause.text), strict=True):
            if (word.term, clause.field) not in seen:
                seen.add((word.term, clause.field))
                yield Clause(spelt.term, field=clause.field)
