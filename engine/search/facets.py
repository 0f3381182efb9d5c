"""Facets of a search: counted over everything that it matches, and not over the page.

By meaning every document matches to some degree: the match is all live documents that the filter
keeps, and with a least score those that reach it.
"""

from typing import Any

from molt.encoder.encoder import Lane
from molt.engine.live.pair import Live
from molt.engine.search.query import SearchQuery
from molt.index.generations.protocols import Match
from molt.index.segments.matches.facets import FacetCounts
from molt.index.segments.scalar import shown_field


def count_facets(query: SearchQuery, live: Live) -> FacetCounts:
    """The facets that a query asks for; none where nothing is indexed yet has any count.

    Raises `UnknownFieldError` and `FacetError`.
    """
    match = _match(query, live)
    if match is None:
        return {shown_field(one.field): () for one in query.facets}
    return match.count(query.facets)


def describe_facets(counts: FacetCounts) -> dict[str, Any]:
    """Counts as JSON."""
    return {
        field: [{"value": one.value, "count": one.count} for one in found]
        for field, found in counts.items()
    }


def _match(query: SearchQuery, live: Live) -> Match | None:
    if live.snapshot is None:
        return None
    if query.min_score is None:
        return live.snapshot.match(where=query.where)
    vector = query.vector
    if vector is None:  # the encoder remembers it: the retriever has asked
        encoded = live.encoder.encode([query.text], input_type=query.input_type, lane=Lane.QUERY)
        vector = encoded.vectors[0]
    return live.snapshot.match(where=query.where, query=vector, min_score=query.min_score)
