"""The search pipeline: from retrieving to explaining, stage by stage, over one frozen `Live`.

A request reads its `Live` once and every stage uses nothing else, so an answer comes from exactly
one encoder and one index. What a stage does is its own module's; here they are put in order.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from itertools import zip_longest
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
from molt.engine.search.correcting import corrected
from molt.engine.search.curating import parted, without_hidden
from molt.engine.search.cursor import check_cursor
from molt.engine.search.dense import DenseRetriever
from molt.engine.search.facets import CountedMatch, count_facets
from molt.engine.search.fusing import fuse_legs, pooled
from molt.engine.search.highlights.highlighter import Highlighted
from molt.engine.search.lexical import LexicalRetriever, words_of
from molt.engine.search.likeness import likened
from molt.engine.search.matching import named, ordered
from molt.engine.search.pages import by_shown, following, unshown
from molt.engine.search.query import Hit, Mode, Page, SearchAnswer, SearchQuery
from molt.engine.search.reranks.reranking import as_tuned
from molt.index.catalog.catalog import Catalog
from molt.index.ranking.field_weights import NO_WEIGHTS
from molt.index.selection.expiring import Clock, wall_clock

_DENSE = DenseRetriever()
_FEW = 32
"""Documents that are read at once: each may have a million characters."""
Highlight = Callable[[SearchQuery, Live, tuple[Hit, ...]], Highlighted]
"""Shows what of hits answers a query."""
Explain = Callable[[SearchQuery, Live, Sequence[Hit]], Sequence[Mapping[str, Any]]]
"""Says of the first hits, or of all, why each is where it is."""


def only_one(
    legs: Sequence[Candidates], query: SearchQuery, live: Live, *, depth: int
) -> Candidates:
    """The fusion of a single retriever's candidates: they stay as they are."""
    del query, live, depth
    (leg,) = legs
    return leg


def as_many(depth: int) -> int:
    """How many candidates a single retriever is asked for: those that are wanted."""
    return depth


@dataclass(frozen=True)
class Pipeline:
    """The stages of a search: one retriever needs no fusion, and without others nothing changes.

    Where none of them can be asked, documents are found by vectors. `pool` says how many candidates
    each is asked for where so many are wanted.
    """

    retrievers: tuple[Retriever, ...] = (_DENSE,)
    fuse: Fuse = only_one
    pool: Callable[[int], int] = as_many
    rerankers: tuple[Rerank, ...] = ()
    boost: Rerank = field(default_factory=Booster)
    highlight: Highlight | None = None
    explain: Explain | None = None

    def search(self, query: SearchQuery, *, live: Live, catalog: Catalog) -> SearchAnswer:
        """Answer a query.

        Raises as the retrievers and `likened` do, `CursorError` for a cursor that is not the
        query's, and `MatchError` for what cannot be counted, sorted or grouped.
        """
        watch, asked = Stopwatch(), as_tuned(query, live)
        check_cursor(asked, checkpoint=live.encoder.checkpoint.id)
        query = _completed(asked, live=live, catalog=catalog, watch=watch)
        end = query.start + query.k
        found = self._curated(query, query.depth, live=live, catalog=catalog, watch=watch)
        counted = _counted(query, live, watch)
        if counted.total is not None and not query.pinned:
            found = replace(found, total=counted.total, exact=True)
        with watch.timing("hydrate"):
            chosen = found.ranking[query.start : end]
            hits, seen = _hydrated(chosen, query, live=live, catalog=catalog)
        shown = Highlighted(hits)
        if self.highlight is not None and (query.highlight or query.answer):
            with watch.timing("highlight"):
                shown = self.highlight(query, live, hits)
        hits = shown.hits
        if self.explain is not None and query.explain:
            with watch.timing("explain"):
                hits = _explained(hits, self.explain(_as_reranked(query, found), live, hits))
        after = following(asked, found, live=live, seen=seen)
        return SearchAnswer(
            generation=live.snapshot.manifest.id if live.snapshot else None,
            checkpoint=live.encoder.checkpoint.id,
            page=Page(hits, found.total, found.exact, after),
            seconds=watch.seconds,
            warnings=(*found.warnings, *shown.warnings),
            truncated=found.truncated,
            reranked=found.reranked,
            facets=counted.facets,
            mode=query.mode,
            left_out=tuple(found.left_out),
            fusion=found.fusion,
            fields=NO_WEIGHTS if query.mode == "dense" else live.ranking.fields,
            did_you_mean=corrected(query, found.unknown, live=live, catalog=catalog, watch=watch),
            answer=shown.answer,
            highlighting=query.highlight,
            looked=shown.looked,
        )

    def _curated(
        self, query: SearchQuery, end: int, *, live: Live, catalog: Catalog, watch: Stopwatch
    ) -> Candidates:
        """The first `end` candidates, those first that a curation has pinned."""
        depth = max(end, BOOSTED) if query.boosts and query.by_score else end
        parts = None
        if query.pinned or query.hidden:
            with watch.timing("curate"):
                curated = query if query.by_score else replace(query, pinned=())
                parts = parted(curated, live=live, catalog=catalog)
        if parts is None:
            return self.ranked(query, live, depth=depth, watch=watch)
        pinned = Candidates()
        if parts.order:
            pinned = named(parts.pinned, live, depth=len(parts.order), watch=watch)
            pinned = self._moved(parts.pinned, live, pinned, watch)
        return parts.joined(pinned, self.ranked(parts.rest, live, depth=depth, watch=watch))

    def ranked(self, query: SearchQuery, live: Live, *, depth: int, watch: Stopwatch) -> Candidates:
        """The `depth` best candidates, before anything is read of them, or one more."""
        if query.words is not None and not query.by_score:
            return ordered(query, live, depth=depth, watch=watch)
        found = self._retrieved(query, live, depth=depth, watch=watch)
        return self._moved(query, live, found, watch)

    def _retrieved(
        self, query: SearchQuery, live: Live, *, depth: int, watch: Stopwatch
    ) -> Candidates:
        asked, wanted = self._asked(query, depth)
        deep = self.pool(wanted)
        every = [one.retrieve(asked, live, depth=deep, watch=watch) for one in self.retrievers]
        legs = [leg for leg in every if not leg.left_out]
        meant = replace(asked, min_score=query.min_score)
        legs = legs or [_DENSE.retrieve(meant, live, depth=deep, watch=watch)]
        left_out = {name: reason for leg in every for name, reason in leg.left_out.items()}
        with watch.timing("fuse"):
            found = replace(
                self.fuse(legs, query, live, depth=wanted),
                warnings=tuple(dict.fromkeys(_warnings(legs, left_out))),
                truncated=any(leg.truncated for leg in legs),
                left_out=left_out,
                unknown=legs[-1].unknown,
            )
        return unshown(found, query, depth=depth) if by_shown(query) else found

    def _moved(
        self, query: SearchQuery, live: Live, found: Candidates, watch: Stopwatch
    ) -> Candidates:
        """Candidates as re-rankers and boosts put them."""
        for rerank in self.rerankers if query.by_score else ():
            with nullcontext() if query.rerank is None else watch.timing("rerank"):
                found = rerank(query, live, found)
        if query.boosts and query.by_score:
            with watch.timing("boost"):
                found = self.boost(query, live, found)
        return found

    def _asked(self, query: SearchQuery, depth: int) -> tuple[SearchQuery, int]:
        """What each retriever is asked, and how many candidates are wanted of all."""
        asked = query
        if by_shown(query):
            shown = frozenset[int]() if query.cursor is None else query.cursor.without
            asked, depth = replace(query, cursor=None), depth + len(shown) + 1
        if len(self.retrievers) > 1:  # what several have to reach is a fused score
            asked = replace(asked, min_score=None)
        return asked, depth


