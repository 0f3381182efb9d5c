"""One search: a query, the live pair of encoder and index that answers it, and its ranking."""

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from molt.app.live import Live
from molt.encoder.encoder import InputType, Lane
from molt.index.catalog import Catalog
from molt.index.document import Document
from molt.index.filter import Filter
from molt.index.snapshot import RowHit, Snapshot


@dataclass(frozen=True)
class SearchQuery:
    """What is searched for: hits `offset` to `offset + k` of the ranking."""

    text: str
    collection: str
    k: int = 10
    offset: int = 0
    where: Filter | None = None
    min_score: float | None = None


@dataclass(frozen=True)
class Hit:
    """A document in a ranking; `score` is its best passage's inner product, `rank` starts at 1."""

    id: str
    score: float
    rank: int
    document: Document


@dataclass(frozen=True)
class SearchAnswer:
    """A ranking, the encoder and index that made it, and the seconds each step took."""

    generation: str | None
    checkpoint: str
    total: int
    exact_total: bool
    hits: tuple[Hit, ...]
    encode_seconds: float
    search_seconds: float


def rank(query: SearchQuery, *, live: Live, catalog: Catalog) -> SearchAnswer:
    """Rank the documents of `live` by inner product with the query's vector.

    Raises `UnknownFieldError` where the filter names a field that no document has.
    """
    started = time.perf_counter()
    encoded = live.encoder.encode([query.text], input_type=InputType.QUERY, lane=Lane.QUERY)
    encode_seconds = time.perf_counter() - started
    if live.snapshot is None:
        return SearchAnswer(None, live.encoder.checkpoint.id, 0, True, (), encode_seconds, 0.0)
    answer = _search(query, encoded.vectors[0], live=live, snapshot=live.snapshot, catalog=catalog)
    return SearchAnswer(
        generation=live.snapshot.manifest.id,
        checkpoint=live.encoder.checkpoint.id,
        total=answer.total,
        exact_total=answer.exact,
        hits=answer.hits,
        encode_seconds=encode_seconds,
        search_seconds=time.perf_counter() - started - encode_seconds,
    )


@dataclass(frozen=True)
class _Page:
    total: int
    exact: bool
    hits: tuple[Hit, ...]


def _search(
    query: SearchQuery,
    vector: npt.NDArray[np.float32],
    *,
    live: Live,
    snapshot: Snapshot,
    catalog: Catalog,
) -> _Page:
    found = snapshot.search(
        vector, k=query.offset + query.k, where=query.where, min_score=query.min_score
    )
    rows = found.hits[query.offset :]
    return _Page(
        found.total, found.exact, _hydrated(rows, query.offset, live=live, catalog=catalog)
    )


def _hydrated(rows: list[RowHit], offset: int, *, live: Live, catalog: Catalog) -> tuple[Hit, ...]:
    """Rows with their documents; one deleted since the snapshot was taken is left out."""
    stored = catalog.documents.hydrate(live.collection, [row.ordinal for row in rows])
    present = [(row, stored[row.ordinal].document) for row in rows if row.ordinal in stored]
    return tuple(
        Hit(document.id, row.score, place, document)
        for place, (row, document) in enumerate(present, start=offset + 1)
    )
