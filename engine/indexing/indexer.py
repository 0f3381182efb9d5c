"""The indexer: encodes and seals what the catalog holds and the index does not.

It merges segments and deletes what has expired, too. One process per home does this, the one that
holds the lock; the others only read and refresh. Which generation is written, and its healing, is
`writers`'.
"""

import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog

from molt.artifact import ArtifactError, FileLock, lock_file, panics_contained
from molt.encoder.errors import AbandonedError, EncoderError
from molt.encoder.safety.cancellation import Cancellation
from molt.engine.encoders import Encoders
from molt.engine.errors import EngineError
from molt.engine.indexing.lexical_writers import LexicalWriters
from molt.engine.indexing.writers import Writers
from molt.engine.live.live_collections import LiveCollections
from molt.engine.settings import Settings
from molt.engine.threads import Backoff, LastingThread, join_all
from molt.engine.throttle import Throttle
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.errors import CollectionNotFoundError, IndexingError
from molt.index.generations.generation import GenerationStore
from molt.index.lexical.commit import LexicalStore
from molt.index.selection.expirer import Expirer
from molt.index.selection.expiring import Clock, wall_clock

log = structlog.get_logger(__name__)

_EXPECTED = (IndexingError, ArtifactError, EncoderError, EngineError, OSError)
_TROUBLE = {
    "sealing": "is not being indexed",
    "merging": "is not being indexed",
    "expiring": "keeps documents that have expired",
    "lexical": "is not being indexed by its words",
}
_NICENESS = 5  # a search is not to wait for a core that indexing has
_LONGEST_REST = 10.0


@dataclass(frozen=True)
class _Problem:
    """Why work at a collection failed, for how many seconds it rests, and until when."""

    reason: str
    rest: float
    until: float


