"""Facets: how many of the matching documents have which values of a field, or values in a range.

Owns what can be asked and how it is counted. How it is written in JSON is `parsing`'s, and where
buckets begin and end without being told is `buckets`'.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Any

import numpy as np

from molt.index.segments.exact import Mask
from molt.index.segments.filters.clauses import Condition
from molt.index.segments.filters.matching import matching_rows
from molt.index.segments.matches.terms import Codes, TermValue, remembered_terms
from molt.index.segments.scope import Scope

DEFAULT_VALUES = 100


@dataclass(frozen=True)
class ValueFacet:
    """The `limit` values of `field` that most documents have; of equally many the least."""

    field: str
    limit: int = DEFAULT_VALUES


@dataclass(frozen=True)
class ValueRange:
    """A range of values: the filter that keeps it, and the operators that say it in JSON."""

    where: Condition
    bounds: Mapping[str, Any] = field(hash=False)


@dataclass(frozen=True)
class RangeFacet:
    """The documents that have a value of `field` in each of some ranges, which may overlap."""

    field: str
    ranges: tuple[ValueRange, ...]


@dataclass(frozen=True)
class BucketFacet:
    """As a range facet, with at most `buckets` even ranges over all values that match."""

    field: str
    buckets: int


Facet = ValueFacet | RangeFacet | BucketFacet


@dataclass(frozen=True)
class FacetCount:
    """How many documents have a value, or one within the bounds that `value` maps by operators."""

    value: TermValue | Mapping[str, Any]
    count: int


FacetCounts = Mapping[str, Sequence[FacetCount]]
"""The counts of each facet, by the name of its field."""


@dataclass(frozen=True)
class CountedScope:
    """Documents that are counted: those of a scope whose first rows `documents` `(n,)` marks."""

    scope: Scope
    documents: Mask


def counted(scope: Scope) -> CountedScope:
    """All documents of a scope."""
    segment = scope.segment
    documents = np.ones(len(segment), bool) if scope.mask is None else scope.mask
    if segment.first_rows is not None:
        documents = documents & (segment.rows["passage"] == 0)
    return CountedScope(scope, documents)


def count_values(facet: ValueFacet, parts: Sequence[CountedScope]) -> list[FacetCount]:
    """The values with the most documents, these first; of equally many the least first."""
    found: dict[tuple[int, TermValue], int] = {}
    for part in parts:
        terms = remembered_terms(part.scope.segment.attributes, facet.field)
        counts = terms.counts(part.documents)
        codes = np.flatnonzero(counts)
        if len(parts) == 1:
            codes = _most(counts, codes, limit=facet.limit)
        values = terms.values(codes)
        for value, count in zip(values, counts[codes].tolist(), strict=True):
            key = order_of(value)
            found[key] = found.get(key, 0) + count
    best = nsmallest(facet.limit, found.items(), key=lambda entry: (-entry[1], *entry[0]))
    return [FacetCount(value, count) for (_, value), count in best]


def count_ranges(facet: RangeFacet, parts: Sequence[CountedScope]) -> list[FacetCount]:
    """How many documents have a value in each range, in the order given."""
    return [
        FacetCount(one.bounds, sum(_n_matching(one.where, part) for part in parts))
        for one in facet.ranges
    ]


def order_of(value: TermValue) -> tuple[int, Any]:
    """By which values stand in their order: numbers, then texts, then booleans."""
    if isinstance(value, bool):
        return 2, value
    return (1, value) if isinstance(value, str) else (0, value)


def _n_matching(where: Condition, part: CountedScope) -> int:
    segment = part.scope.segment
    kept = matching_rows(where, segment.attributes, n_rows=len(segment))
    return int(np.count_nonzero(kept & part.documents))


def _most(counts: Codes, codes: Codes, *, limit: int) -> Codes:
    """Those of `codes` with the `limit` highest counts, ascending; of equal ones the least."""
    if len(codes) <= limit:
        return codes
    own = counts[codes]
    least = np.partition(own, len(own) - limit)[len(own) - limit]
    above = codes[own > least]
    beside = codes[own == least][: limit - len(above)]
    return np.sort(np.concatenate([above, beside]))
