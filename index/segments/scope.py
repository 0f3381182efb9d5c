"""A scope: the rows of one segment that a search may return, those live and kept by a filter."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from molt.index.segments.column import DateColumn, LineNumbers, lines_at
from molt.index.segments.exact import Mask, Ranked, Rows, Vectors, rows_reaching
from molt.index.segments.filters.clauses import Filter
from molt.index.segments.readings import DateSpan
from molt.index.segments.scalar import ScalarKind, own_field
from molt.index.segments.segment import Segment
from molt.index.segments.spans import Spans, find_spans


@dataclass(frozen=True)
class Scope:
    """`mask` `(n,)` holds on the rows that count, or is None where all do.

    They are `n_rows`, of `n_documents`.
    """

    segment: Segment
    mask: Mask | None
    n_rows: int
    n_documents: int

    @property
    def rows(self) -> Rows:
        """These rows, ascending."""
        return np.arange(self.n_rows) if self.mask is None else np.flatnonzero(self.mask)

    @cached_property
    def counted(self) -> dict[tuple[str, ScalarKind | None], Counter[ScalarKind]]:
        """What was ever counted here (`kind_counts`), by field and what it was counted for."""
        return {}

    def moved(self, spans: Spans, live: Mask) -> "Scope":
        """The scope in which the documents at `spans` count where `live` holds; it may be this one.

        Whether a document counts holds for all of its rows.
        """
        counted = np.ones(len(spans), bool) if self.mask is None else self.mask[spans.starts]
        moving = live != counted
        if not moving.any():
            return self
        spans, live = spans.where(moving), live[moving]
        mask = np.ones(len(self.segment), bool) if self.mask is None else self.mask.copy()
        mask[spans.rows] = np.repeat(live, spans.lengths)
        mask.setflags(write=False)
        n_rows = self.n_rows + int(np.where(live, spans.lengths, -spans.lengths).sum())
        n_documents = self.n_documents + int(np.where(live, 1, -1).sum())
        return Scope(
            self.segment, None if n_rows == len(self.segment) else mask, n_rows, n_documents
        )

    def narrowed(self, where: Filter) -> "Scope":
        """Only the documents that `where` keeps."""
        matching = self.segment.matching(where)
        return scope_of(self.segment, matching if self.mask is None else self.mask & matching)

    def among(self, ordinals: Rows) -> "Scope":
        """Only the documents at `ordinals` `(n,)`, which ascend, each of them once."""
        spans = find_spans(self.segment.ordinals, ordinals)
        mask = np.zeros(len(self.segment), bool)
        mask[spans.rows] = True
        return scope_of(self.segment, mask if self.mask is None else mask & self.mask)

    def without_expired(self, field: str, now: int) -> "Scope":
        """The scope without documents that have a date up to `now` in `field`; it may be this one.

        Made anew only when another date has passed. `now` is in microseconds since 1970.
        """
        dates = self._dates(field)
        passed = 0 if dates is None else dates.up_to(DateSpan(now, now))
        if dates is None or not passed:
            return self
        known = self._unexpired.get(field)
        if known is None or known[0] != passed:
            known = self._unexpired[field] = passed, self._without(lines_at(dates.lines, 0, passed))
        return known[1] or self

    def _dates(self, field: str) -> DateColumn | None:
        column = self.segment.attributes.column(own_field(field), ScalarKind.DATE)
        return column if isinstance(column, DateColumn) else None

    def _without(self, lines: LineNumbers) -> "Scope | None":
        """The scope without documents that have these lines; None where none of them counts."""
        segment = self.segment
        mask = np.ones(len(segment), bool)
        mask[segment.attributes.rows[lines]] = False
        if segment.first_rows is not None:
            mask = mask[segment.first_rows]
        if self.mask is not None:
            mask &= self.mask
        found = scope_of(segment, mask)
        return None if found.n_rows == self.n_rows else found

    @cached_property
    def _unexpired(self) -> dict[str, "tuple[int, Scope | None]"]:
        """By field: how many dates had passed, and what was left then."""
        return {}

    def is_exact(self, *, k: int) -> bool:
        """Will `search` compare every row?"""
        return self.segment.is_exact(k=k, kept=self.n_rows)

    def search(self, query: Vectors, *, k: int) -> Ranked:
        """The `k` best rows for `query` `(dim,) float32`."""
        return self.segment.search(query, k=k, mask=self.mask)

    def vectors_of(self, ordinal: int) -> Vectors:
        """Those `(n, dim) float32` of the rows of a document; none where it does not count."""
        first, after = np.searchsorted(self.segment.ordinals, [ordinal, ordinal + 1])
        if self.mask is not None and not self.mask[first:after].any():
            after = first  # whether a document counts holds for all of its rows
        return self.segment.vectors[first:after]

    def values_of(
        self, field: str, kind: ScalarKind, ordinals: Rows
    ) -> npt.NDArray[np.float64] | None:
        """As `Segment.greatest`, of the documents at `ordinals` `(n,)`; NaN where none counts."""
        values = self.segment.greatest(field, kind)
        if values is None:
            return None
        rows = np.searchsorted(self.segment.ordinals, ordinals)
        rows = np.minimum(rows, len(self.segment) - 1)
        here = self.segment.ordinals[rows] == ordinals
        if self.mask is not None:
            here &= self.mask[rows]
        return np.where(here, values[rows], np.nan)

    def reaching(self, query: Vectors, *, min_score: float) -> Rows:
        """The ordinals of all rows that score at least `min_score`; one for each row."""
        rows = rows_reaching(self.segment.vectors, query, score=min_score, mask=self.mask)
        return self.segment.ordinals[rows]


def no_rows(segment: Segment) -> Scope:
    """A scope of `segment` in which nothing counts yet."""
    return Scope(segment, np.zeros(len(segment), bool), 0, 0)


def scope_of(segment: Segment, mask: Mask) -> Scope:
    """The rows of `segment` where `mask` holds."""
    n_rows = int(np.count_nonzero(mask))
    n_documents = n_rows
    if segment.first_rows is not None:
        n_documents = int(np.count_nonzero(mask & (segment.rows["passage"] == 0)))
    return Scope(segment, None if n_rows == len(segment) else mask, n_rows, n_documents)
