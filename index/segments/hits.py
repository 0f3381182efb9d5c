"""Hits: the rows that several segments found, as one ranking of documents.

A document stands where its best row stands; of equal scores the lower ordinal comes first.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from molt.index.segments.exact import Ranked, Rows, Vectors
from molt.index.segments.scope import Scope
from molt.index.segments.segment import ROW


@dataclass(frozen=True)
class RowHit:
    """A document, by ordinal, with its best passage: its number, and its span in the text."""

    ordinal: int
    passage: int
    start: int
    end: int
    score: float


@dataclass(frozen=True)
class _Candidates:
    """Rows of several scopes: where each lies, its document and its score, best first."""

    scope: Rows
    row: Rows
    ordinals: Rows
    scores: Vectors

    def at(self, places: Rows) -> "_Candidates":
        return _Candidates(
            self.scope[places], self.row[places], self.ordinals[places], self.scores[places]
        )


def best_documents(scopes: Sequence[Scope], query: Vectors, *, k: int) -> list[RowHit]:
    """The `k` documents with the best rows for `query` `(dim,) float32`.

    Asks for more rows until those found belong to `k` documents, or none are left.
    """
    n_rows = k
    while scopes and k > 0:
        found = [scope.search(query, k=n_rows) for scope in scopes]
        documents = _candidates(scopes, found)
        if any(scope.segment.first_rows is not None for scope in scopes):
            documents = _documents(documents)
        floors = [
            (float(ranked.scores[-1]), int(scope.segment.ordinals[ranked.rows[-1]]))
            for scope, ranked in zip(scopes, found, strict=True)
            if scope.n_rows > n_rows
        ]
        if not floors or _n_certain(documents, floors) >= k:
            return _hits(scopes, documents.at(np.arange(min(k, len(documents.row)))))
        n_rows *= 4
    return []


def _candidates(scopes: Sequence[Scope], found: Sequence[Ranked]) -> _Candidates:
    ordinals = [s.segment.ordinals[f.rows] for s, f in zip(scopes, found, strict=True)]
    merged = _Candidates(
        np.repeat(np.arange(len(scopes)), [len(ranked.rows) for ranked in found]),
        np.concatenate([ranked.rows for ranked in found]),
        np.concatenate(ordinals),
        np.concatenate([ranked.scores for ranked in found]),
    )
    return merged.at(np.lexsort((merged.row, merged.ordinals, -merged.scores)))


def _documents(candidates: _Candidates) -> _Candidates:
    """The best row of each document."""
    _, firsts = np.unique(candidates.ordinals, return_index=True)
    return candidates.at(np.sort(firsts))


def _n_certain(documents: _Candidates, floors: Sequence[tuple[float, int]]) -> int:
    """How many documents stay where they are, whatever rows lie below the segments' `floors`."""
    score, ordinal = min(floors, key=lambda floor: (-floor[0], floor[1]))
    above = documents.scores > score
    beside = (documents.scores == score) & (documents.ordinals <= ordinal)
    return int(np.count_nonzero(above | beside))


def _hits(scopes: Sequence[Scope], documents: _Candidates) -> list[RowHit]:
    rows = np.empty(len(documents.row), ROW)
    for place, scope in enumerate(scopes):
        own = documents.scope == place
        rows[own] = scope.segment.rows[documents.row[own]]
    return [
        RowHit(ordinal, passage, start, end, score)
        for (ordinal, _, passage, start, end, _), score in zip(
            rows.tolist(), documents.scores.tolist(), strict=True
        )
    ]