def pipelines(
    rerankers: Sequence[Rerank],
    highlight: Highlight,
    explain: Explain,
    *,
    clock: Clock = wall_clock,
) -> Mapping[Mode, Pipeline]:
    """The pipeline of each mode; `clock` says what age is now."""
    whole = Pipeline(
        rerankers=tuple(rerankers), boost=Booster(clock), highlight=highlight, explain=explain
    )
    words = LexicalRetriever()
    return {
        "hybrid": replace(whole, retrievers=(_DENSE, words), fuse=fuse_legs, pool=pooled),
        "dense": whole,
        "lexical": replace(whole, retrievers=(words,)),
    }


def _completed(
    query: SearchQuery, *, live: Live, catalog: Catalog, watch: Stopwatch
) -> SearchQuery:
    """With the vector of what is to be found like it, and the words where all are asked for."""
    if query.like:
        with watch.timing("liken"):
            query = likened(query, live=live, catalog=catalog)
    return replace(query, words=words_of(query, live, watch))


def _warnings(legs: Sequence[Candidates], left_out: Mapping[str, str]) -> Iterator[str]:
    """What was said of the query on the way."""
    for leg in legs:
        yield from leg.warnings
    for name, reason in left_out.items():
        yield f"the {name} index was left out: {reason}"


def _hydrated(
    candidates: Sequence[Candidate], query: SearchQuery, *, live: Live, catalog: Catalog
) -> tuple[tuple[Hit, ...], int]:
    """Candidates with their documents, and how many of them were looked at.

    One that was deleted since the snapshot was taken, or by now has expired, is left out.
    """
    hits: list[Hit] = []
    chars, rank = 0, query.passed + 1
    for start in range(0, len(candidates), _FEW):
        few = candidates[start : start + _FEW]
        stored = catalog.documents.hydrate(live.collection, [one.ordinal for one in few])
        for seen, one in enumerate(few, start=start):
            if query.max_chars is not None and chars >= query.max_chars:
                return tuple(hits), seen
            if (found := stored.get(one.ordinal)) and live.shows(found.document):
                document = found.document
                hit = Hit(document.id, one.score, rank, document, one.passage, one.scores)
                hits.append(replace(hit, group=one.group, pinned=one.pinned))
                rank += 1
                chars += found.chars
    return tuple(hits), len(candidates)


def _explained(hits: Sequence[Hit], explanations: Sequence[Mapping[str, Any]]) -> tuple[Hit, ...]:
    pairs = zip_longest(hits, explanations)
    return tuple(replace(hit, explanation=explanation) for hit, explanation in pairs)


def _as_reranked(query: SearchQuery, found: Candidates) -> SearchQuery:
    """The query with what has looked at its candidates again, if anything has."""
    done = found.reranked
    return replace(query, rerank=None if done is None else done.wanted)


def _counted(query: SearchQuery, live: Live, watch: Stopwatch) -> CountedMatch:
    if not query.facets:
        return CountedMatch()
    with watch.timing("facets"):
        return count_facets(without_hidden(query, live), live)
