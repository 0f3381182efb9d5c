"""Suggestions: how a query that is being typed may go on.

By titles of documents, and by queries that several users have asked; what one user alone has asked
is nobody else's. What is suggested is kept in memory and made anew in the background when it has
changed; whether a title is still there is asked of the catalog each time.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import wait
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import polars as pl
import structlog

from molt.artifact import ForeseenError
from molt.engine.live.live_collections import LiveCollections
from molt.engine.live.loader import Loader
from molt.engine.live.pair import Live
from molt.engine.search.suggestions.prefixes import PrefixIndex, WeighedTexts, folded_texts
from molt.engine.sections import SuggestSettings
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.rows.titles import AllTitles
from molt.index.errors import CollectionNotFoundError

log = structlog.get_logger(__name__)

PATIENCE = 1.0
"""Seconds that a request waits for what is made for the first time."""
_LOOKED_AT = 8
"""So many documents of one title are looked at to see whether one is still there."""
_SCHEMA = {"ordinal": pl.Int64, "title": pl.String}
_USED = 1_000
"""A query that one more user has asked goes before so many titles alike."""


@dataclass(frozen=True)
class Suggestion:
    """A text to go on with; `count` documents have the title, or users asked the query."""

    text: str
    kind: Literal["title", "query"]
    count: int


@dataclass(frozen=True)
class Suggestions:
    """The best first; not `complete` while they are made for the first time."""

    found: tuple[Suggestion, ...] = ()
    complete: bool = True


@dataclass(frozen=True)
class _Mark:
    """What changes with every document and every event of a collection."""

    revision: int
    event: int


@dataclass(frozen=True)
class _Known:
    """What can be suggested of a collection that stood at `mark`, looked at `at` (monotonic).

    `folded` are the texts as they are compared; `ordinals` are some of the documents that have each
    title, a query has none.
    """

    mark: _Mark
    at: float
    folded: Sequence[str]
    suggestions: tuple[Suggestion, ...]
    ordinals: tuple[tuple[int, ...], ...]
    index: PrefixIndex


class Suggester:
    """Suggestions for every collection. Thread-safe."""

    def __init__(
        self,
        settings: SuggestSettings,
        *,
        catalog: Catalog,
        live_collections: LiveCollections,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._live_collections = live_collections
        self._clock = clock
        self._loader = Loader()
        self._known: dict[int, _Known] = {}

    def suggest(
        self, name: str, prefix: str, *, k: int, patience: float | None = PATIENCE
    ) -> Suggestions:
        """The `k` best for a prefix; what is made for the first time is waited for so many seconds.

        Raises `CollectionNotFoundError` and `UnavailableError`, and what reading them raises.
        """
        live = self._live_collections.get(name)
        collection = live.collection
        known = self._known.get(collection.id)
        if known is None:
            made = self._loader.now(str(collection.id), partial(self._make, collection))
            wait([made], timeout=patience)
            known = self._known.get(collection.id)
            if known is None:
                if made.done() and not made.cancelled():
                    made.result()  # raises why
                return Suggestions(complete=False)
        elif self._clock() - known.at >= self._settings.refresh_seconds:
            self._loader.soon(str(collection.id), partial(self._renew, collection, known))
        return Suggestions(tuple(self._found(known, prefix, live, k=k)))

    def close(self) -> None:
        """Finish what is being made."""
        self._loader.close()

    def _found(self, known: _Known, prefix: str, live: Live, *, k: int) -> list[Suggestion]:
        places = known.index.find(prefix, k=2 * k)
        ordinals = [one for place in places for one in known.ordinals[place]]
        there = self._titles(ordinals, live)
        return [
            known.suggestions[place]
            for place in places
            if known.suggestions[place].kind == "query"
            or any(there.get(one) == known.folded[place] for one in known.ordinals[place])
        ][:k]

    def _titles(self, ordinals: Sequence[int], live: Live) -> Mapping[int, str]:
        """As they are compared, of the documents that are still there and have not expired."""
        found = self._catalog.titles.at(live.collection, ordinals)
        if live.collection.expiry_field is not None and live.snapshot is not None:
            shown = live.snapshot.vectors_of(list(found))
            found = {ordinal: title for ordinal, title in found.items() if ordinal in shown}
        return dict(zip(found, folded_texts(list(found.values())), strict=True))

    def _renew(self, collection: Collection, known: _Known) -> None:
        """Make anew what is known; where that fails, it is suggested on, and tried again later."""
        try:
            self._make(collection)
        except CollectionNotFoundError:
            self._known.pop(collection.id, None)
        except Exception as error:  # nobody waits for it who could be told
            self._known[collection.id] = replace(known, at=self._clock())
            unforeseen = None if isinstance(error, ForeseenError) else error
            log.warning(
                "suggestions.failed",
                collection=collection.name,
                reason=str(error),
                exc_info=unforeseen,
            )

    def _make(self, collection: Collection) -> None:
        at = self._clock()
        row = self._catalog.collections.get(collection.name)
        known = self._known.get(row.id)
        mark = _Mark(row.revision, self._catalog.events.last(row))
        if known is not None and known.mark == mark:
            self._known[row.id] = replace(known, at=at)
            return
        titles = self._catalog.titles.all(row, limit=self._settings.max_titles)
        asked = self._catalog.events.asked(row, least=self._settings.min_users)
        self._known[row.id] = _made(mark, at, titles, asked)
        self._forget_deleted()

    def _forget_deleted(self) -> None:
        """What collections had that are no more: as much as their titles."""
        living = {one.id for one in self._catalog.collections.list()}
        for gone in self._known.copy().keys() - living:
            self._known.pop(gone, None)


def _made(mark: _Mark, at: float, titles: AllTitles, asked: Mapping[str, int]) -> _Known:
    frame = pl.DataFrame({"ordinal": titles.ordinals, "title": titles.titles}, schema=_SCHEMA)
    grouped = (
        frame.with_columns(folded=folded_texts(titles.titles))
        .filter(pl.col("folded") != "")
        .group_by("folded", maintain_order=True)
        .agg(pl.col("title").first(), pl.len(), pl.col("ordinal").tail(_LOOKED_AT))
    )
    queries = [Suggestion(query, "query", count) for query, count in asked.items()]
    found = [Suggestion(text, "title", n) for _, text, n, _ in grouped.rows()]
    suggestions = (*queries, *found)
    weights = [one.count * (_USED if one.kind == "query" else 1) for one in suggestions]
    looked = [()] * len(queries) + [tuple(row[3]) for row in grouped.rows()]
    index = PrefixIndex(WeighedTexts([one.text for one in suggestions], weights))
    folded = folded_texts([*asked, *grouped["title"]]).to_list()
    return _Known(mark, at, folded, suggestions, tuple(looked), index)
