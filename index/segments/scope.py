"""A scope: the rows of one segment that a search may return, those live and kept by a filter."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from molt.index.segments.exact import Mask, Ranked, Rows, Vectors, rows_reaching
from molt.index.segments.filter import Filter
from molt.index.segments.segment import Segment


@dataclass(frozen=True)
class Scope:
    """`mask` `(n,)` holds on the rows that count, or is None where all do; `n_rows` of them."""

    segment: Segment
    mask: Mask | None
    n_rows: int

    @cached_property
    def n_documents(self) -> int:
        """How many documents these rows belong to."""
        if self.segment.first_rows is None:
            return self.n_rows
        first = self.segment.rows["passage"] == 0
        return int(np.count_nonzero(first if self.mask is None else first & self.mask))

    @property
    def rows(self) -> Rows:
        """These rows, ascending."""
        return np.arange(self.n_rows) if self.mask is None else np.flatnonzero(self.mask)

    def narrowed(self, where: Filter) -> "Scope":
        """Only the documents that `where` keeps."""
        matching = self.segment.matching(where)
        return scope_of(self.segment, matching if self.mask is None else self.mask & matching)

    def is_exact(self, *, k: int) -> bool:
        """Will `search` compare every row?"""
        return self.segment.is_exact(k=k, kept=self.n_rows)

    def search(self, query: Vectors, *, k: int) -> Ranked:
        """The `k` best rows for `query` `(dim,) float32`."""
        return self.segment.search(query, k=k, mask=self.mask)

    def reaching(self, query: Vectors, *, min_score: float) -> Rows:
        """The ordinals of all rows that score at least `min_score`; one for each row."""
        rows = rows_reaching(self.segment.vectors, query, score=min_score, mask=self.mask)
        return self.segment.ordinals[rows]


def scope_of(segment: Segment, mask: Mask) -> Scope:
    """The rows of `segment` where `mask` holds."""
    n_rows = int(np.count_nonzero(mask))
    return Scope(segment, None if n_rows == len(segment) else mask, n_rows)
