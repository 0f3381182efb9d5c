"""The search pipeline: retrieve, fuse, re-rank, hydrate and explain, over one frozen `Live`.

A request reads its `Live` once and every stage uses nothing else, so an answer comes from exactly
one encoder and one index. What a stage does is its own module's; here they are put in order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from molt.engine.live import Live
from molt.engine.search.candidates import (
    Candidate,
    Candidates,
    Fuse,
    Rerank,
    Retriever,
    Stopwatch,
)
from molt.engine.search.dense import DenseRetriever
from molt.engine.search.query import Hit, Page, SearchAnswer, SearchQuery
from molt.index.catalog.catalog import Catalog

Explain = Callable[[SearchQuery, Live, Hit], Mapping[str, Any]]
"""Says why a hit is where it is."""


def only_one(legs: Sequence[Candidates]) -> Candidates:
    """The fusion of a single retriever's candidates: they stay as they are."""
    (leg,) = legs
    return leg


@dataclass(frozen=True)
class Pipeline:
    """The stages of a search: one retriever needs no fusion, and without others nothing changes."""

    retrievers: tuple[Retriever, ...] = (DenseRetriever(),)
    fuse: Fuse = only_one
    rerankers: tuple[Rerank, ...] = ()
    explain: Explain | None = None

    def search(self, query: SearchQuery, *, live: Live, catalog: Catalog) -> SearchAnswer:
        """Answer a query. Raises as the retrievers do."""
        watch = Stopwatch()
        depth = query.offset + query.k
        legs = [one.retrieve(query, live, depth=depth, watch=watch) for one in self.retrievers]
        with watch.timing("fuse"):
            found = self.fuse(legs)
        for rerank in self.rerankers:
            with watch.timing("rerank"):
                found = rerank(query, live, found)
        with watch.timing("hydrate"):
            chosen = found.ranking[query.offset : depth]
            hits = _hydrated(chosen, offset=query.offset, live=live, catalog=catalog)
        if self.explain is not None:
            with watch.timing("explain"):
                hits = tuple(
                    replace(hit, explanation=self.explain(query, live, hit)) for hit in hits
                )
        return SearchAnswer(
            generation=live.snapshot.manifest.id if live.snapshot else None,
            checkpoint=live.encoder.checkpoint.id,
            page=Page(hits, found.total, found.exact),
            seconds=watch.seconds,
        )


def _hydrated(
    candidates: Sequence[Candidate], *, offset: int, live: Live, catalog: Catalog
) -> tuple[Hit, ...]:
    """Candidates with their documents; one deleted since the snapshot was taken is left out."""
    if not candidates:
        return ()
    stored = catalog.documents.hydrate(live.collection, [one.ordinal for one in candidates])
    present = [(one, stored[one.ordinal].document) for one in candidates if one.ordinal in stored]
    return tuple(
        Hit(document.id, one.score, place, document, one.passage, one.scores)
        for place, (one, document) in enumerate(present, start=offset + 1)
    )
