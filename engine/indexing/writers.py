"""Writing: which generation of a collection is written, by which encoder.

The active one, or a first one. A generation that cannot be opened is rebuilt from the catalog
beside it, by the checkpoint that made it, and the pointer moves when the new one is complete: text
is the truth, segments a cache. A checkpoint is not: where that is damaged, nothing is encoded.
Knows no threads beyond its lock, and no locks of the home.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from molt.artifact import CorruptFileError
from molt.encoder.encoder import Encoder
from molt.engine.encoders import Encoders
from molt.engine.indexing.lexical_writers import LexicalWriters
from molt.engine.indexing.passages import passage_encoder
from molt.engine.live.pair import default_checkpoint
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.releases import Reason
from molt.index.errors import (
    GenerationAheadError,
    GenerationBusyError,
    GenerationError,
    GenerationNotFoundError,
)
from molt.index.generations.generation import (
    GenerationManifest,
    GenerationStore,
    Quarantined,
)
from molt.index.generations.protocols import SearchableGeneration, WritableGeneration
from molt.index.generations.retention import collect
from molt.index.generations.writer import GenerationWriter

log = structlog.get_logger(__name__)

_MOST_TOLD = 10
"""Of the documents that one batch sets aside, so many are logged."""


@dataclass(frozen=True)
class _Opened:
    """A writer; when complete, its generation takes the place of `replaces`, if that is set."""

    writer: WritableGeneration
    replaces: str | None = None

    @property
    def generation_id(self) -> str:
        return self.writer.snapshot.manifest.id

    def serves(self, collection: Collection) -> bool:
        """Is it still the one to write, wherever the pointer has been moved meanwhile?"""
        return collection.generation in {self.generation_id, self.replaces}

    def is_complete(self, collection: Collection) -> bool:
        """Does it hold every change, and is served? Asks the catalog for nothing."""
        revision = self.writer.snapshot.manifest.revision
        return self.replaces is None and revision >= collection.revision


class Writers:
    """The open writers of a home, one per collection."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        store: GenerationStore,
        lexical: LexicalWriters,
        encoders: Encoders,
        retained: int,
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._lexical = lexical
        self._encoders = encoders
        self._retained = retained
        self._lock = threading.Lock()
        self._opened: dict[int, _Opened] = {}

    def advance(self, collection: Collection, *, limit: int) -> bool:
        """Seal up to `limit` changed documents; False where there was nothing to do."""
        if collection.generation is None and collection.revision == 0:
            return False
        try:
            with self._lock:
                opened = self._current(collection)
        except GenerationBusyError:
            return False  # whoever moved the pointer there is about to let go of it
        if opened.is_complete(collection):
            return False
        former = opened.writer.snapshot.manifest
        advanced = opened.writer.advance(
            limit,
            lead=lambda revision: self._lexical.lead(
                collection, reached=former.revision, revision=revision
            ),
        )
        _tell(collection, former.quarantined, opened.writer.snapshot.manifest.quarantined)
        return advanced or self._promote(collection, opened)

    def merge(self, collection: Collection) -> bool:
        """Merge the segments whose turn it is; False where there are none.

        A generation that was damaged since it was opened is let go of, so that it is rebuilt when
        it is written next. Raises `CorruptFileError`.
        """
        opened = self._opened.get(collection.id)
        if opened is None or not opened.serves(collection):
            return False
        try:
            return opened.writer.merge_once()
        except CorruptFileError:
            with self._lock:
                if self._opened.get(collection.id) is opened:
                    del self._opened[collection.id]
            opened.writer.close()
            raise

    def snapshot(self, collection: Collection) -> SearchableGeneration | None:
        """What is written of a collection here, as it was last written; None where nothing is."""
        opened = self._opened.get(collection.id)
        return None if opened is None else opened.writer.snapshot

    def close(self) -> None:
        """Let other processes write what this one wrote."""
        while self._opened:
            self._opened.popitem()[1].writer.close()

    def collect(self) -> None:
        """Remove what a crash left, and generations that no pointer, job or rollback needs."""
        with self._lock:
            living = {collection.id for collection in self._catalog.collections.list()}
            for gone in self._opened.keys() - living:
                self._opened.pop(gone).writer.close()
            removed = collect(self._catalog, self._store, retained=self._retained)
        for generation_id in removed:
            log.info("generation.removed", generation=generation_id)

    def _current(self, collection: Collection) -> _Opened:
        opened = self._opened.get(collection.id)
        if opened is None or not opened.serves(collection):
            if opened is not None:
                self._opened.pop(collection.id).writer.close()
            opened = self._open(collection)
            self._opened[collection.id] = opened
        return opened

    def _open(self, collection: Collection) -> _Opened:
        if collection.generation is None:
            return self._first(collection)
        try:
            manifest = self._store.read(collection.generation)
        except (CorruptFileError, GenerationNotFoundError) as error:
            made_by = self._maker(collection, collection.generation, error)
            return self._rebuild(collection, made_by, error)
        encoder = self._encoders.get(manifest.checkpoint)
        try:
            return _Opened(self._writer(collection, manifest, encoder))
        except (CorruptFileError, GenerationAheadError) as error:
            return self._rebuild(collection, manifest.checkpoint, error)

    def _maker(self, collection: Collection, generation_id: str, error: Exception) -> str:
        """The checkpoint that made a generation whose manifest cannot be read.

        Raises `GenerationError` where nothing tells: another checkpoint would be a swap that nobody
        asked for.
        """
        claimed = self._store.claimed_checkpoint(generation_id)
        if claimed is not None:
            return claimed
        if collection.epoch == 1:  # nothing but the first documents has moved the pointer
            return default_checkpoint(self._catalog)
        raise GenerationError(
            f"{error}; nothing tells which checkpoint made it: `molt reload {collection.name} "
            "CHECKPOINT` indexes the collection anew, `molt rollback` serves what was served before"
        )

    def _first(self, collection: Collection) -> _Opened:
        encoder = self._encoders.get(default_checkpoint(self._catalog))
        manifest = self._created(collection, encoder)
        self._catalog.collections.point(
            collection.name,
            generation=manifest.id,
            epoch_expected=collection.epoch,
            reason=Reason(text="first documents"),
        )
        return _Opened(self._writer(collection, manifest, encoder))

    def _rebuild(self, collection: Collection, checkpoint_id: str, error: Exception) -> _Opened:
        log.error("generation.rebuilding", collection=collection.name, reason=str(error))
        encoder = self._encoders.get(checkpoint_id)
        manifest = self._created(collection, encoder)
        writer = self._writer(collection, manifest, encoder)
        return _Opened(writer, replaces=collection.generation)

    def _promote(self, collection: Collection, opened: _Opened) -> bool:
        """Point to a rebuilt generation that has caught up; False where there is none."""
        if opened.replaces is None or opened.replaces != collection.generation:
            return False
        self._catalog.collections.point(
            collection.name,
            generation=opened.generation_id,
            epoch_expected=collection.epoch,
            reason=Reason(text=f"rebuilt: generation {opened.replaces} could not be opened"),
        )
        log.info("generation.rebuilt", collection=collection.name, generation=opened.generation_id)
        return True

    def _created(self, collection: Collection, encoder: Encoder) -> GenerationManifest:
        return self._store.create(
            collection=collection.id,
            checkpoint=encoder.checkpoint.id,
            dimension=encoder.dimension,
            splitting=collection.splitting,
        )

    def _writer(
        self, collection: Collection, manifest: GenerationManifest, encoder: Encoder
    ) -> WritableGeneration:
        return GenerationWriter(
            self._store,
            manifest.id,
            catalog=self._catalog,
            collection=collection,
            encoder=passage_encoder(encoder, manifest.splitting),
        )


def _tell(
    collection: Collection, former: Sequence[Quarantined], now: Sequence[Quarantined]
) -> None:
    """Log which documents were set aside since."""
    if now is former:
        return
    known = set(former)
    fresh = [one for one in now if one not in known]
    for one in fresh[:_MOST_TOLD]:
        log.error(
            "document.quarantined",
            collection=collection.name,
            document=one.doc_id,
            reason=one.reason,
            more=max(0, len(fresh) - _MOST_TOLD),
        )
