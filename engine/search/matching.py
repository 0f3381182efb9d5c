"""The match of a search: every document that it matches, whatever part of them it shows.

By meaning every document matches to some degree: all that the filter keeps do. By words those do
that have them, and so they do in a hybrid search whose signs or quotes say which are wanted. With a
least score those do that reach it. All of them are compared here, by vectors and by words.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from molt.encoder.encoder import Lane
from molt.engine.live.pair import Live
from molt.engine.search.candidates import Candidate, Candidates, Passage, Stopwatch
from molt.engine.search.dense import DenseRetriever, encoded_query
from molt.engine.search.fusing import fused_whole, query_fusion
from molt.engine.search.lexical import LexicalRetriever
from molt.engine.search.query import SearchQuery
from molt.index.generations.protocols import Match, SearchableGeneration
from molt.index.ranking.fusion import QueryFusion
from molt.index.segments.exact import Vectors
from molt.index.segments.matches.order import GivenScores, OrderedHit
from molt.index.segments.matches.paging import PageQuery


@dataclass(frozen=True)
class WholeMatch:
    """All documents that match, and what they score where that was asked for.

    `legs` are the parts of it, by the names of retrievers. `vector` tells their best passages.
    """

    match: Match
    vector: Vectors | None = None
    scores: GivenScores | None = None
    legs: Mapping[str, GivenScores] = field(default_factory=dict)
    fusion: QueryFusion | None = None

    def page(self, wanted: PageQuery) -> Candidates:
        """Some of the documents in an order. Raises as `Match.page` does."""
        page = self.match.page(self.vector, replace(wanted, scores=self.scores))
        return Candidates(
            tuple(self._candidates(page.standings)),
            self.match.total,
            warnings=self.match.warnings,
            more=page.more,
            fusion=self.fusion,
        )

    def _candidates(self, standings: tuple[OrderedHit, ...]) -> Iterator[Candidate]:
        for one in standings:
            hit = one.hit
            said = ((name, leg.find(hit.ordinal)) for name, leg in self.legs.items())
            scores = {name: score for name, score in said if score is not None}
            passage = Passage(hit.start, hit.end)
            yield Candidate(
                hit.ordinal, hit.score, passage, scores, position=one.position, group=one.group
            )


def whole_match(
    query: SearchQuery, snapshot: SearchableGeneration, live: Live, *, scored: bool = False
) -> WholeMatch:
    """What a query matches; `scored` where documents are to be told by their scores, too.

    Raises as a search does for a filter.
    """
    words, least = query.words, query.min_score
    if words is None:
        vector = None if least is None else _vector(query, live)
        match = snapshot.match(where=query.where, query=vector, min_score=least)
        return WholeMatch(match, vector)
    match = snapshot.match(where=query.where, among=query.among)
    if not scored and least is None:
        return WholeMatch(match)
    found = _scored(match, query, live)
    if least is None or found.scores is None:
        return found
    reaching = found.scores.ordinals[found.scores.scores >= _least(query, least)]
    return replace(found, match=match.among(reaching))


def ordered(query: SearchQuery, live: Live, *, depth: int, watch: Stopwatch) -> Candidates:
    """The first `depth` of all documents that match, by fields or of each group."""
    asked, truncated = _encoded(query, live, watch)
    if live.snapshot is None:
        return Candidates(truncated=truncated)
    cursor = query.cursor
    wanted = PageQuery(
        depth,
        query.sort,
        query.group_by,
        after=None if cursor is None else cursor.after,
        without=frozenset() if cursor is None else cursor.without,
    )
    with watch.timing("order"):
        found = whole_match(asked, live.snapshot, live, scored=True).page(wanted)
    return replace(found, truncated=truncated)


def named(query: SearchQuery, live: Live, *, depth: int, watch: Stopwatch) -> Candidates:
    """The documents that the filter of a query names, as it scores them, whatever words they have.

    Some have none of them, and score nothing by their words.
    """
    asked, truncated = _encoded(query, live, watch)
    if live.snapshot is None:
        return Candidates(truncated=truncated)
    with watch.timing("retrieve"):
        match = live.snapshot.match(where=query.where)
        found = _scored(match, asked, live).page(PageQuery(depth))
    return replace(found, truncated=truncated)


def _encoded(query: SearchQuery, live: Live, watch: Stopwatch) -> tuple[SearchQuery, bool]:
    """The query with its vector, where it has a meaning; and whether its end was not read."""
    ended = query.words is not None and query.words.truncated
    if query.mode == "lexical" and query.words is not None:
        return query, ended
    encoded = encoded_query(query, live, watch)
    return replace(query, vector=encoded.vector), encoded.truncated or ended


def _scored(match: Match, query: SearchQuery, live: Live) -> WholeMatch:
    """Documents with the scores that a query gives them."""
    words = query.words
    if words is not None and query.mode == "lexical":
        return WholeMatch(match, None, words.scores, {LexicalRetriever.name: words.scores})
    vector = _vector(query, live)
    dense = match.scores(vector)
    if words is None or not words.ceiling:
        return WholeMatch(match, vector, dense, {DenseRetriever.name: dense})
    legs = {DenseRetriever.name: dense, LexicalRetriever.name: words.scores}
    fused = fused_whole(dense, words, live.ranking.fusion)
    return WholeMatch(match, vector, fused, legs, query_fusion(live, words.n_words))


def _least(query: SearchQuery, least: float) -> float:
    """BM25 and inner products are told in single precision, what is fused of them in double."""
    fused = query.mode == "hybrid" and query.words is not None and query.words.ceiling
    return least if fused else float(np.float32(least))


def _vector(query: SearchQuery, live: Live) -> Vectors:
    """What a query means; the encoder remembers what it was asked before."""
    if query.vector is not None:
        return query.vector
    encoded = live.encoder.encode([query.text], input_type=query.input_type, lane=Lane.QUERY)
    vector: Vectors = encoded.vectors[0]
    return vector
