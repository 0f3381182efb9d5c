"""The engine: what the service does, without HTTP. Two hops from a route to FAISS.

Owns the catalog, the live collections and the threads that keep them true, and closes them.
Searching itself is `search`'s, embedding `models`'.
"""

import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from typing import Self

import structlog

from molt.encoder.late_interaction.late_interaction import LateInteraction
from molt.encoder.late_interaction.token_cache import TokenCache
from molt.encoder.store import CheckpointStore
from molt.engine.cross_encoding import CrossEncoding
from molt.engine.encoders import (
    CrossEncoders,
    Encoders,
    checkpoint_cross_encoders,
    checkpoint_encoders,
)
from molt.engine.indexing.indexer import Indexer
from molt.engine.live.former import FormerGenerations
from molt.engine.live.live_collections import LiveCollections
from molt.engine.live.status import CollectionStatus, Readiness
from molt.engine.models.models import Models
from molt.engine.releasing import Releaser
from molt.engine.search.query import SearchAnswer, SearchQuery
from molt.engine.search.suggestions.suggesting import Suggester
from molt.engine.searcher import Searcher
from molt.engine.settings import Settings
from molt.engine.threads import LastingThread
from molt.engine.throttle import Throttle
from molt.engine.watch.experiments.experimenter import Experimenter
from molt.engine.watch.job_problems import JobProblems
from molt.engine.watch.missing_files import MissingFiles
from molt.engine.watch.recorder import SearchRecorder
from molt.engine.watch.sentinel import Sentinel
from molt.engine.watcher import Watcher
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.errors import CollectionNotFoundError
from molt.index.generations.generation import GenerationStore
from molt.index.generations.lost import open_home_catalog
from molt.index.jobs.queue import JobQueue
from molt.index.lexical.commit import LexicalStore
from molt.index.passages.splitting import Splitting
from molt.index.segments.kind_counts import FieldCount
from molt.index.selection.expiring import Clock, wall_clock

log = structlog.get_logger(__name__)


