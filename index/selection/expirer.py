"""The expirer: deletes the documents whose time has come, some at a time, as anybody would.

No search waits for it: what has expired is not found from that moment on. Knows no threads, and is
to work in one process at a time.
"""

import math
import time

import structlog

from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.expiries import EXPIRY_BATCH
from molt.index.selection.expiring import Clock, expiry_reader

log = structlog.get_logger(__name__)


class Expirer:
    """Follows what documents say of their expiry, and deletes those that are due."""

    def __init__(self, catalog: Catalog, *, clock: Clock, batch: int = EXPIRY_BATCH) -> None:
        self._catalog = catalog
        self._clock = clock
        self._batch = batch
        self._next: dict[int, int] = {}

    def begin(self) -> None:
        """Look at every collection anew."""
        self._next.clear()

    def expire(self, collection: Collection) -> bool:
        """Do the next of it in one collection; False where there is nothing to do now.

        Raises `CollectionNotFoundError`.
        """
        if collection.expiry_field is None:
            return False
        expiries, read = self._catalog.expiries, expiry_reader(collection.expiry_field)
        followed = expiries.follow(collection, read, limit=self._batch)
        done = expiries.expire(collection, read, now=self._clock(), limit=self._batch)
        if done.deleted:
            log.info("documents.expired", collection=collection.name, documents=done.deleted)
        due = expiries.next_due(collection)
        if due is not None:
            self._next[collection.id] = due
        return followed or done.due > 0

    def next_look(self) -> float:
        """When a document expires next (monotonic), as far as is known; infinite for never."""
        seconds = (min(self._next.values(), default=math.inf) - self._clock()) / 1_000_000
        return time.monotonic() + seconds
