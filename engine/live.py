"""Live: what answers one collection right now, and the shelf that holds one per collection.

Memory follows disk and never the other way: `refresh` loads what the catalog's pointer names,
verifies it, and replaces the old `Live` by one assignment. A request reads its `Live` once.
"""

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog

from molt.artifact import ArtifactError, FileLock
from molt.encoder.encoder import Encoder, InputType, Lane
from molt.encoder.errors import EncoderError
from molt.engine.encoders import Encoders
from molt.engine.errors import NoCheckpointError, UnavailableError
from molt.index.catalog.aliases import DEFAULT
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collections import Collection
from molt.index.errors import CollectionNotFoundError, GenerationError
from molt.index.generations.generation import GenerationStore
from molt.index.generations.occupancy import hold_reading
from molt.index.generations.protocols import SearchableGeneration
from molt.index.generations.snapshot import open_snapshot

if TYPE_CHECKING:
    from molt.index.catalog.failures import JobFailure

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Live:
    """One encoder and one snapshot; `snapshot` is None until something is indexed.

    While it lives, its hold keeps the generation from being removed.
    """

    collection: Collection
    encoder: Encoder
    snapshot: SearchableGeneration | None
    hold: FileLock | None = None

    @property
    def indexed_revision(self) -> int:
        """The catalog revision up to which every change can be searched."""
        return self.snapshot.manifest.revision if self.snapshot else 0


