"""The engine: what the service does, without HTTP. Two hops from a route to FAISS.

Owns the catalog, the shelf of live collections and the threads that keep them true, and closes
them. Searching itself is `ranking`, embedding is `models`.
"""

import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

import structlog

from molt.artifact import ArtifactError
from molt.encoder.encoder import Encoder, open_encoder
from molt.encoder.errors import EncoderError
from molt.encoder.store import CheckpointStore
from molt.engine.encoders import Encoders
from molt.engine.errors import UnavailableError
from molt.engine.indexer import Indexer
from molt.engine.live import LiveCollections, default_checkpoint
from molt.engine.models import Models
from molt.engine.releasing import Releaser
from molt.engine.search.pipeline import Pipeline
from molt.engine.search.query import SearchAnswer, SearchQuery
from molt.engine.settings import Settings
from molt.engine.watch.sentinel import Sentinel
from molt.engine.watcher import Watcher
from molt.index.catalog.catalog import Catalog, open_catalog
from molt.index.catalog.collections import Collection
from molt.index.errors import CollectionNotFoundError
from molt.index.generations.generation import GenerationStore
from molt.index.jobs.queue import JobQueue

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class CollectionStatus:
    """A collection and how far its index has come in this process."""

    collection: Collection
    indexed_revision: int
    checkpoint: str | None


@dataclass(frozen=True)
class Readiness:
    """May traffic be sent here, and what is wrong."""

    ready: bool
    problems: tuple[str, ...]


class Engine:
    """Search and embeddings over one home. Thread-safe; every method blocks."""

    def __init__(self, settings: Settings, *, catalog: Catalog, encoders: Encoders) -> None:
        self.settings = settings
        self.catalog = catalog
        self.checkpoints = CheckpointStore(settings.layout.checkpoints)
        self.generations = GenerationStore(settings.layout.generations)
        self.live_collections = LiveCollections(
            catalog=catalog, generations=self.generations, encoders=encoders
        )
        self.models = Models(
            catalog=catalog,
            checkpoints=self.checkpoints,
            encoders=encoders,
            live_collections=self.live_collections,
        )
        self.indexer = Indexer(
            settings,
            catalog=catalog,
            store=self.generations,
            encoders=encoders,
            live_collections=self.live_collections,
        )
        self.releaser = Releaser(
            catalog=catalog,
            store=self.generations,
            encoders=encoders,
            live_collections=self.live_collections,
        )
        self.sentinel = Sentinel(settings.watch, catalog=catalog, releaser=self.releaser)
        self._jobs: JobQueue | None = None
        self._opening_jobs = threading.Lock()
        self._pipeline = Pipeline()
        self._encoders = encoders
        self._watcher = Watcher(
            self.live_collections, self.sentinel, seconds=settings.index.poll_seconds
        )
        self._started = False
        self._refused_default: tuple[str, ...] = ()

    @classmethod
    def open(cls, settings: Settings, *, encoders: Encoders | None = None) -> Self:
        """Open the home's catalog; nothing is loaded or started yet."""
        settings.home.mkdir(parents=True, exist_ok=True)
        if encoders is None:
            encoders = checkpoint_encoders(settings)
        return cls(settings, catalog=open_catalog(settings.catalog), encoders=encoders)

    @property
    def jobs(self) -> JobQueue:
        """The job queue, opened when it is first needed, since few processes do."""
        with self._opening_jobs:
            if self._jobs is None:
                self._jobs = JobQueue(self.settings.jobs)
            return self._jobs

    def start(self) -> None:
        """Load every collection, then keep memory equal to disk and the index to the catalog.

        Raises `NoCheckpointError` where nothing could be encoded.
        """
        self.checkpoints.sweep_unfinished()
        self._load_default()
        self.live_collections.refresh_changed()
        self._watcher.start()
        self.indexer.start()
        self._started = True

    def close(self) -> None:
        """Stop the threads; what is acknowledged but not indexed is indexed at the next start."""
        self._started = False
        self.indexer.close()
        self._watcher.close()
        self._encoders.close()
        if self._jobs is not None:
            self._jobs.close()
        self.catalog.close()

    def search(self, query: SearchQuery) -> SearchAnswer:
        """Answer from exactly one encoder and one index.

        Raises `CollectionNotFoundError`, `UnavailableError` or `UnknownFieldError`.
        """
        live = self.live_collections.get(query.collection)
        with self.sentinel.noting(live):
            return self._pipeline.search(query, live=live, catalog=self.catalog)

    def changed(self, name: str) -> None:
        """Documents of a collection were written: hide what was deleted, index what is new.

        That they are kept does not depend on whether the collection can be served.
        """
        with suppress(UnavailableError):
            self.live_collections.refresh(name)
        self.indexer.wake()

    def statuses(self) -> list[CollectionStatus]:
        """Of every collection, but for those that are deleted meanwhile."""
        found = []
        for collection in self.catalog.collections.list():
            with suppress(CollectionNotFoundError):
                found.append(self.status(collection))
        return found

    def status(self, collection: Collection) -> CollectionStatus:
        """How far the index of a collection has come."""
        try:
            live = self.live_collections.get(collection.name)
        except UnavailableError:
            return CollectionStatus(collection, 0, None)
        return CollectionStatus(collection, live.indexed_revision, live.encoder.checkpoint.id)

    def readiness(self) -> Readiness:
        """Ready once everything was loaded and nothing that a pointer names is refused."""
        refused = self._refused_default + tuple(self.live_collections.problems().values())
        failed = tuple(map(str, self.live_collections.failures))
        return Readiness(
            ready=self._started and not refused,
            problems=refused + tuple(self.indexer.problems().values()) + failed,
        )

    def _load_default(self) -> None:
        """A default checkpoint that is damaged is no reason not to serve the others."""
        checkpoint_id = default_checkpoint(self.catalog)
        try:
            self._encoders.get(checkpoint_id)
        except (ArtifactError, EncoderError) as error:
            self._refused_default = (f"default checkpoint {checkpoint_id}: {error}",)
            log.error("checkpoint.refused", checkpoint=checkpoint_id, reason=str(error))  # noqa: TRY400


def checkpoint_encoders(settings: Settings) -> Encoders:
    """Encoders opened from the home's checkpoints, each verified first."""
    store = CheckpointStore(settings.layout.checkpoints)

    def open_one(checkpoint_id: str) -> Encoder:
        return open_encoder(
            store.open(checkpoint_id),
            runtime=settings.encoder.runtime,
            threads=settings.encoder_threads,
            cache=settings.layout.cache,
        )

    return Encoders(open_one, max_lent=settings.encoder.max_open)
