"""The indexer: encodes and seals what the catalog holds and the index does not.

One process per home does this, the one that holds the lock; the others only read and refresh.
Encoding runs in the background lane, so a query never waits for more than one micro-batch of it.
"""

import threading
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import structlog

from molt.app.engine_errors import EngineError
from molt.app.indexer_lock import IndexerLock
from molt.app.live import Shelf
from molt.app.settings import Settings
from molt.artifact import ArtifactError
from molt.encoder.encoder import Encoder, InputType, Lane
from molt.encoder.errors import EncoderError
from molt.index.catalog import Catalog
from molt.index.collections import Collection
from molt.index.errors import CollectionNotFoundError, IndexingError
from molt.index.generation import GenerationStore
from molt.index.writer import GenerationWriter

log = structlog.get_logger(__name__)

_EXPECTED = (IndexingError, ArtifactError, EncoderError, EngineError, OSError)


class Indexer:
    """Two threads, one that seals segments and one that merges them, while this process may."""

    def __init__(
        self, settings: Settings, *, catalog: Catalog, store: GenerationStore, shelf: Shelf
    ) -> None:
        self._settings = settings.index
        self._catalog = catalog
        self._store = store
        self._shelf = shelf
        self._lock = IndexerLock(settings.home)
        self._writers: dict[str, GenerationWriter] = {}
        self._problems: dict[str, str] = {}
        self._stopping = threading.Event()
        self._woken = {"sealing": threading.Event(), "merging": threading.Event()}
        self._threads = [
            threading.Thread(target=self._run, args=(name, work), name=name, daemon=True)
            for name, work in (("sealing", self.seal), ("merging", self.merge))
        ]

    def start(self) -> None:
        """Begin to index, now or when the process that does so ends."""
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Something was written: look now."""
        for event in self._woken.values():
            event.set()

    def close(self) -> None:
        """Finish the segment at work, then let another process index."""
        self._stopping.set()
        self.wake()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        self._lock.release()

    def acquire(self) -> bool:
        """Become the home's indexer, unless another process is; then clear what a crash left."""
        if self._lock.held:
            return True
        if not self._lock.acquire():
            return False
        self._sweep()
        return True

    def problems(self) -> dict[str, str]:
        """Collection name to why its documents are not being indexed."""
        return dict(self._problems)

    def seal(self) -> bool:
        """Seal the next changed documents of every collection; was there anything to seal?"""
        return self._each(lambda writer: writer.advance(self._settings.batch_documents))

    def merge(self) -> bool:
        """Merge some segments of every collection that has too many; was there anything?"""
        return self._each(lambda writer: writer.merge_once())

    def _each(self, work: Callable[[GenerationWriter], bool]) -> bool:
        worked = False
        for collection in self._catalog.collections.list():
            if self._stopping.is_set():
                break
            try:
                worked |= self._work_on(collection, work)
            except CollectionNotFoundError:
                continue
            except _EXPECTED as error:
                self._report(collection, error)
            else:
                self._problems.pop(collection.name, None)
        return worked

    def _work_on(self, collection: Collection, work: Callable[[GenerationWriter], bool]) -> bool:
        writer = self._writer(collection)
        if writer is None or not work(writer):
            return False
        self._shelf.refresh(collection.name)
        return True

    def _writer(self, collection: Collection) -> GenerationWriter | None:
        """The writer of the active generation; None where there is nothing to write yet."""
        writer = self._writers.get(collection.name)
        if writer is not None and writer.generation_id == collection.generation:
            return writer
        if collection.generation is None and collection.revision == 0:
            return None
        encoder = self._shelf.get(collection.name).encoder
        if collection.generation is None:
            collection = self._begin(collection, encoder)
        writer = GenerationWriter(...)
        self._writers[collection.name] = writer
        return writer

    def _begin(self, collection: Collection, encoder: Encoder) -> Collection:
        manifest = self._store.create(...)
        return self._catalog.collections.point(
            collection.name, generation=manifest.id, epoch_expected=collection.epoch
        )

    def _report(self, collection: Collection, error: Exception) -> None:
        reason = f"collection {collection.name!r} is not being indexed: {error}"
        if self._problems.get(collection.name) != reason:
            log.error("indexing.failed", collection=collection.name, reason=str(error))
        self._problems[collection.name] = reason

    def _run(self, name: str, work: Callable[[], bool]) -> None:
        woken = self._woken[name]
        while not self._stopping.is_set():
            woken.clear()
            try:
                worked = self.acquire() and work()
            except Exception:
                log.exception("indexer.failed", thread=name)
                worked = False
            if not worked:
                woken.wait(self._settings.poll_seconds)


def _embedder(encoder: Encoder) -> Callable[[Sequence[str]], npt.NDArray[np.float32]]:
    def embed(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        return encoder.encode(texts, input_type=InputType.DOCUMENT, lane=Lane.BACKGROUND).vectors

    return embed