class Engine:
    """Search and embeddings over one home. Thread-safe; every method blocks."""

    _started = False
    _jobs: JobQueue | None = None

    def __init__(
        self,
        settings: Settings,
        *,
        catalog: Catalog,
        encoders: Encoders,
        cross_encoders: CrossEncoders,
        clock: Clock = wall_clock,
    ) -> None:
        self.settings, self.catalog = settings, catalog
        catalog.collections.reserve(settings.models.aliases)
        self.checkpoints = CheckpointStore(settings.layout.checkpoints)
        self.generations = GenerationStore(settings.layout.generations)
        self.lexical = LexicalStore(settings.layout.lexical)
        self.live_collections = live = LiveCollections(
            catalog=catalog,
            generations=self.generations,
            lexical=self.lexical,
            encoders=encoders,
            poll_seconds=settings.index.poll_seconds,
            clock=clock,
        )
        self.former = FormerGenerations(
            catalog=catalog, generations=self.generations, pairs=live.pairs, clock=clock
        )
        interaction = LateInteraction(TokenCache(settings.encoder.token_cache_bytes))
        self._cross_encoding = CrossEncoding(cross_encoders, self.checkpoints)
        self.models = Models(
            settings,
            catalog=catalog,
            encoders=encoders,
            live_collections=self.live_collections,
            interaction=interaction,
            cross_encoding=self._cross_encoding,
        )
        self.throttle = Throttle()
        self.indexer = self._new_indexer(encoders, clock)
        self.releaser = Releaser(
            catalog=catalog, store=self.generations, encoders=encoders, live_collections=live
        )
        self.experimenter = Experimenter(settings.experiments, catalog, self.former, self.releaser)
        self.sentinel = Sentinel(settings.watch, catalog=catalog, releaser=self.releaser)
        self.recorder = SearchRecorder(settings.learn, catalog)
        self._opening_jobs = threading.Lock()
        self.searcher = self._new_searcher(interaction, clock)
        self._encoders = encoders
        self._job_problems = JobProblems(settings)
        self._missing_files = MissingFiles(catalog, self.generations, live)
        self._watcher = self._new_watcher()

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        encoders: Encoders | None = None,
        cross_encoders: CrossEncoders | None = None,
        clock: Clock = wall_clock,
    ) -> Self:
        """Open the home's catalog; nothing is loaded or started yet.

        Raises `CatalogError` where it has been lost beside what it held.
        """
        settings.layout.make()
        if encoders is None:
            encoders = checkpoint_encoders(settings)
        if cross_encoders is None:
            cross_encoders = checkpoint_cross_encoders(settings)
        catalog = open_home_catalog(settings.layout, settings.catalog)
        return cls(
            settings,
            catalog=catalog,
            encoders=encoders,
            cross_encoders=cross_encoders,
            clock=clock,
        )

    @property
    def jobs(self) -> JobQueue:
        """The job queue, opened when it is first needed, since few processes do."""
        with self._opening_jobs:
            if self._jobs is None:
                self._jobs = JobQueue(self.settings.jobs)
            return self._jobs

    @property
    def threads(self) -> tuple[LastingThread, ...]:
        """What runs for as long as this process serves."""
        return (*self.indexer.threads, *self._watcher.threads)

    def start(self) -> None:
        """Load every collection, then keep memory equal to disk and the index to the catalog.

        Raises `NoCheckpointError` where nothing could be encoded.
        """
        self.checkpoints.sweep_unfinished()
        self.live_collections.check_default()
        self.live_collections.refresh_changed()
        self._cross_encoding.keep_tuned(self.catalog)
        self._watcher.start()
        self.indexer.start()
        self._started = True

    def close(self) -> None:
        """Stop the threads; what is acknowledged but not indexed is indexed at the next start."""
        self._started = False
        self.indexer.close()
        self._watcher.close()
        self.recorder.flush()
        self.experimenter.flush()
        self.suggester.close()
        self.live_collections.close()
        self._encoders.close()
        self._cross_encoding.close()
        if self._jobs is not None:
            self._jobs.close()
        self.catalog.close()

    def search(self, query: SearchQuery) -> SearchAnswer:
        """Answer from exactly one encoder and one index. Raises as `Searcher.search`."""
        return self.searcher.search(query)

    def changed(self, name: str) -> None:
        """Documents of a collection were written: hide what was deleted, index what is new.

        That they are kept does not depend on whether the collection can be served.
        """
        self.live_collections.follow(name)
        self.indexer.wake()

    def create(
        self,
        name: str,
        *,
        expiry_field: str | None = None,
        analysis: str | None = None,
        splitting: Splitting | None = None,
    ) -> CollectionStatus:
        """Make an empty collection, whose documents expire by a field where one is given.

        `analysis` is the JSON of how its texts become terms, None by default.

        Raises `InvalidNameError`, `InvalidFieldError`, `CollectionExistsError`, and
        `NameTakenError` where an alias has the name.
        """
        made = self.catalog.collections.create(
            name, expiry_field=expiry_field, analysis=analysis, splitting=splitting
        )
        return self.status(made)

    def statuses(self) -> list[CollectionStatus]:
        """Of every collection, but for those that are deleted meanwhile."""
        found = []
        for collection in self.catalog.collections.list():
            with suppress(CollectionNotFoundError):
                found.append(self.status(collection))
        return found

    def status(self, collection: Collection) -> CollectionStatus:
        """How far the index of a collection has come. Raises `CollectionNotFoundError`."""
        found = self.live_collections.known(collection.name)
        live = found.live
        return CollectionStatus(
            collection,
            indexed_revision=0 if live is None else live.indexed_revision,
            checkpoint=None if live is None else live.encoder.checkpoint.id,
            state=found.state,
            problem=found.problem,
            answers=live is not None,
            quarantined=() if live is None else live.quarantined,
        )

    def count_fields(self, collection: Collection) -> Sequence[FieldCount]:
        """Which kinds of values the fields of a collection have, in what answers now."""
        live = self.live_collections.known(collection.name).live
        return () if live is None or live.snapshot is None else live.snapshot.count_fields()

    def readiness(self) -> Readiness:
        """Ready once everything was looked at and as long as there is a search to answer.

        What a pointer names may be refused all the while: what was served before answers.
        """
        default = self.live_collections.default_problem
        problems = [] if default is None else [default]
        problems += [*self.live_collections.problems().values(), *self.indexer.problems().values()]
        problems += [*self._encoders.problems(), *self._cross_encoding.problems]
        problems += [problem for thread in self.threads if (problem := thread.problem)]
        problems += [*self._job_problems.problems, *self._missing_files.problems]
        return Readiness(
            ready=self._started and self.live_collections.can_answer(),
            problems=(*problems, *map(str, self.live_collections.failures)),
        )

    @cached_property
    def suggester(self) -> Suggester:
        """What completes queries; it begins with nothing."""
        return Suggester(
            self.settings.suggest, catalog=self.catalog, live_collections=self.live_collections
        )

    def _new_searcher(self, interaction: LateInteraction, clock: Clock) -> Searcher:
        return Searcher(
            self.catalog,
            self.live_collections,
            self.former,
            self.sentinel,
            throttle=self.throttle,
            interaction=interaction,
            cross_encoding=self._cross_encoding,
            clock=clock,
        )

    def _new_indexer(self, encoders: Encoders, clock: Clock) -> Indexer:
        return Indexer(
            self.settings,
            catalog=self.catalog,
            store=self.generations,
            lexical=self.lexical,
            encoders=encoders,
            live_collections=self.live_collections,
            throttle=self.throttle,
            clock=clock,
        )

    def _new_watcher(self) -> Watcher:
        looks = {
            "watcher": self.live_collections.look,
            "sentinel": self.sentinel.look,
            "experiments": self.experimenter.look,
        }
        at_leisure = {
            "jobs": self._job_problems.look,
            "files": self._missing_files.look,
            "former": self.former.look,
            "searches": self.recorder.look,
            "cross-encoders": lambda: self._cross_encoding.keep_tuned(self.catalog),
        }
        return Watcher(looks, at_leisure, seconds=self.settings.index.poll_seconds)