class Indexer:
    """Threads that seal segments, merge them, and let documents expire, while this process may.

    `on_worked` is told of each turn of work, `sealing`, `merging`, `expiring` or the `lexical` one
    that sealing waits for, too: its name and its seconds.
    """

    def __init__(  # noqa: PLR0913  each by name
        self,
        settings: Settings,
        *,
        catalog: Catalog,
        store: GenerationStore,
        lexical: LexicalStore,
        encoders: Encoders,
        live_collections: LiveCollections,
        throttle: Throttle,
        clock: Clock = wall_clock,
    ) -> None:
        self._settings = settings.index
        self._catalog = catalog
        self._live_collections = live_collections
        self._lock = _IndexerLock(settings.layout.indexer_lock)
        self.on_worked: Callable[[str, float], None] = _untold
        self._lexical = LexicalWriters(
            lexical,
            catalog=catalog,
            limit=self._settings.batch_documents,
            on_commit=lambda seconds: self.on_worked("lexical", seconds),
            pause=throttle.pause,
        )
        self._writers = Writers(
            catalog=catalog,
            store=store,
            lexical=self._lexical,
            encoders=encoders,
            retained=self._settings.retained_generations,
        )
        self._expirer = Expirer(catalog, clock=clock)
        self._problems: dict[tuple[str, str], _Problem] = {}
        self._uncollected: str | None = None
        self._stopping, self._abandoning = threading.Event(), Cancellation()
        works = {
            "sealing": self.seal,
            "merging": self.merge,
            "expiring": self.expire,
            "lexical": self.index_words,
        }
        self._woken = {name: threading.Event() for name in works}
        runs = {name: partial(self._run, name, work) for name, work in works.items()}
        self.threads = tuple(
            LastingThread(name, run, stopping=self._stopping, niceness=_NICENESS)
            for name, run in runs.items()
        )

    def start(self) -> None:
        """Begin to index, now or when the process that does so ends."""
        for thread in self.threads:
            thread.start()

    def wake(self) -> None:
        """Something was written: look now; what expires by it is seen when others' writes are."""
        for name in ("sealing", "merging", "lexical"):
            self._woken[name].set()

    def close(self) -> None:
        """Give the segment at work up, which is sealed at the next start; let others index.

        Where a thread does not end soon, as in a merge that builds a large graph, others index
        when this process has ended.
        """
        self._stopping.set()
        self._abandoning.cancel()
        for event in self._woken.values():
            event.set()
        if join_all(self.threads):
            self._writers.close()
            self._lexical.close()
            self._lock.release()

    def acquire(self) -> bool:
        """Become the home's indexer, unless another process is or this one may not."""
        return self._settings.seal and self._lock.acquire()

    def problems(self) -> dict[str, str]:
        """Collection name to why its documents are not being indexed."""
        return {name: problem.reason for (_, name), problem in self._problems.copy().items()}

    def seal(self, *, only: str | None = None) -> bool:
        """Seal the next changed documents of every collection, or of `only`; were there any?"""
        sealed = self._each(
            "sealing",
            lambda collection: self._writers.advance(
                collection, limit=self._settings.batch_documents
            ),
            only=only,
        )
        if not sealed:
            self._collect()
        return sealed

    def merge(self, *, only: str | None = None) -> bool:
        """Merge some segments of every collection, or of `only`; were there too many?"""
        return self._each("merging", self._writers.merge, only=only)

    def index_words(self, *, only: str | None = None) -> bool:
        """Index the words of what was changed of every collection, or of `only`; was there any?

        So that sealing need not wait for it, and anew where an index is damaged or absent.
        """
        return self._each("lexical", self._lexical.advance, only=only)

    def expire(self, *, only: str | None = None) -> bool:
        """Delete some documents that are due of every collection, or of `only`; were there any?"""
        self._expirer.begin()
        return self._each("expiring", self._expirer.expire, only=only)

    def _collect(self) -> None:
        """Remove what nobody needs; where that fails, it is no reason not to seal."""
        try:
            self._writers.collect()
            self._lexical.collect()
        except _EXPECTED as error:
            if str(error) != self._uncollected:
                log.warning("collecting.failed", reason=str(error))
            self._uncollected = str(error)
        else:
            self._uncollected = None

    def _each(self, name: str, work: Callable[[Collection], bool], *, only: str | None) -> bool:
        worked = False
        collections = self._catalog.collections.list()
        self._forget(name, {collection.name for collection in collections})
        for collection in collections:
            if self._stopping.is_set():
                break
            if collection.name != only and (only is not None or self._rests(name, collection)):
                continue
            worked = self._work_at(name, work, collection) or worked
        return worked

    def _work_at(
        self, name: str, work: Callable[[Collection], bool], collection: Collection
    ) -> bool:
        """Work at one collection, and show what was done; raises nothing."""
        worked = False
        try:
            with self._abandoning.scope(), panics_contained():
                began = time.monotonic()
                worked = work(collection)
                if worked:
                    if name != "lexical":  # each commit is told of
                        self.on_worked(name, time.monotonic() - began)
                    opened = self._writers.snapshot(collection)
                    self._live_collections.follow(collection.name, opened=opened)
        except (CollectionNotFoundError, AbandonedError):
            pass
        except Exception as error:  # noqa: BLE001  one collection keeps no other from being indexed
            self._report(name, collection, error)
        else:
            self._problems.pop((name, collection.name), None)
        return worked

    def _forget(self, name: str, living: set[str]) -> None:
        """A collection that was deleted has no problem any more."""
        for key in list(self._problems):
            if key[0] == name and key[1] not in living:
                del self._problems[key]

    def _rests(self, name: str, collection: Collection) -> bool:
        """Did this work fail a moment ago? The longer it fails, the less often it is tried."""
        problem = self._problems.get((name, collection.name))
        return problem is not None and time.monotonic() < problem.until

    def _report(self, name: str, collection: Collection, error: Exception) -> None:
        if self._stopping.is_set():
            return  # what it stands on may be closed by now
        reason = f"collection {collection.name!r} {_TROUBLE[name]}: {error}"
        former = self._problems.get((name, collection.name))
        if former is None or former.reason != reason:
            unexpected = None if isinstance(error, _EXPECTED) else error
            log.error(
                "indexing.failed",
                collection=collection.name,
                reason=str(error),
                exc_info=unexpected,
            )
        rest = min(2 * former.rest, _LONGEST_REST) if former else self._settings.poll_seconds
        self._problems[name, collection.name] = _Problem(reason, rest, time.monotonic() + rest)

    def _run(self, name: str, work: Callable[[], bool]) -> None:
        woken, backoff = self._woken[name], Backoff(self._settings.poll_seconds)
        while not self._stopping.is_set():
            if woken.is_set():
                woken.clear()
                backoff.end()
            if backoff.is_over(self._catalog.database.version()) and self._turn(
                name, work, backoff
            ):
                self._woken["merging"].set()
            else:
                woken.wait(self._settings.poll_seconds)

    def _turn(self, name: str, work: Callable[[], bool], backoff: Backoff) -> bool:
        """Work where this process may; where there is nothing to do, less often from now on."""
        if not self.acquire():
            return False
        worked = work()
        if worked:
            backoff.end()
        else:
            due = [problem.until for problem in self._problems.copy().values()]
            due += [self._expirer.next_look()] if name == "expiring" else []
            backoff.begin(latest=min(due, default=math.inf))
        return worked


def _untold(_work: str, _seconds: float) -> None:
    """Nobody asks."""


class _IndexerLock:
    """The right to seal segments, which one process of a home has; its threads share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: FileLock | None = None
        self._guard = threading.Lock()

    def acquire(self) -> bool:
        """Take it unless another process has it."""
        with self._guard, suppress(BlockingIOError):
            self._held = self._held or lock_file(self._path)
        return self._held is not None

    def release(self) -> None:
        """Give it back."""
        with self._guard:
            if self._held is not None:
                self._held.release()
                self._held = None
