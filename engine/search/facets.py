"""Facets of a search: counted over everything that it matches, and not over the page."""

from dataclasses import dataclass, field
from typing import Any

from molt.engine.live.pair import Live
from molt.engine.search.matching import whole_match
from molt.engine.search.query import SearchQuery
from molt.index.segments.matches.facets import FacetCounts
from molt.index.segments.scalar import shown_field


@dataclass(frozen=True)
class CountedMatch:
    """The facets of a match, and of how many documents that is; None where it was not asked."""

    facets: FacetCounts = field(default_factory=dict)
    total: int | None = None


def count_facets(query: SearchQuery, live: Live) -> CountedMatch:
    """The facets that a query asks for; none where nothing is indexed yet has any count.

    Raises `UnknownFieldError` and `FacetError`.
    """
    if live.snapshot is None:
        return CountedMatch({shown_field(one.field): () for one in query.facets})
    match = whole_match(query, live.snapshot, live).match
    return CountedMatch(match.count(query.facets), match.total)


def describe_facets(counts: FacetCounts) -> dict[str, Any]:
    """Counts as JSON."""
    return {
        field: [{"value": one.value, "count": one.count} for one in found]
        for field, found in counts.items()
    }
