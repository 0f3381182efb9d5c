"""Writing words: the lexical index of each collection follows the catalog, ahead of its vectors.

An index that is damaged, absent, or not what the collection's analysis asks for is made anew from
the catalog while vectors alone answer. Knows no threads beyond its locks, and no locks of the home.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from molt.artifact import ArtifactError
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.errors import IndexingError, LexicalBusyError
from molt.index.lexical.analysis import read_analysis
from molt.index.lexical.commit import LexicalStore
from molt.index.lexical.writer import REANALYSIS, LexicalWriter, sweep_strays

log = structlog.get_logger(__name__)

_IDLE_SECONDS = 30.0
"""A writer that had nothing to do for so long is closed: it holds threads and memory."""


@dataclass
class _OpenWriter:
    writer: LexicalWriter
    used: float


class LexicalWriters:
    """The open writers of the lexical indexes of a home, one for each collection that is written.

    `limit` is how many documents are read from the catalog at once. `on_commit` is told of the
    seconds that each commit took, from reading documents to publishing their words, and `pause` is
    called between two parts of what takes long, with the seconds that the first took.
    """

    def __init__(
        self,
        store: LexicalStore,
        *,
        catalog: Catalog,
        limit: int,
        on_commit: Callable[[float], None] = lambda _: None,
        pause: Callable[[float], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._on_commit = on_commit
        self._pause = pause
        self._catalog = catalog
        self._limit = limit
        self._opened: dict[int, _OpenWriter] = {}
        self._locks: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)

    def advance(self, collection: Collection) -> bool:
        """Index changed documents for about a second, or tidy up; was there anything to do?"""
        with self._locks[collection.id]:
            opened = self._opened.get(collection.id)
            if opened is None and self._is_settled(collection):
                return False
            try:
                return self._advance(collection) or self._tidy(collection)
            except LexicalBusyError:
                return False  # the process that wrote it is about to end

    def lead(self, collection: Collection, *, reached: int, revision: int) -> None:
        """Bring the index to `revision`, before vectors are published that are complete up to it.

        Where it is not even complete up to what those have `reached`, it is being made anew, and
        nothing waits for that; nor for what fails, which is told by `advance`.
        """
        with self._locks[collection.id], suppress(ArtifactError, IndexingError, OSError):
            writer = self._current(collection)
            while reached <= writer.revision < revision and not writer.is_behind_itself:
                if not self._advance(collection):
                    return

    def collect(self) -> None:
        """Remove the indexes of collections that are no more, and what a crash left of others."""
        present = self._store.collections()  # before the catalog: what comes later stays
        living = {collection.id for collection in self._catalog.collections.list()}
        for gone in set(present) - living:
            with self._locks[gone]:
                self._drop(gone)
                self._store.remove(gone)
            log.info("lexical.removed", collection=gone)
        for collection in living.intersection(present):
            with self._locks[collection]:
                if collection not in self._opened:
                    sweep_strays(self._store, collection)
        self._store.sweep()

    def close(self) -> None:
        """Let other processes write what this one wrote."""
        for collection in list(self._opened):
            with self._locks[collection]:
                self._drop(collection)

    def _is_settled(self, collection: Collection) -> bool:
        """Is its index sound and complete, as far as is known without reading it?"""
        with suppress(ArtifactError):
            commit = self._store.read(collection.id)
            if commit is None:
                return collection.revision == 0
            return (
                commit.revision == collection.revision
                and commit.analysis == read_analysis(collection.analysis)
                and not self._store.is_damaged(commit)
            )
        return False

    def _current(self, collection: Collection) -> LexicalWriter:
        """The open writer; another one where what it wrote is damaged, or analysed otherwise."""
        opened, analysis = self._opened.get(collection.id), read_analysis(collection.analysis)
        if opened is not None:
            commit = opened.writer.commit
            sound = commit is None or not self._store.is_damaged(commit)
            if sound and opened.writer.analysis == analysis:
                return opened.writer
            self._drop(collection.id)
        writer = LexicalWriter(
            self._store, catalog=self._catalog, collection=collection, analysis=analysis
        )
        if writer.rebuilds is not None:
            tell = log.info if writer.rebuilds == REANALYSIS else log.error
            tell("lexical.rebuilding", collection=collection.name, reason=writer.rebuilds)
        self._opened[collection.id] = _OpenWriter(writer, time.monotonic())
        return writer

    def _advance(self, collection: Collection) -> bool:
        """Index what was changed. What fails leaves no writer, since nobody knows what it holds."""
        writer, began = self._current(collection), time.monotonic()
        try:
            worked = writer.advance(limit=self._limit, pause=self._pause)
        except BaseException:
            self._drop(collection.id)
            raise
        if worked:
            self._opened[collection.id].used = now = time.monotonic()
            self._on_commit(now - began)
        return worked

    def _tidy(self, collection: Collection) -> bool:
        opened = self._opened[collection.id]
        if opened.writer.tidy():
            return True
        if time.monotonic() - opened.used > _IDLE_SECONDS:
            self._drop(collection.id)
        return False

    def _drop(self, collection: int) -> None:
        opened = self._opened.pop(collection, None)
        if opened is not None:
            opened.writer.close()
