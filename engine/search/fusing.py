"""The fuse stage of a hybrid search: what meaning finds and what words find, as one ranking.

How it is fused is the collection's, as its release has it; the arithmetic is `index.ranking`'s.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from molt.engine.live.pair import Live
from molt.engine.search.candidates import Candidates
from molt.engine.search.query import SearchQuery
from molt.index.ranking.fusing import LegHits, fuse
from molt.index.ranking.ranking import DEFAULT_RANKING

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


def fuse_legs(legs: Sequence[Candidates], query: SearchQuery, live: Live) -> Candidates:
    """One ranking of the dense leg and the lexical one.

    The former as it is where the latter was left out, or was asked for nothing. Where signs or
    quotes say which documents are wanted, only those that the words found; they alone, where what
    is not wanted is all that was said.
    """
    dense, *others = legs
    (lexical,) = others or (Candidates(ceiling=0.0),)
    if query.like or not lexical.ceiling:
        alone = lexical if lexical.binding else dense
        return _reaching(alone, query.min_score, beyond=1.0)
    if lexical.binding:
        dense = _among(dense, lexical)
    fusion = (live.collection.ranking or DEFAULT_RANKING).fusion
    said = leg_hits(dense), leg_hits(lexical)
    fused = fuse(*said, fusion)
    known = {one.ordinal: one for leg in (lexical, dense) for one in leg.ranking}
    scores = _scores_of(dense, lexical)
    ranking = tuple(
        replace(known[ordinal], score=score, scores=scores[ordinal])
        for ordinal, score in zip(fused.ids.tolist(), fused.scores.tolist(), strict=True)
    )
    found = replace(
        dense,
        ranking=ranking,
        total=max(dense.total, lexical.total),
        fusion=fusion,
    )
    return _reaching(found, query.min_score, beyond=fused.beyond)


def _among(dense: Candidates, lexical: Candidates) -> Candidates:
    """Of the one leg what the other one found, too."""
    found = {one.ordinal for one in lexical.ranking}
    ranking = tuple(one for one in dense.ranking if one.ordinal in found)
    return replace(dense, ranking=ranking, total=lexical.total, exact=lexical.exact)


def leg_hits(leg: Candidates) -> LegHits:
    """A leg's candidates as the arithmetic has them."""
    return LegHits(
        ids=np.array([one.ordinal for one in leg.ranking], np.int64),
        scores=np.array([one.score for one in leg.ranking], np.float64),
        ceiling=leg.ceiling,
        whole=leg.exact and len(leg.ranking) >= leg.total,
    )


def _scores_of(*legs: Candidates) -> dict[int, dict[str, float]]:
    """What every leg that found a document gave it, by ordinal."""
    found: dict[int, dict[str, float]] = {}
    for leg in legs:
        for one in leg.ranking:
            found.setdefault(one.ordinal, {}).update(one.scores)
    return found


def _reaching(found: Candidates, least: float | None, *, beyond: float) -> Candidates:
    """Those that score at least `least`; no other document scores more than `beyond`."""
    if least is None:
        return found
    ranking = tuple(one for one in found.ranking if one.score >= least)
    whole = found.exact and (beyond < least or len(found.ranking) >= found.total)
    return replace(found, ranking=ranking, total=len(ranking), exact=whole)
