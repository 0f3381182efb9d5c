"""A match: all documents that a search matches, whatever part of them it shows.

Counts them, by the values of their fields too, and shows some of them in an order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from molt.index.errors import FacetError, GroupError, MatchError, SortError
from molt.index.segments.attributes import Attributes
from molt.index.segments.exact import NOTHING, Rows, Vectors, rows_reaching
from molt.index.segments.field_kinds import fold_kinds, plural_kinds, unknown_field
from molt.index.segments.filters.clauses import AnyOf
from molt.index.segments.matches.buckets import cut, extent_of
from molt.index.segments.matches.facets import (
    BucketFacet,
    CountedScope,
    Facet,
    FacetCount,
    FacetCounts,
    RangeFacet,
    count_ranges,
    count_values,
    counted,
)
from molt.index.segments.matches.order import GivenScores, Order
from molt.index.segments.matches.paging import OrderedPage, PageQuery, ordered_page
from molt.index.segments.matches.parsing import told_as
from molt.index.segments.matches.standings import Standings
from molt.index.segments.scalar import ID_FIELD, ScalarKind, shown_field
from molt.index.segments.scope import Scope, scope_of

_FACETS = 16
"""So many facets of a match are remembered."""


@dataclass(frozen=True)
class SegmentMatch:
    """The documents of `scopes` match; `collection` are the attributes of everything there is.

    `warnings` say what the filter could not compare.
    """

    scopes: tuple[Scope, ...]
    collection: tuple[Attributes, ...]
    warnings: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """How many documents match."""
        return sum(scope.n_documents for scope in self.scopes)

    def reaching(self, query: Vectors, *, min_score: float) -> "SegmentMatch":
        """Those of the documents of which a passage scores at least `min_score`, all compared."""
        reached = (
            _reaching(scope, query, min_score=float(np.float32(min_score))) for scope in self.scopes
        )
        scopes = tuple(scope for scope in reached if scope.n_rows)
        return replace(self, scopes=scopes)

    def count(self, facets: Sequence[Facet]) -> FacetCounts:
        """The counts of each facet.

        Raises `UnknownFieldError` for a field that no document has, and `FacetError` for one whose
        values cannot be counted so.
        """
        if self.collection:
            for place, facet in enumerate(facets):
                self._check(facet, path=f"$[{place}]")
        return {shown_field(facet.field): self._counts(facet) for facet in facets}

    def among(self, ordinals: Rows) -> "SegmentMatch":
        """Those of the documents that are at `ordinals`, `(n,) int64` ascending."""
        kept = (scope.among(ordinals) for scope in self.scopes)
        return replace(self, scopes=tuple(scope for scope in kept if scope.n_rows))

    def scores(self, query: Vectors) -> GivenScores:
        """What each of the documents scores for `query` `(dim,) float32`, by its best passage."""
        order = Order(np.ascontiguousarray(query, dtype=np.float32))
        parts = [Standings(scope, order) for scope in self.scopes]
        ordinals = np.concatenate([NOTHING.rows, *(part.ordinals for part in parts)])
        scores = [part.scores(np.arange(len(part))) for part in parts]
        ascending = np.argsort(ordinals, kind="stable")
        return GivenScores(ordinals[ascending], np.concatenate([np.empty(0), *scores])[ascending])

    def page(self, query: Vectors | None, wanted: PageQuery) -> OrderedPage:
        """Some of the documents in an order; `query` `(dim,) float32` is what they are scored by.

        It may be left out where `wanted` gives scores; then the first passages are shown. Raises
        `UnknownFieldError` for a field that nobody has, `SortError` and `GroupError` for one that
        has no values to go by.
        """
        if self.collection:
            for place, one in enumerate(wanted.fields):
                self.kinds(one.field, SortError, path=f"$[{place}].field")
            if wanted.group_by is not None:
                self.kinds(wanted.group_by, GroupError, path="$")
        named = all(one.complete and one.kinds(ID_FIELD) for one in self.collection)
        by_id = bool(wanted.fields) and named
        return ordered_page(self.scopes, query, wanted, by_id=by_id)

    @cached_property
    def _counts(self) -> Callable[[Facet], Sequence[FacetCount]]:
        """The counts of a facet; what was counted last is known, since no query changes it."""
        parts = [counted(scope) for scope in self.scopes]
        return lru_cache(_FACETS)(lambda facet: _counts(facet, parts))

    def _check(self, facet: Facet, *, path: str) -> None:
        held = self.kinds(facet.field, FacetError, path=path)
        field = f"'{shown_field(facet.field)}'"
        if isinstance(facet, RangeFacet):
            asked = AnyOf(tuple(one.where for one in facet.ranges))
            kinds = fold_kinds(asked, self.collection)
            for place, one in enumerate(facet.ranges):
                with told_as(FacetError):
                    kinds.check(one.where, root=f"{path}.ranges[{place}]")
        elif isinstance(facet, BucketFacet):
            cuttable = (ScalarKind.NUMBER, ScalarKind.DATE)
            named = facet.field == ID_FIELD  # whatever they say, ids are texts
            if held and (
                named
                or not any(one.has(facet.field, k) for one in self.collection for k in cuttable)
            ):
                reason = f"{field} holds {plural_kinds(held)}; buckets are of numbers or dates"
                raise FacetError(path, f"{reason}; leave `buckets` out to count values")

    def kinds(self, field: str, error: type[MatchError], *, path: str) -> frozenset[ScalarKind]:
        """The kinds of the values of a field, but for null.

        Raises `UnknownFieldError`, and `error` where it has objects alone or nobody knows.
        """
        held = frozenset[ScalarKind]().union(*(one.kinds(field) for one in self.collection))
        if field == ID_FIELD and not all(one.complete for one in self.collection):
            raise error(
                path, "this index was made by an earlier version of Molt, which kept no ids"
            )
        if not held:
            known = frozenset[str]().union(*(one.fields for one in self.collection))
            raise unknown_field(field, known, path=path, part=error.part)
        if held == {ScalarKind.OBJECT}:
            reason = f"'{shown_field(field)}' holds objects"
            raise error(path, f"{reason}; name a field of theirs, as '{shown_field(field)}.…'")
        return held - {ScalarKind.NULL, ScalarKind.OBJECT}


def _counts(facet: Facet, parts: Sequence[CountedScope]) -> Sequence[FacetCount]:
    if isinstance(facet, BucketFacet):
        numbers = extent_of(facet.field, ScalarKind.NUMBER, parts)
        dates = None
        if numbers is None:
            dates = extent_of(facet.field, ScalarKind.DATE, parts)
        facet = cut(facet, numbers=numbers, dates=dates)
    if isinstance(facet, RangeFacet):
        return count_ranges(facet, parts)
    return count_values(facet, parts)


def _reaching(scope: Scope, query: Vectors, *, min_score: float) -> Scope:
    segment = scope.segment
    rows = rows_reaching(segment.vectors, query, score=min_score, mask=scope.mask)
    mask = np.zeros(len(segment), bool)
    if segment.first_rows is None:
        mask[rows] = True
        return scope_of(segment, mask)
    mask[segment.first_rows[rows]] = True
    return scope_of(segment, mask[segment.first_rows])