class LiveCollections:
    """One `Live` per collection, and for a collection that cannot be served the reason."""

    def __init__(
        self, *, catalog: Catalog, generations: GenerationStore, encoders: Encoders
    ) -> None:
        self._catalog = catalog
        self._generations = generations
        self._encoders = encoders
        self._live: dict[str, Live] = {}
        self._problems: dict[str, str] = {}
        self._default: str | None = None
        self.failures: tuple[JobFailure, ...] = ()
        self._refreshing: dict[str, threading.Lock] = {}
        self._refreshed = threading.Condition()

    def get(self, name: str) -> Live:
        """Raises `CollectionNotFoundError`, or `UnavailableError` where it cannot be served."""
        live = self._live.get(name)
        return live if live is not None else self.refresh(name)

    def holds(self, name: str) -> bool:
        """Is there a collection of this name, as far as is known without asking the catalog?"""
        return name in self._live

    def default(self) -> Encoder:
        """What the alias `default` named when the disk was last looked at.

        Raises `NoCheckpointError`, or what opening the checkpoint raises.
        """
        if self._default is None:
            self._default = default_checkpoint(self._catalog)
        return self._encoders.get(self._default)

    def refresh(self, name: str, *, opened: SearchableGeneration | None = None) -> Live:
        """Make memory equal disk. What cannot be loaded leaves the former `Live` in place.

        `opened` is taken, brought up to date, where it is of the generation to be served: its files
        need not be verified again. Raises `UnavailableError` where there is no former one.
        """
        with self._refreshing.setdefault(name, threading.Lock()):
            try:
                collection = self._catalog.collections.get(name)
            except CollectionNotFoundError:
                self._refreshing.pop(name, None)
                raise
            try:
                live = self._load(collection, opened)
            except (ArtifactError, EncoderError, GenerationError, OSError) as error:
                live = self._refused(collection, error)
            else:
                self._problems.pop(name, None)
            self._live[name] = live
        with self._refreshed:
            self._refreshed.notify_all()
        return live

    def refresh_changed(self) -> None:
        """Refresh every collection whose pointer, generation or documents changed on disk."""
        self._default = self._catalog.aliases.get(DEFAULT)
        self.failures = self._catalog.failures.list()
        collections = {found.name: found for found in self._catalog.collections.list()}
        for name in self._live.keys() - collections.keys():
            self._live.pop(name, None)
            self._problems.pop(name, None)
            self._refreshing.pop(name, None)
        for name, collection in collections.items():
            if self._is_stale(collection):
                try:
                    self.refresh(name)
                except UnavailableError as error:
                    log.warning("collection.unavailable", collection=name, reason=str(error))
        self._encoders.keep({live.encoder.checkpoint.id for live in self._live.values()})

    def problems(self) -> dict[str, str]:
        """Collection name to why its current generation or checkpoint is not served."""
        return dict(self._problems)

    def wait_indexed(self, name: str, *, revision: int, timeout: float) -> bool:
        """Wait until changes up to `revision` can be searched; False after `timeout` seconds."""
        with self._refreshed:
            return self._refreshed.wait_for(
                lambda: self.is_indexed(name, revision=revision), timeout
            )

    def is_indexed(self, name: str, *, revision: int) -> bool:
        """May changes up to `revision` be searched?"""
        live = self._live.get(name)
        return live is not None and live.indexed_revision >= revision

    def _is_stale(self, collection: Collection) -> bool:
        live = self._live.get(collection.name)
        if live is None or live.collection != collection:
            return True
        if live.snapshot is None:
            return False
        try:
            on_disk = self._generations.read(live.snapshot.manifest.id)
        except (ArtifactError, GenerationError, OSError):
            return True  # refreshing says what is wrong with it
        return live.snapshot.manifest != on_disk

    def _load(self, collection: Collection, opened: SearchableGeneration | None) -> Live:
        if collection.generation is None:
            return Live(collection, self._encoders.get(default_checkpoint(self._catalog)), None)
        former = self._live.get(collection.name)
        snapshot = None if former is None else former.snapshot
        if former and snapshot and snapshot.manifest.id == collection.generation:
            snapshot = self._now(collection, _later(snapshot, opened))
            return replace(former, collection=collection, snapshot=snapshot)
        return self._exchanged(collection, collection.generation, opened)

    def _now(self, collection: Collection, snapshot: SearchableGeneration) -> SearchableGeneration:
        """The same generation as it now is."""
        manifest = self._generations.read(snapshot.manifest.id)
        delta = self._catalog.documents.liveness(collection, after=snapshot.revision)
        return snapshot.refreshed(manifest, delta)

    def _exchanged(
        self, collection: Collection, generation_id: str, opened: SearchableGeneration | None
    ) -> Live:
        """Another generation, verified and warm."""
        hold = hold_reading(self._generations.path(generation_id))
        manifest = self._generations.read(generation_id)
        encoder = self._encoders.get(manifest.checkpoint)
        if opened is not None and opened.manifest.id == generation_id:
            snapshot = self._now(collection, opened)
        else:
            liveness = self._catalog.documents.liveness(collection)
            snapshot = open_snapshot(self._generations, manifest, liveness)
        (vector,) = encoder.encode(["warm-up"], input_type=InputType.QUERY, lane=Lane.QUERY).vectors
        snapshot.search(vector, k=1)
        return Live(collection, encoder, snapshot, hold)

    def _refused(self, collection: Collection, error: Exception) -> Live:
        reason = f"collection {collection.name!r}: {error}"
        self._problems[collection.name] = reason
        former = self._live.get(collection.name)
        if former is None:
            raise UnavailableError(reason) from error
        log.error("refresh.refused", collection=collection.name, reason=reason)
        return former


def _later(
    serving: SearchableGeneration, opened: SearchableGeneration | None
) -> SearchableGeneration:
    """The snapshot that less has changed since; `opened` shares its segments with who writes."""
    if opened is None or opened.manifest.id != serving.manifest.id:
        return serving
    return opened if opened.revision >= serving.revision else serving


def default_checkpoint(catalog: Catalog) -> str:
    """The id behind the alias `default`. Raises `NoCheckpointError`."""
    checkpoint_id = catalog.aliases.get(DEFAULT)
    if checkpoint_id is None:
        raise NoCheckpointError("this home has no checkpoint yet; run `molt checkpoints add PATH`")
    return checkpoint_id
