"""Pooling: the documents that any mode of searching ranks among its best, for whoever judges them.

A fuse stage as others are: both legs are asked once for the rankings of three modes. Boosts and
re-ranking, which look at more than the legs say, have no part in it.
"""

from collections.abc import Sequence
from dataclasses import replace

from molt.engine.live.pair import Live
from molt.engine.search.candidates import Candidate, Candidates
from molt.engine.search.fusing import fuse_legs
from molt.engine.search.query import SearchQuery

POOL_DEPTH = 10
"""So many of each ranking are pooled."""
MOST_POOLED = 3 * POOL_DEPTH


def pool_legs(
    legs: Sequence[Candidates], query: SearchQuery, live: Live, *, depth: int
) -> Candidates:
    """The best of each leg and of their fusion, by the best rank that any of them gives.

    Which of them found one is not told: who grades should not know. `depth` is more than these.
    """
    fused = fuse_legs(legs, query, live, depth=depth)
    known: dict[int, Candidate] = {}
    ranks: dict[int, int] = {}
    for ranking in (fused.ranking, *(leg.ranking for leg in legs)):
        for rank, one in enumerate(ranking[:POOL_DEPTH]):
            known.setdefault(one.ordinal, one)
            ranks[one.ordinal] = min(rank, ranks.get(one.ordinal, rank))
    order = sorted(known, key=lambda ordinal: (ranks[ordinal], ordinal))
    pool = tuple(replace(known[one], score=-float(ranks[one])) for one in order)
    return replace(fused, ranking=pool, total=len(pool), exact=True)
