"""The recorder: notes searches that were answered, so that what users do next can be learnt from.

A search only puts its own on a list; a thread writes the list down every two seconds. Who is killed
meanwhile loses those two seconds of searches, never an event, which is kept before it is
acknowledged. Learns nothing.
"""

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

import orjson
import structlog

from molt.engine.search.query import SearchAnswer, SearchQuery
from molt.engine.sections import LearnSettings
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.judging.kept_searches import MOST_SHOWN, KeptSearch, SearchRetention
from molt.index.errors import CollectionNotFoundError, IndexingError

log = structlog.get_logger(__name__)

_SECONDS = 2.0
_MOST_WAITING = 10_000
_AT_ONCE = 500


@dataclass(frozen=True)
class _Noted:
    """A search on the list: its filter is not written in JSON yet."""

    collection: str
    search: KeptSearch
    conditions: Any

    def kept(self) -> KeptSearch:
        if self.conditions is None:
            return self.search
        return replace(self.search, conditions=orjson.dumps(self.conditions).decode())


class SearchRecorder:
    """Keeps a share of the searches that rank by relevance. Thread-safe.

    `on_outcome` is told how many were `kept`, or `lost`.
    """

    def __init__(self, settings: LearnSettings, catalog: Catalog) -> None:
        self._settings = settings
        self._retention = SearchRetention(settings.days, settings.rows)
        self._catalog = catalog
        self._waiting: deque[_Noted] = deque()
        self._flushing = threading.Lock()
        self._flushed = time.monotonic()
        self.on_outcome: Callable[[str, int], None] = lambda _outcome, _count: None

    def note(
        self, query_id: str, query: SearchQuery, answer: SearchAnswer, *, conditions: Any
    ) -> None:
        """Put a search on the list, with the JSON of its filter; writes nothing, never waits.

        What is like documents, is ordered by fields or has no hits tells nothing of relevance.
        """
        settings = self._settings
        if not settings.searches or not answer.page.hits or query.by_likeness or not query.by_score:
            return
        if settings.share < 1 and random.random() >= settings.share:  # noqa: S311  no secret
            return
        if len(self._waiting) >= _MOST_WAITING:
            self.on_outcome("lost", 1)
            return
        hits = answer.page.hits[:MOST_SHOWN]
        kept = KeptSearch(
            query_id,
            datetime.now(UTC),
            query.text,
            answer.mode,
            tuple(hit.id for hit in hits),
            passed=hits[0].rank - 1,
            generation=answer.generation,
        )
        self._waiting.append(_Noted(query.collection, kept, conditions))

    def look(self) -> None:
        """Write the list down where it is time to."""
        if time.monotonic() - self._flushed >= _SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write down what is on the list; what the catalog does not take is lost, and told."""
        with self._flushing:
            for batch in self._batches():
                self._write(batch)
            self._flushed = time.monotonic()

    def _batches(self) -> Iterator[Sequence[_Noted]]:
        for _ in range(-(-len(self._waiting) // _AT_ONCE)):
            yield [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]

    def _write(self, batch: Sequence[_Noted]) -> None:
        by_name = attrgetter("collection")
        for name, noted in groupby(sorted(batch, key=by_name), key=by_name):
            kept = [one.kept() for one in noted]
            try:
                collection = self._catalog.collections.get(name)
                self._catalog.searches.append(collection, kept, retention=self._retention)
                self.on_outcome("kept", len(kept))
            except CollectionNotFoundError:  # deleted meanwhile
                self.on_outcome("lost", len(kept))
            except IndexingError as error:
                self.on_outcome("lost", len(kept))
                log.warning("searches.lost", count=len(kept), reason=str(error))
