"""Releasing: moves the pointer of a collection to a generation that is on disk, at once.

No job and no worker: going back has to work when nothing else does. The generation first catches
up with the catalog, so no document is lost.
"""

from contextlib import closing
from dataclasses import dataclass
from typing import Any

import structlog

from molt.artifact import ArtifactError
from molt.engine.encoders import Encoders
from molt.engine.indexing.passages import passage_encoder
from molt.engine.live.live_collections import LiveCollections
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.releases import Reason
from molt.index.errors import GenerationNotFoundError, StalePointerError
from molt.index.generations.flip import Agree, flip, undisputed
from molt.index.generations.generation import GenerationStore
from molt.index.generations.retention import rollback_targets
from molt.index.generations.writer import GenerationWriter
from molt.index.ranking.ranking import SearchRanking

log = structlog.get_logger(__name__)

_PATIENCE = 30.0


@dataclass(frozen=True)
class Released:
    """Where a pointer was moved: from `previous`, and which checkpoint it now implies."""

    collection: Collection
    previous: str | None
    checkpoint: str

    def to_json(self) -> dict[str, Any]:
        """As it is told by the command line and over HTTP."""
        return {
            "collection": self.collection.name,
            "generation": self.collection.generation,
            "checkpoint": self.checkpoint,
            "previous": self.previous,
            "epoch": self.collection.epoch,
        }


class Releaser:
    """Activates generations. Thread-safe; every method blocks."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        store: GenerationStore,
        encoders: Encoders,
        live_collections: LiveCollections,
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._encoders = encoders
        self._live_collections = live_collections

    def activate(
        self, generation_id: str, *, reason: Reason, epoch_expected: int | None = None
    ) -> Released:
        """Serve a generation's collection from it.

        With `epoch_expected`, raises `StalePointerError` where the pointer was moved since then.
        Raises `GenerationNotFoundError`, `GenerationBusyError`, and what opening the generation
        and its checkpoint raises; the pointer then stays where it is.
        """
        manifest = self._store.read(generation_id)
        for collection in self._catalog.collections.list():
            if collection.id == manifest.collection:
                return self._release(collection, generation_id, reason, epoch_expected)
        raise GenerationNotFoundError(
            f"the collection of generation {generation_id} has been deleted"
        )

    def rollback(self, name: str, *, reason: Reason) -> Released:
        """Serve a collection from the latest sound generation that it was served from before.

        Where its latest release only ranks otherwise, that is taken back. Raises
        `CollectionNotFoundError`, `NothingToRollBackError`, and as `activate`.
        """
        collection = self._catalog.collections.get(name)
        newest = self._catalog.collections.releases(name, limit=2)
        if len(newest) == 2 and newest[0].only_retunes:
            return self.retune(collection, newest[1].ranking, reason=reason)
        *others, last = rollback_targets(self._catalog, self._store, collection)
        for target in others:
            try:
                return self._release(collection, target, reason)
            except ArtifactError as error:
                log.warning("rollback.damaged", generation=target, reason=str(error))
        return self._release(collection, last, reason)

    def retune(
        self, collection: Collection, ranking: SearchRanking | None, *, reason: Reason
    ) -> Released:
        """Let the searches of a collection, as it was read, rank otherwise from now on.

        Raises `CollectionNotFoundError`, and `StalePointerError` where its pointer was moved since.
        """
        name = collection.name
        moved = self._catalog.collections.retune(
            name, ranking, reason=reason, epoch_expected=collection.epoch
        )
        self._live_collections.refresh(name)
        log.info("ranking.released", collection=name, actor=reason.actor, reason=reason.text)
        checkpoint = self._store.read(str(moved.generation)).checkpoint
        return Released(moved, moved.generation, checkpoint)

    def _release(
        self,
        collection: Collection,
        generation_id: str,
        reason: Reason,
        epoch_expected: int | None = None,
    ) -> Released:
        checkpoint = self._store.read(generation_id).checkpoint
        previous = collection.generation
        if previous != generation_id:
            agree = undisputed if epoch_expected is None else _at_epoch(epoch_expected)
            collection = self._flip(collection, generation_id, checkpoint, reason, agree)
            log.info(
                "generation.released",
                collection=collection.name,
                generation=generation_id,
                previous=previous,
                actor=reason.actor,
                reason=reason.text,
            )
        return Released(collection, previous, checkpoint)

    def _flip(
        self,
        collection: Collection,
        generation_id: str,
        checkpoint: str,
        reason: Reason,
        agree: Agree,
    ) -> Collection:
        writer = GenerationWriter(
            self._store,
            generation_id,
            catalog=self._catalog,
            collection=collection,
            encoder=passage_encoder(
                self._encoders.get(checkpoint), self._store.read(generation_id).splitting
            ),
            patience=_PATIENCE,
        )
        with closing(writer):
            moved = flip(self._catalog, writer, collection.name, reason=reason, agree=agree)
        self._live_collections.refresh(moved.name, opened=writer.snapshot)
        return moved


def _at_epoch(expected: int) -> Agree:
    def agree(collection: Collection) -> None:
        if collection.epoch != expected:
            raise StalePointerError(
                f"the pointer of {collection.name!r} is at epoch {collection.epoch}, not "
                f"{expected}: somebody moved it"
            )

    return agree
