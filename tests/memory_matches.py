"""What matches a search, counted, sorted and grouped in plain Python: the reference."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cmp_to_key, partial
from typing import Any

import numpy as np

from molt.index.segments.attributes import attributes_of
from molt.index.segments.exact import Rows, Vectors
from molt.index.segments.filters.matching import matching_documents
from molt.index.segments.flattening import flatten
from molt.index.segments.hits import RowHit
from molt.index.segments.matches.buckets import FieldExtent, cut
from molt.index.segments.matches.facets import (
    BucketFacet,
    Facet,
    FacetCount,
    FacetCounts,
    RangeFacet,
    ValueFacet,
)
from molt.index.segments.matches.match import SegmentMatch
from molt.index.segments.matches.order import GivenScores, Group, OrderedHit, Position, SortField
from molt.index.segments.matches.paging import OrderedPage, PageQuery
from molt.index.segments.matches.terms import shown_number
from molt.index.segments.readings import read_date, read_number
from molt.index.segments.scalar import ID_FIELD, Scalar, ScalarKind, shown_field


@dataclass(frozen=True)
class Matching:
    """A document that matches: its id, its metadata, and how it is found by a query."""

    ordinal: int
    id: str
    metadata: Mapping[str, Any]
    find: Callable[[Vectors | None], RowHit]


@dataclass(frozen=True)
class MemoryMatch:
    """A `Match` of `documents`; `everything` is what the whole collection's metadata are."""

    documents: Sequence[Matching]
    everything: Sequence[Mapping[str, Any]]
    warnings: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        return len(self.documents)

    def count(self, facets: Sequence[Facet]) -> FacetCounts:
        self._checks.count(facets)
        return {shown_field(one.field): self._counts(one) for one in facets}

    def scores(self, query: Vectors) -> GivenScores:
        found = sorted((one.ordinal, one.find(query).score) for one in self.documents)
        ordinals, scores = ([row[part] for row in found] for part in (0, 1))
        return GivenScores(np.array(ordinals, np.int64), np.array(scores, np.float64))

    def among(self, ordinals: Rows) -> "MemoryMatch":
        return replace(self, documents=[one for one in self.documents if one.ordinal in ordinals])

    def page(self, query: Vectors | None, wanted: PageQuery) -> OrderedPage:
        self._checks.page(query, PageQuery(1, wanted.fields, wanted.group_by, scores=wanted.scores))
        found = {one.id: one.find(query) for one in self.documents}
        if (given := wanted.scores) is not None:
            scores = dict(zip(given.ordinals.tolist(), given.scores.tolist(), strict=True))
            found = {
                name: replace(hit, score=scores.get(hit.ordinal, 0.0))
                for name, hit in found.items()
            }
        standings = [_standing(one, found[one.id], wanted.fields) for one in self.documents]
        before = partial(_stands, fields=wanted.fields)
        standings.sort(key=cmp_to_key(before))
        if wanted.group_by is not None:
            ordinals = {found[one.id].ordinal: one for one in self.documents}
            standings = _firsts(standings, ordinals, wanted)
        left = [
            one
            for one in standings
            if wanted.after is None or _compared(wanted.after, one.position, wanted.fields) < 0
            if one.hit.ordinal not in wanted.without
        ]
        return OrderedPage(tuple(left[: wanted.k]), len(left) > wanted.k)

    @property
    def _checks(self) -> SegmentMatch:
        if not self.everything:
            return SegmentMatch((), ())
        ids = [f"d{place}" for place in range(len(self.everything))]
        return SegmentMatch((), (attributes_of(self.everything, ids=ids),))

    def _counts(self, facet: Facet) -> list[FacetCount]:
        if isinstance(facet, BucketFacet):
            facet = self._cut(facet)
        if isinstance(facet, RangeFacet):
            return [FacetCount(one.bounds, self._n_kept(one.where)) for one in facet.ranges]
        return self._values(facet)

    def _values(self, facet: ValueFacet) -> list[FacetCount]:
        counts: Counter[tuple[int, Any]] = Counter()
        for one in self.documents:
            counts.update({_stored(scalar) for scalar in _scalars(one, facet.field)} - {None})
        best = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[: facet.limit]
        return [FacetCount(value, count) for (_, value), count in best]

    def _n_kept(self, where: Any) -> int:
        return int(
            matching_documents(
                where,
                ids=[one.id for one in self.documents],
                metadata=[one.metadata for one in self.documents],
            ).sum()
        )

    def _cut(self, facet: BucketFacet) -> RangeFacet:
        said = [_said(scalar) for one in self.documents for scalar in _scalars(one, facet.field)]
        numbers, dates = ([value for kind, value in said if kind == own] for own in (0, 1))
        return cut(facet, numbers=_extent(numbers), dates=_extent(dates))


