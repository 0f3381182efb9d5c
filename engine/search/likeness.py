"""More like this: a search for what is like documents, by the vectors that they are stored with.

Nothing is encoded anew. The documents themselves are left out, and of what else a filter keeps
nothing is lost: they are left out by a filter, too.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from molt.engine.errors import DocumentNotIndexedError
from molt.engine.live.pair import Live
from molt.engine.search.query import SearchQuery
from molt.index.catalog.catalog import Catalog
from molt.index.errors import DocumentNotFoundError
from molt.index.segments.exact import Vectors
from molt.index.segments.filters.clauses import All
from molt.index.segments.filters.filter import parse_filter

_NOTHING = 1e-6


def likened(query: SearchQuery, *, live: Live, catalog: Catalog) -> SearchQuery:
    """The query with the vector that its `like` stands for.

    Raises `DocumentNotFoundError`, and `DocumentNotIndexedError` for a document that `live` has no
    vector of.
    """
    found = catalog.documents.ordinals(live.collection, query.like)
    for doc_id in query.like:
        if doc_id not in found:
            raise DocumentNotFoundError(
                f"{live.collection.name!r} has no document {doc_id[:80]!r} that others could be "
                "like"
            )
    stored = {} if live.snapshot is None else live.snapshot.vectors_of([*found.values()])
    for doc_id, ordinal in found.items():
        if ordinal not in stored:
            raise DocumentNotIndexedError(
                f"no search finds the document {doc_id[:80]!r}, so others cannot be compared with "
                "it: it is not indexed yet, cannot be encoded, or has expired"
            )
    others = parse_filter({"not": {"field": "id", "in": list(found)}})
    where = others if query.where is None else All((query.where, others))
    return replace(query, where=where, vector=_centroid(stored.values()))


def _centroid(documents: Iterable[Vectors]) -> Vectors:
    """What documents have in common `(dim,) float32`, L2-normalised; `(passages, dim)` of each.

    The mean of their vectors, each of which is the mean of those of its passages: the positive
    part of Rocchio's feedback (Rocchio 1971, in The SMART Retrieval System, ch. 14). Of vectors
    that cancel each other out it is the first one.
    """
    means = [vectors.mean(axis=0, dtype=np.float64) for vectors in documents]
    centroid = np.mean(means, axis=0)
    length = float(np.linalg.norm(centroid))
    if length < _NOTHING:
        centroid, length = means[0], float(np.linalg.norm(means[0])) or 1.0
    found: Vectors = (centroid / length).astype(np.float32)
    return found
