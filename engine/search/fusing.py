"""The fuse stage of a hybrid search: what meaning finds and what words find, as one ranking.

How it is fused is the collection's, as its release has it; the arithmetic is `index.ranking`'s.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from molt.engine.live.pair import Live
from molt.engine.search.candidates import Candidate, Candidates
from molt.engine.search.lexical import MatchingWords
from molt.engine.search.query import SearchQuery
from molt.index.ranking.fusing import FusedHits, LegHits, fuse
from molt.index.ranking.fusion import Fusion, FusionKind, QueryFusion
from molt.index.segments.matches.order import GivenScores

POOL = 200
"""So many candidates of either leg are fused for the first pages."""


def pooled(depth: int) -> int:
    """How many candidates each leg is asked for where the `depth` best are wanted.

    The same for many depths, so that the pages of one ranking fit together.
    """
    pool = POOL
    while pool < depth:
        pool *= 2
    return pool


def fuse_legs(
    legs: Sequence[Candidates], query: SearchQuery, live: Live, *, depth: int
) -> Candidates:
    """The `depth` best of one ranking of the dense leg and the lexical one.

    The former as it is where the latter was left out, or was asked for nothing.
    """
    dense, *others = legs
    (lexical,) = others or (Candidates(ceiling=0.0),)
    least = query.min_score
    if not lexical.ceiling:
        return _reaching(dense, least)
    fused = fuse(leg_hits(dense), leg_hits(lexical), live.ranking.fusion)
    ranking = tuple(_merged(fused, dense, lexical, depth))
    found = replace(dense, ranking=ranking, fusion=query_fusion(live, lexical.n_words))
    if least is None:
        return found
    reached = int(np.count_nonzero(fused.scores >= least))
    whole = found.exact and (fused.beyond < least or len(fused.ids) >= found.total)
    return replace(found, ranking=found.ranking[:reached], total=reached, exact=whole)


def _merged(
    fused: FusedHits, dense: Candidates, lexical: Candidates, depth: int
) -> Iterator[Candidate]:
    """The best candidates with what either leg says of them; the dense one tells the passage."""
    legs = dense, lexical
    places = [{ordinal: at for at, ordinal in enumerate(leg.ordinals)} for leg in legs]
    best = zip(fused.ids[:depth].tolist(), fused.scores[:depth].tolist(), strict=True)
    for ordinal, score in best:
        said = [
            leg.ranking[own[ordinal]]
            for leg, own in zip(legs, places, strict=True)
            if ordinal in own
        ]
        scores = {name: given for one in said for name, given in one.scores.items()}
        yield replace(said[0], score=score, scores=scores)


def query_fusion(live: Live, n_words: int) -> QueryFusion:
    """How a search is fused that asks for so many words."""
    weight = live.ranking.fusion.weight(n_words)
    kind = FusionKind.RRF if weight is None else FusionKind.CONVEX
    return QueryFusion(kind, weight, tuned=live.collection.ranking is not None)


def fused_whole(dense: GivenScores, words: MatchingWords, fusion: Fusion) -> GivenScores:
    """The fused scores of all documents of the dense leg, every one of which was compared.

    `words` are what any document has.
    """
    there = np.isin(words.scores.ordinals, dense.ordinals, assume_unique=True)
    worded = _ranked(GivenScores(words.scores.ordinals[there], words.scores.scores[there]))
    lexical = replace(worded, ceiling=words.ceiling, n_words=words.n_words)
    found = fuse(_ranked(dense), lexical, fusion)
    order = np.argsort(found.ids)
    return GivenScores(found.ids[order], found.scores[order])


def _ranked(leg: GivenScores) -> LegHits:
    order = np.lexsort((leg.ordinals, -leg.scores))
    return LegHits(leg.ordinals[order], leg.scores[order], whole=True)


def leg_hits(leg: Candidates) -> LegHits:
    """A leg's candidates as the arithmetic has them."""
    return LegHits(
        ids=np.array(leg.ordinals, np.int64),
        scores=np.array(leg.scores, np.float64),
        ceiling=leg.ceiling,
        n_words=leg.n_words,
        whole=leg.exact and len(leg.ranking) >= leg.total,
    )


def _reaching(found: Candidates, least: float | None) -> Candidates:
    """Those of the dense leg that score at least `least`; no other document scores more than 1."""
    if least is None:
        return found
    ranking = tuple(one for one in found.ranking if one.score >= least)
    whole = found.exact and (least > 1.0 or len(found.ranking) >= found.total)
    return replace(found, ranking=ranking, total=len(ranking), exact=whole)