def _standing(one: Matching, hit: RowHit, fields: Sequence[SortField]) -> OrderedHit:
    keys = []
    for each in fields:
        said = [_said(scalar) for scalar in _scalars(one, each.field)]
        if each.field == ID_FIELD:
            said = [(2, one.id[:256])]
        said = [key for key in said if key[0] >= 0]
        chosen = min if each.order == "asc" else max
        keys.append(chosen(said, default=None))
    tie = one.id[:256] if fields else hit.ordinal
    return OrderedHit(hit, Position(tuple(keys), hit.score, tie))


def _firsts(
    standings: Iterable[OrderedHit], documents: Mapping[int, Matching], wanted: PageQuery
) -> list[OrderedHit]:
    name = str(wanted.group_by)
    groups: dict[Any, list[OrderedHit]] = {}
    for one in standings:
        scalars = _scalars(documents[one.hit.ordinal], name)
        held = [stored for scalar in scalars if (stored := _stored(scalar))]
        key = min(held, default=(None, one.hit.ordinal))
        groups.setdefault(key, []).append(one)
    return [
        OrderedHit(own[0].hit, own[0].position, Group(None if k is None else value, len(own)))
        for (k, value), own in groups.items()
        if not any(one.hit.ordinal in wanted.without for one in own)
    ]


def _scalars(one: Matching, name: str) -> list[Scalar]:
    if name == ID_FIELD:
        return [Scalar(ScalarKind.TEXT, one.id)]
    return [line.scalar for line in flatten(one.metadata) if line.field == name]


def _number(scalar: Scalar) -> float:
    assert isinstance(scalar.value, float)
    return shown_number(scalar.value, scalar.rest)


def _stored(scalar: Scalar) -> tuple[int, Any] | None:
    """A value as facets count it, after the place of its kind."""
    match scalar.kind:
        case ScalarKind.NUMBER:
            return 0, _number(scalar)
        case ScalarKind.TEXT:
            return 1, scalar.value
        case ScalarKind.BOOLEAN:
            return 2, bool(scalar.value)
        case _:
            return None


def _said(scalar: Scalar) -> tuple[int, Any]:
    """A value as it is sorted, after the place of its kind; -1 where it has no order."""
    if scalar.kind is ScalarKind.NUMBER:
        return 0, _number(scalar)
    if isinstance(scalar.value, str):
        if number := read_number(scalar.value):
            return 0, _number(number)
        if date := read_date(scalar.value):
            return 1, date.first
        return 2, scalar.value[:256]
    return (3, int(scalar.value)) if scalar.kind is ScalarKind.BOOLEAN else (-1, 0)


def _extent(values: Sequence[Any]) -> FieldExtent | None:
    return FieldExtent(min(values), max(values)) if values else None


def _stands(left: OrderedHit, right: OrderedHit, *, fields: Sequence[SortField]) -> int:
    return _compared(left.position, right.position, fields)


def _compared(left: Position, right: Position, fields: Sequence[SortField]) -> int:
    """Less than 0 where `left` comes before `right`."""
    for one, own, other in zip(fields, left.keys, right.keys, strict=True):
        if own == other:
            continue
        if own is None or other is None:
            return 1 if own is None else -1
        return (-1 if own < other else 1) * (1 if one.order == "asc" else -1)
    if left.score != right.score:
        return -1 if left.score > right.score else 1
    return (left.tie > right.tie) - (left.tie < right.tie)
