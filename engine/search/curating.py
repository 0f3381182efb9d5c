"""Curating: what a collection was told to show first for a query, what not, and how it boosts.

Pinned documents come first, in the order of the curation, where the search's filter keeps them;
hidden ones do not come. Both are left out of the rest of the search by a filter, so that nothing
else is lost, and pages and totals stay true.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace

from molt.engine.live.pair import Live
from molt.engine.search.boosting import read_boosts
from molt.engine.search.candidates import Candidates
from molt.engine.search.query import SearchQuery
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.judging.curations import Curation, SearchDefaults, normalised
from molt.index.lexical.synonyms import Synonyms, read_synonyms
from molt.index.segments.filters.clauses import All, Filter, Not
from molt.index.segments.filters.filter import parse_filter


class Curator:
    """Applies what is kept with a collection to its searches. Thread-safe.

    The curations and synonyms of a collection are read anew when they were changed, by whichever
    process.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._lock = threading.Lock()
        self._known: dict[int, tuple[int, Mapping[str, Curation]]] = {}
        self._synonyms: dict[int, tuple[int, Synonyms]] = {}

    def curated(self, query: SearchQuery, live: Live, defaults: SearchDefaults) -> SearchQuery:
        """The query with what its collection has for it: a curation, boosts unless it has its own,
        and synonyms.
        """
        if query.boosts is None:
            query = replace(query, boosts=read_boosts(defaults.boosts))
        if defaults.synonyms and query.mode != "dense":
            query = replace(query, synonyms=self._synonyms_of(live, defaults.synonyms))
        if not defaults.curated or query.like:
            return query
        curation = self._curations(live, defaults.curated).get(normalised(query.text))
        if curation is None:
            return query
        return replace(query, pinned=curation.pinned, hidden=curation.hidden)

    def _synonyms_of(self, live: Live, version: int) -> Synonyms:
        collection = live.collection
        known = self._synonyms.get(collection.id)
        if known is None or known[0] < version:
            kept = self._catalog.synonyms.get(collection)
            known = kept.version, Synonyms(read_synonyms(kept.rules))
            with self._lock:
                self._synonyms[collection.id] = known
                self._forget_deleted()
        return known[1]

    def _curations(self, live: Live, version: int) -> Mapping[str, Curation]:
        collection = live.collection
        known = self._known.get(collection.id)
        if known is None or known[0] != version:
            found = {one.query: one for one in self._catalog.curations.list(collection)}
            known = version, found
            with self._lock:
                self._known[collection.id] = known
                self._forget_deleted()
        return known[1]

    def _forget_deleted(self) -> None:
        living = {one.id for one in self._catalog.collections.list()}
        for kept in (self._known, self._synonyms):
            for gone in kept.keys() - living:
                del kept[gone]


@dataclass(frozen=True)
class Parts:
    """A search without what its curation names, and the search for what that pins.

    `order` are the pinned documents by ordinal.
    """

    rest: SearchQuery
    pinned: SearchQuery
    order: Mapping[int, int]

    def joined(self, pinned: Candidates, rest: Candidates) -> Candidates:
        """One ranking, pinned documents first."""
        first = sorted(pinned.ranking, key=lambda one: self.order.get(one.ordinal, 0))
        marked = (replace(one, pinned=True) for one in first)
        return replace(rest, ranking=(*marked, *rest.ranking), total=rest.total + len(first))


def parted(query: SearchQuery, *, live: Live, catalog: Catalog) -> Parts | None:
    """The two parts of a search that a curation names documents for.

    None where the index knows no ids, as those of early versions do not.
    """
    snapshot = live.snapshot
    named = _ids(*query.pinned, *query.hidden)
    if snapshot is None or not snapshot.field_kinds(named).complete:
        return None
    found = catalog.documents.ordinals(live.collection, query.pinned)
    return Parts(
        rest=replace(query, where=_both(query.where, Not(named))),
        pinned=replace(query, where=_both(query.where, _ids(*found)), min_score=None),
        order={ordinal: place for place, ordinal in enumerate(found.values())},
    )


def without_hidden(query: SearchQuery, live: Live) -> SearchQuery:
    """A search without what its curation hides."""
    hidden = _ids(*query.hidden)
    if not query.hidden or live.snapshot is None or not live.snapshot.field_kinds(hidden).complete:
        return query
    return replace(query, where=_both(query.where, Not(hidden)))


def _ids(*ids: str) -> Filter:
    """The documents of these ids; of none, nothing."""
    return parse_filter({"field": "id", "in": list(ids)}) if ids else Not(All(()))


def _both(where: Filter | None, more: Filter) -> Filter:
    return more if where is None else All((where, more))
