"""The search pipeline: retrieve, fuse, re-rank, boost, hydrate and explain, over one frozen `Live`.

A request reads its `Live` once and every stage uses nothing else, so an answer comes from exactly
one encoder and one index. What a stage does is its own module's; here they are put in order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from molt.engine.live.pair import Live
from molt.engine.search.boosting import BOOSTED, Booster
from molt.engine.search.candidates import (
    Candidate,
    Candidates,
    Fuse,
    Rerank,
    Retriever,
    Stopwatch,
)
from molt.engine.search.curating import parted
from molt.engine.search.dense import DenseRetriever
from molt.engine.search.likeness import likened
from molt.engine.search.query import Hit, Page, SearchAnswer, SearchQuery
from molt.index.catalog.catalog import Catalog

_FEW = 32
"""Documents that are read at once: each may have a million characters."""
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
    boost: Rerank = field(default_factory=Booster)
    explain: Explain | None = None

    def search(self, query: SearchQuery, *, live: Live, catalog: Catalog) -> SearchAnswer:
        """Answer a query. Raises as the retrievers and `likened` do."""
        watch = Stopwatch()
        if query.like:
            with watch.timing("liken"):
                query = likened(query, live=live, catalog=catalog)
        found = self._curated(query, query.depth, live=live, catalog=catalog, watch=watch)
        with watch.timing("hydrate"):
            chosen = found.ranking[query.offset : query.offset + query.k]
            hits, seen = _hydrated(chosen, query, live=live, catalog=catalog)
        if self.explain is not None:
            with watch.timing("explain"):
                hits = tuple(
                    replace(hit, explanation=self.explain(query, live, hit)) for hit in hits
                )
        following = query.offset + seen if query.offset + seen < found.total else None
        return SearchAnswer(
            generation=live.snapshot.manifest.id if live.snapshot else None,
            checkpoint=live.encoder.checkpoint.id,
            page=Page(hits, found.total, found.exact, following if seen else None),
            seconds=watch.seconds,
            warnings=found.warnings,
            truncated=found.truncated,
            reranked=found.reranked,
        )

    def _curated(
        self, query: SearchQuery, end: int, *, live: Live, catalog: Catalog, watch: Stopwatch
    ) -> Candidates:
        """The first `end` candidates, those first that a curation has pinned."""
        depth = max(end, BOOSTED) if query.boosts else end
        parts = None
        if query.pinned or query.hidden:
            with watch.timing("curate"):
                parts = parted(query, live=live, catalog=catalog)
        if parts is None:
            return self._ranked(query, live, depth=depth, watch=watch)
        pinned = Candidates()
        if parts.order:
            pinned = self._ranked(parts.pinned, live, depth=len(parts.order), watch=watch)
        return parts.joined(pinned, self._ranked(parts.rest, live, depth=depth, watch=watch))

    def _ranked(
        self, query: SearchQuery, live: Live, *, depth: int, watch: Stopwatch
    ) -> Candidates:
        legs = [one.retrieve(query, live, depth=depth, watch=watch) for one in self.retrievers]
        with watch.timing("fuse"):
            found = replace(
                self.fuse(legs),
                warnings=tuple(dict.fromkeys(one for leg in legs for one in leg.warnings)),
                truncated=any(leg.truncated for leg in legs),
            )
        for rerank in self.rerankers:
            with watch.timing("rerank"):
                found = rerank(query, live, found)
        if query.boosts:
            with watch.timing("boost"):
                found = self.boost(query, live, found)
        return found


def _hydrated(
    candidates: Sequence[Candidate], query: SearchQuery, *, live: Live, catalog: Catalog
) -> tuple[tuple[Hit, ...], int]:
    """Candidates with their documents, and how many of them were looked at.

    One that was deleted since the snapshot was taken, or by now has expired, is left out.
    """
    hits: list[Hit] = []
    chars, rank = 0, query.offset + 1
    for start in range(0, len(candidates), _FEW):
        few = candidates[start : start + _FEW]
        stored = catalog.documents.hydrate(live.collection, [one.ordinal for one in few])
        for seen, one in enumerate(few, start=start):
            if query.max_chars is not None and chars >= query.max_chars:
                return tuple(hits), seen
            if (found := stored.get(one.ordinal)) and live.shows(found.document):
                document = found.document
                hit = Hit(document.id, one.score, rank, document, one.passage, one.scores)
                hits.append(replace(hit, pinned=one.pinned) if one.pinned else hit)
                rank += 1
                chars += found.chars
    return tuple(hits), len(candidates)
