"""A pair: the encoder and the snapshot that answer one collection, opened and kept up to date.

Knows no threads, and nothing of what answered before or of what is refused.
"""

from dataclasses import dataclass, replace

from molt.artifact import FileLock
from molt.encoder.encoder import Encoder
from molt.engine.encoders import Encoders
from molt.engine.errors import NoCheckpointError
from molt.engine.live.leg import NO_LEG, LexicalLeg, lexical_leg
from molt.engine.refusal import Files, file_at, files_under
from molt.index.catalog.aliases import DEFAULT
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import Document
from molt.index.generations.generation import (
    GENERATION_MANIFEST,
    GenerationManifest,
    GenerationStore,
    Quarantined,
)
from molt.index.generations.occupancy import hold_reading
from molt.index.generations.protocols import SearchableGeneration
from molt.index.generations.snapshot import open_snapshot
from molt.index.lexical.commit import LEXICAL_MANIFEST, LexicalStore
from molt.index.ranking.ranking import DEFAULT_RANKING, SearchRanking
from molt.index.selection.expiring import Clock, has_expired, wall_clock


@dataclass(frozen=True)
class Target:
    """What a pointer asks to be served: a generation, or nothing but a checkpoint."""

    collection: int
    generation: str | None
    checkpoint: str | None = None


@dataclass(frozen=True)
class Live:
    """One encoder and one snapshot; `snapshot` is None until something is indexed.

    Beside them `leg`, the words of the documents that the snapshot shows, where there are any.
    While it lives, its hold keeps the generation from being removed. `collection` is as it was when
    its pointer named this pair. A request has one of its own where documents expire: `now` is when
    it came, in microseconds since 1970.
    """

    collection: Collection
    encoder: Encoder
    snapshot: SearchableGeneration | None
    hold: FileLock | None = None
    now: int | None = None
    leg: LexicalLeg = NO_LEG

    def at(self, clock: Clock) -> "Live":
        """What a request is answered from that comes now: without what has expired."""
        field = self.collection.expiry_field
        if field is None:
            return self
        now = clock()
        snapshot = self.snapshot and self.snapshot.without_expired(field, now)
        return replace(self, snapshot=snapshot, now=now)

    def shows(self, document: Document) -> bool:
        """May it be shown, as it now is in the catalog? Not where it has expired meanwhile."""
        field = self.collection.expiry_field
        if field is None or self.now is None:
            return True
        return not has_expired(document.metadata, field=field, now=self.now)

    @property
    def ranking(self) -> SearchRanking:
        """How its searches rank."""
        return self.collection.ranking or DEFAULT_RANKING

    @property
    def indexed_revision(self) -> int:
        """The catalog revision up to which every change can be searched."""
        return self.snapshot.manifest.revision if self.snapshot else 0

    def is_complete(self, row: Collection) -> bool:
        """Can all be searched that the catalog's newest `row` counts, by its words too?"""
        return self.indexed_revision >= row.revision and self.leg.left_out is None

    @property
    def quarantined(self) -> tuple[Quarantined, ...]:
        """The documents that cannot be searched, since this encoder fails at them."""
        return self.snapshot.manifest.quarantined if self.snapshot else ()

    @property
    def target(self) -> Target:
        """What it is."""
        if self.snapshot is None:
            return Target(self.collection.id, None, self.encoder.checkpoint.id)
        return Target(self.collection.id, self.snapshot.manifest.id)


class Pairs:
    """Opens pairs, and brings them up to date."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        generations: GenerationStore,
        lexical: LexicalStore,
        encoders: Encoders,
    ) -> None:
        self._catalog = catalog
        self._generations = generations
        self._lexical = lexical
        self._encoders = encoders

    def target(self, collection: Collection) -> Target:
        """What is to be served. Raises `NoCheckpointError`."""
        if collection.generation is not None:
            return Target(collection.id, collection.generation)
        return Target(collection.id, None, default_checkpoint(self._catalog))

    def open(
        self, collection: Collection, target: Target, opened: SearchableGeneration | None = None
    ) -> Live:
        """Verified and warm; takes as long as it takes to read all of its files.

        `opened` is taken instead where it is of that generation. Raises what opening the checkpoint
        or the generation raises.
        """
        if target.generation is None:
            return Live(collection, self._encoders.get(str(target.checkpoint)), None)
        hold = hold_reading(self._generations.path(target.generation))
        manifest = self._generations.read(target.generation)
        encoder = self._encoders.get(manifest.checkpoint)
        leg = lexical_leg(self._lexical, collection.id, revision=manifest.revision)
        if opened is None or opened.manifest.id != target.generation:
            liveness = self._catalog.documents.liveness(collection)
            opened = open_snapshot(self._generations, manifest, liveness)
        (vector,) = encoder.embed_documents(["warm-up"])
        live = _dated(Live(collection, encoder, opened, hold, leg=leg))
        opened.search(vector, k=1)
        return live

    def followed(
        self, live: Live, collection: Collection, opened: SearchableGeneration | None = None
    ) -> Live:
        """The same pair as it now is on disk and in the catalog; verifies new segments alone.

        Begins with `opened`, where that is the same generation and newer.
        """
        if live.snapshot is None:
            return replace(live, collection=collection)
        manifest = self._generations.read(live.snapshot.manifest.id)
        leg = lexical_leg(self._lexical, collection.id, revision=manifest.revision, former=live.leg)
        snapshot = self._moved(_later(live.snapshot, opened), manifest, collection)
        return _dated(replace(live, collection=collection, snapshot=snapshot, leg=leg))

    def kept(self, live: Live, collection: Collection) -> Live:
        """The same pair without what was deleted since; nothing on disk is looked at."""
        if live.collection.expiry_field != collection.expiry_field:
            expiring = replace(live.collection, expiry_field=collection.expiry_field)
            live = _dated(replace(live, collection=expiring))
        former = live.snapshot
        if former is None or former.revision >= collection.revision:
            return live
        return replace(live, snapshot=self._moved(former, former.manifest, collection))

    def manifests(self, target: Target) -> Files:
        """The files that change whenever the generation does, or the lexical index beside it."""
        generation = f"{self._generations.root}/{target.generation}/{GENERATION_MANIFEST}"
        lexical = f"{self._lexical.root}/{target.collection}/{LEXICAL_MANIFEST}"
        return file_at(generation) + file_at(lexical)

    def files(self, target: Target) -> Files:
        """All files that the pair is opened from."""
        if target.generation is None:
            return self._encoders.files(str(target.checkpoint))
        checkpoint = self._generations.claimed_checkpoint(target.generation)
        own = files_under(self._generations.root / target.generation)
        return own + (self._encoders.files(checkpoint) if checkpoint else ())

    def _moved(
        self, snapshot: SearchableGeneration, manifest: GenerationManifest, collection: Collection
    ) -> SearchableGeneration:
        delta = self._catalog.documents.liveness(collection, after=snapshot.revision)
        return snapshot.refreshed(manifest, delta)


def _dated(live: Live) -> Live:
    """The same, once it has read the dates by which documents expire, so that no search has to."""
    live.at(wall_clock)
    return live


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
