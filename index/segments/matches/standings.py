"""Standings: in which order the matching documents of one scope come, as far as anybody asks.

By the values of fields, then by score, then by id; without fields by score and then by ordinal, as
every search ranks. Only documents that the fields leave side by side are scored, and only as many
are sorted as are wanted.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from molt.index.segments.exact import Mask, Rows, score_rows
from molt.index.segments.hits import RowHit
from molt.index.segments.matches.facets import counted
from molt.index.segments.matches.order import Order, OrderedHit, Position, SortField
from molt.index.segments.matches.sort_column import SORT_KINDS, SortColumn, SortKey, sort_column
from molt.index.segments.matches.terms import Codes
from molt.index.segments.scalar import ID_FIELD, ScalarKind
from molt.index.segments.scope import Scope
from molt.index.segments.spans import Spans

_Scores = npt.NDArray[np.float32] | npt.NDArray[np.float64]
_MOST = 2**62
_TEXT = SORT_KINDS.index(ScalarKind.TEXT)


class Standings:
    """The documents of a scope that match, named by their places, 0 to `len(self)`."""

    def __init__(self, scope: Scope, order: Order) -> None:
        self._order = order
        self._segment = scope.segment
        self.rows: Rows = np.flatnonzero(counted(scope).documents)
        self._columns = [self._column(one.field) for one in order.fields]
        self._places = [
            _placed(column, one, self.rows)
            for column, one in zip(self._columns, order.fields, strict=True)
        ]
        sizes = [len(column) + 1 for column in self._columns]
        self.keys = _combined(self._places, sizes, n_documents=len(self.rows))
        self._ids = self._column(ID_FIELD) if order.by_id else None
        self.ties: Codes = (
            self.rows if self._ids is None else self._ids.least[self.rows].astype(np.int64)
        )
        self._scores: _Scores = np.full(len(self.rows), np.nan, np.float32)
        if order.scores is not None:
            self._scores = order.scores.of(self.ordinals)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def ordinals(self) -> Rows:
        """The documents, `(n,) int64`, ascending."""
        return self._segment.ordinals[self.rows]

    def places_of(self, rows: Rows) -> Rows:
        """The places of the documents that begin at some rows, `(m,)`; -1 where none matches."""
        places = np.full(len(self._segment), -1, np.int64)
        places[self.rows] = np.arange(len(self))
        found: Rows = places[rows]
        return found

    def scores(self, places: Rows) -> _Scores:
        """The scores of documents, given or by their best passages, `(m,)`; computed once."""
        unknown = places[np.isnan(self._scores[places])]
        if len(unknown) and self._order.query is not None:
            spans = self._passages(unknown)
            own = score_rows(self._segment.vectors, self._order.query, rows=spans.rows)
            before = np.cumsum(spans.lengths) - spans.lengths
            self._scores[unknown] = np.maximum.reduceat(own, before)
        return self._scores[places]

    def best(self, places: Rows, *, k: int) -> Rows:
        """The first `k` of some documents, in order."""
        if len(places) > k:
            keys = self.keys[places]
            last = np.partition(keys, k - 1)[k - 1]
            sure, even = places[keys < last], places[keys == last]
            places = np.concatenate([sure, self._best_scored(even, k=k - len(sure))])
        order = np.lexsort((self.ties[places], -self.scores(places), self.keys[places]))
        return places[order]

    def after(self, position: Position) -> Mask:
        """Which documents `(n,)` come after a position, whether anything stands there or not."""
        beyond, beside = np.zeros(len(self), bool), np.ones(len(self), bool)
        for column, places, one, key in zip(
            self._columns, self._places, self._order.fields, position.keys, strict=True
        ):
            first, after = _extent(column, one, key)
            beyond |= beside & (places >= after)
            beside &= (places >= first) & (places < after)
        even = np.flatnonzero(beside)
        scores = self.scores(even)
        later = self._ties_after(position.tie)[even]
        beyond[even] = (scores < position.score) | ((scores == position.score) & later)
        return beyond

    def standings(self, places: Rows) -> list[OrderedHit]:
        """Documents with their best passages and positions."""
        rows = self._segment.rows[self._best_rows(places)]
        found = zip(places.tolist(), rows.tolist(), self.scores(places).tolist(), strict=True)
        return [
            OrderedHit(
                RowHit(ordinal, passage, start, end, score), self._position(place, ordinal, score)
            )
            for place, (ordinal, _, passage, start, end, _), score in found
        ]

    def _column(self, field: str) -> SortColumn:
        return sort_column(self._segment.attributes, field, n_rows=len(self._segment))

    def _best_scored(self, places: Rows, *, k: int) -> Rows:
        """The `k` best of documents that the fields leave side by side."""
        if len(places) <= k:
            return places
        scores = -self.scores(places)
        last = np.partition(scores, k - 1)[k - 1]
        sure, even = places[scores < last], places[scores == last]
        chosen = np.argsort(self.ties[even], kind="stable")[: k - len(sure)]
        return np.concatenate([sure, even[chosen]])

    def _ties_after(self, tie: str | int) -> Mask:
        if self._ids is None or isinstance(tie, int):
            return self.ordinals > (tie if isinstance(tie, int) else -1)
        return self.ties >= self._ids.extent((_TEXT, tie))[1]

    def _position(self, place: int, ordinal: int, score: float) -> Position:
        row = self.rows[place]
        keys = tuple(
            column.key(int((column.least if one.order == "asc" else column.greatest)[row]))
            for column, one in zip(self._columns, self._order.fields, strict=True)
        )
        key = None if self._ids is None else self._ids.key(int(self._ids.least[row]))
        return Position(keys, score, ordinal if key is None else str(key[1]))

    def _passages(self, places: Rows) -> Spans:
        """All rows of some documents."""
        starts = self.rows[places]
        if self._segment.first_rows is None:
            return Spans(places, starts, starts + 1)
        stops = np.searchsorted(self._segment.ordinals, self.ordinals[places], side="right")
        return Spans(places, starts, stops)

    def _best_rows(self, places: Rows) -> Rows:
        """The row with the best passage of each document; of equal ones, or unasked, the first."""
        query = self._order.query
        if self._segment.first_rows is None or query is None:
            return self.rows[places]
        found = []
        for start, stop in zip(*self._passages_of(places), strict=True):
            own = score_rows(self._segment.vectors, query, rows=np.arange(start, stop))
            found.append(start + int(own.argmax()))
        return np.array(found, np.int64)

    def _passages_of(self, places: Rows) -> tuple[list[int], list[int]]:
        spans = self._passages(places)
        return spans.starts.tolist(), spans.stops.tolist()


def _placed(column: SortColumn, one: SortField, rows: Rows) -> Codes:
    """Where the value of each document stands, `(n,)`; the last place is that of having none."""
    if one.order == "asc":
        codes = column.least[rows].astype(np.int64)
        return np.where(codes < 0, len(column), codes)
    codes = column.greatest[rows].astype(np.int64)
    return np.where(codes < 0, len(column), len(column) - 1 - codes)


def _extent(column: SortColumn, one: SortField, key: SortKey | None) -> tuple[int, int]:
    """Which places a key has in a column, as `_placed` numbers them."""
    if key is None:
        return len(column), len(column) + 1
    below, up_to = column.extent(key)
    return (below, up_to) if one.order == "asc" else (len(column) - up_to, len(column) - below)


def _combined(
    places: Sequence[Codes], sizes: Sequence[int], *, n_documents: int
) -> npt.NDArray[np.int64]:
    """One key `(n,)` of the places in all fields, the first of which weighs most."""
    combined, range_ = np.zeros(n_documents, np.int64), 1
    for own, size in zip(places, sizes, strict=True):
        if range_ * size >= _MOST:
            combined = np.unique(combined, return_inverse=True)[1].astype(np.int64)
            range_ = n_documents
        combined = combined * size + own
        range_ *= size
    return combined
