"""The dense retriever: documents by the inner product of their best passage with the query."""

from dataclasses import dataclass, replace

from molt.encoder.encoder import Lane
from molt.engine.live.pair import Live
from molt.engine.search.candidates import (
    Candidate,
    Candidates,
    LazyRanking,
    Passage,
    Stopwatch,
)
from molt.engine.search.query import SearchQuery
from molt.index.generations.protocols import SearchableGeneration
from molt.index.segments.exact import Vectors
from molt.index.segments.hits import RowHit
from molt.index.segments.matches.order import OrderedHit, Position
from molt.index.segments.matches.paging import PageQuery


@dataclass(frozen=True)
class EncodedQuery:
    """What a query means, `(dim,) float32`; `truncated` where its end was not read."""

    vector: Vectors
    truncated: bool = False


def encoded_query(query: SearchQuery, live: Live, watch: Stopwatch) -> EncodedQuery:
    """A query as the encoder of the pair reads it, unless it has a vector already."""
    if query.vector is not None:
        return EncodedQuery(query.vector)
    with watch.timing("encode"):
        encoded = live.encoder.encode([query.text], input_type=query.input_type, lane=Lane.QUERY)
    return EncodedQuery(encoded.vectors[0], bool(encoded.truncated[0]))


class DenseRetriever:
    """Encodes the query with the encoder of the pair and searches its index."""

    name = "dense"

    def retrieve(
        self, query: SearchQuery, live: Live, *, depth: int, watch: Stopwatch
    ) -> Candidates:
        """As every retriever; in another order than by score, the first `depth` of that."""
        encoded = encoded_query(query, live, watch)
        if live.snapshot is None:
            return Candidates(truncated=encoded.truncated)
        retrieve = self._ranked if query.ranked else self._ordered
        with watch.timing("retrieve" if query.by_score else "order"):
            found = retrieve(query, live.snapshot, encoded.vector, depth=depth)
        return replace(found, truncated=encoded.truncated)

    def _ranked(
        self, query: SearchQuery, snapshot: SearchableGeneration, vector: Vectors, *, depth: int
    ) -> Candidates:
        found = snapshot.search(
            vector,
            k=depth,
            where=query.where,
            min_score=query.min_score,
            among=query.among,
        )
        hits = found.hits
        return Candidates(
            LazyRanking(
                [hit.ordinal for hit in hits],
                [hit.score for hit in hits],
                lambda at: self._candidate(OrderedHit(hits[at], _by_score(hits[at]))),
            ),
            found.total,
            found.exact,
            found.warnings,
            approximate=found.approximate,
        )

    def _ordered(
        self, query: SearchQuery, snapshot: SearchableGeneration, vector: Vectors, *, depth: int
    ) -> Candidates:
        """Compares every document of the match that its order leaves to the score."""
        cursor = query.cursor
        match = snapshot.match(where=query.where, query=vector, min_score=query.min_score)
        wanted = PageQuery(
            depth,
            query.sort,
            query.group_by,
            after=None if cursor is None else cursor.after,
            without=frozenset() if cursor is None else cursor.without,
        )
        page = match.page(vector, wanted)
        return Candidates(
            tuple(map(self._candidate, page.standings)),
            match.total,
            warnings=match.warnings,
            more=page.more,
        )

    def _candidate(self, one: OrderedHit) -> Candidate:
        return Candidate(
            one.hit.ordinal,
            one.hit.score,
            Passage(one.hit.start, one.hit.end),
            {self.name: one.hit.score},
            position=one.position,
            group=one.group,
        )


def _by_score(hit: RowHit) -> Position:
    """Where a hit stands in a ranking by score."""
    return Position((), hit.score, hit.ordinal)
