"""One search: a query, the live pair of encoder and index that answers it, and its ranking."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from molt.encoder.encoder import InputType, Lane
from molt.engine.live import Live
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.document import Document
from molt.index.segments.filter import Filter
from molt.index.segments.hits import RowHit


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
class Page:
    """Part of a ranking; `total` counts all of it, or is a lower bound unless `exact_total`."""

    hits: tuple[Hit, ...]
    total: int
    exact_total: bool


@dataclass(frozen=True)
class SearchAnswer:
    """A page, the encoder and index that made it, and the seconds each step took."""

    generation: str | None
    checkpoint: str
    page: Page
    encode_seconds: float
    search_seconds: float


def search_live(query: SearchQuery, *, live: Live, catalog: Catalog) -> SearchAnswer:
    """Rank the documents of `live` by inner product with the query's vector.

    Raises `UnknownFieldError` where the filter names a field that no document has.
    """
    started = time.perf_counter()
    encoded = live.encoder.encode([query.text], input_type=InputType.QUERY, lane=Lane.QUERY)
    encode_seconds = time.perf_counter() - started
    page = _search(query, encoded.vectors[0], live=live, catalog=catalog)
    return SearchAnswer(
        generation=live.snapshot.manifest.id if live.snapshot else None,
        checkpoint=live.encoder.checkpoint.id,
        page=page,
        encode_seconds=encode_seconds,
        search_seconds=time.perf_counter() - started - encode_seconds,
    )


def _search(
    query: SearchQuery, vector: npt.NDArray[np.float32], *, live: Live, catalog: Catalog
) -> Page:
    if live.snapshot is None:
        return Page(hits=(), total=0, exact_total=True)
    found = live.snapshot.search(
        vector, k=query.offset + query.k, where=query.where, min_score=query.min_score
    )
    rows = found.hits[query.offset :]
    hits = _hydrated(rows, offset=query.offset, live=live, catalog=catalog)
    return Page(hits=hits, total=found.total, exact_total=found.exact)


def _hydrated(
    rows: Sequence[RowHit], *, offset: int, live: Live, catalog: Catalog
) -> tuple[Hit, ...]:
    """Rows with their documents; one deleted since the snapshot was taken is left out."""
    stored = catalog.documents.hydrate(live.collection, [row.ordinal for row in rows])
    present = [(row, stored[row.ordinal].document) for row in rows if row.ordinal in stored]
    return tuple(
        Hit(document.id, row.score, place, document)
        for place, (row, document) in enumerate(present, start=offset + 1)
    )
