"""Pages: what of a ranking was shown before, and where the page after it begins.

A dense score depends on a document and a query alone, so a page can go on after a position. What
words score depends on all other documents, too: there pages go on without what was shown.
"""

from dataclasses import replace

from molt.engine.live.pair import Live
from molt.engine.search.candidates import Candidates
from molt.engine.search.cursor import MAX_WITHOUT, Cursor, search_digest
from molt.engine.search.query import SearchQuery
from molt.index.segments.matches.order import Position


def by_shown(query: SearchQuery) -> bool:
    """Are pages told by what was shown, since what words score depends on other documents?"""
    return query.mode != "dense" and query.by_score


def unshown(found: Candidates, query: SearchQuery, *, depth: int) -> Candidates:
    """Without what pages before have shown; one more than `depth` tells that there is more."""
    shown = frozenset[int]() if query.cursor is None else query.cursor.without
    ranking = tuple(one for one in found.ranking if one.ordinal not in shown)
    unsure = query.min_score is not None and not found.exact
    more = len(ranking) > depth or (unsure and len(ranking) == depth)
    return replace(found, ranking=ranking, more=more)


def following(query: SearchQuery, found: Candidates, *, live: Live, seen: int) -> Cursor | None:
    """Where the page after this one begins, of which `seen` candidates were looked at."""
    passed = query.start + seen
    if not seen or not _more(query, found, passed=passed):
        return None
    after, shown = _place(query, found, passed=passed)
    return Cursor(
        search_digest(query),
        live.encoder.checkpoint.id,
        rank=query.passed + seen,
        after=after,
        without=shown,
    )


def _place(
    query: SearchQuery, found: Candidates, *, passed: int
) -> tuple[Position | None, frozenset[int]]:
    """The position of the last of `passed` candidates, or what was shown, by ordinal.

    By neither it is found again by counting: where documents have no place of their own, and where
    too many were shown.
    """
    last, before = found.ranking[passed - 1].position, query.cursor
    known = frozenset[int]() if before is None else before.without
    if query.by_score and (query.boosts or query.pinned or query.rerank):
        return None, frozenset()
    shown = known.union(one.ordinal for one in found.ranking[:passed])
    few = len(shown) <= MAX_WITHOUT
    if query.mode != "dense":
        if few and (before is None or before.after is None):
            return None, shown
        return (None if query.by_score else last), frozenset()
    return (None, shown) if found.approximate and few else (last, known)


def _more(query: SearchQuery, found: Candidates, *, passed: int) -> bool:
    if passed < len(found.ranking) or found.more is not None:
        return passed < len(found.ranking) or bool(found.more)
    return passed < found.total or (not found.exact and passed == query.start + query.k)
