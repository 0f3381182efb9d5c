"""The writer: brings one generation up to what the catalog holds, a sealed segment at a time.

The only thing that changes a generation; one writer at a time, though `advance` and `merge_once`
may run in two threads. A segment is on disk before the manifest names it, and a segment that was
merged away is removed only after `RETIREMENT_SECONDS`, so that whoever has just read the former
manifest can still open it.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from shutil import rmtree

from molt.artifact import ArtifactError, FileLock, faultpoint
from molt.artifact.tracing import traced
from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.documents import StoredDocument
from molt.index.catalog.rows.liveness import Liveness
from molt.index.errors import GenerationError
from molt.index.generations.generation import GenerationManifest, GenerationStore, Quarantined
from molt.index.generations.occupancy import hold_writing
from molt.index.generations.protocols import Lead, nobody
from molt.index.generations.sealing import PassageEncoder, Sealed, sealed
from molt.index.generations.snapshot import Snapshot, open_snapshot
from molt.index.segments.merge import MergePlan, merged_content, plan_at_rest, plan_merge
from molt.index.segments.scope import Scope
from molt.index.segments.segment import (
    Segment,
    SegmentContent,
    SegmentEntry,
    open_segment,
    verify_segment,
    write_segment,
)

RETIREMENT_SECONDS = 60.0
MOST_QUARANTINED = 10_000
"""Where a checkpoint encodes so few documents, it is the checkpoint that is at fault."""


@dataclass(frozen=True)
class _Retired:
    segment_id: str
    since: float


class GenerationWriter:
    """Writes one generation of one collection: a `WritableGeneration`.

    Opening it removes what a crash left behind. Segments are merged as `plan` says, and where none
    is given more of them once no change is waiting: searches will meet what is left for long.
    Nobody else can open one on that generation until it is closed and its last merge has ended.
    Raises `GenerationBusyError` where somebody else has one open, after `patience` seconds.
    """

    def __init__(  # noqa: PLR0913  each by name
        self,
        store: GenerationStore,
        generation_id: str,
        *,
        catalog: Catalog,
        collection: Collection,
        encoder: PassageEncoder,
        patience: float = 0.0,
        plan: MergePlan | None = None,
    ) -> None:
        self._hold: FileLock | None = hold_writing(store.path(generation_id), patience=patience)
        self._store = store
        self._documents = catalog.documents
        self._collection = collection
        self._encoder = encoder
        self._plan = plan
        self._is_behind = False
        self._lock = threading.Lock()
        self._retired: list[_Retired] = []
        self._donated: tuple[Segment, ...] = ()
        store.sweep(generation_id)
        manifest = store.read(generation_id)
        self._snapshot = open_snapshot(store, manifest, self._documents.liveness(collection))

    @property
    def snapshot(self) -> Snapshot:
        """The generation as it was last written."""
        return self._snapshot

    @property
    def behind(self) -> int:
        """How many changes the catalog holds that the generation does not, at most."""
        delta = self._documents.liveness(self._collection, after=self._snapshot.revision)
        return delta.revision - self._snapshot.manifest.revision

    def close(self) -> None:
        """Let others write this generation, once a merge at work has ended."""
        self._hold = None

    def borrow_from(self, generation_id: str) -> None:
        """Take vectors of unchanged texts from another generation of the same checkpoint.

        Raises `GenerationError` for one of another checkpoint, and as opening it does.
        """
        manifest = self._store.read(generation_id)
        own = self._snapshot.manifest
        if manifest.checkpoint != own.checkpoint:
            raise GenerationError(
                f"generation {generation_id} was made by checkpoint {manifest.checkpoint}, "
                f"{own.id} is made by {own.checkpoint}; its vectors cannot be reused"
            )
        folder = self._store.segments_path(generation_id)
        self._donated += tuple(
            open_segment(folder / entry.id, entry, dimension=manifest.dimension)
            for entry in manifest.segments
        )

    def advance(self, limit: int, *, lead: Lead = nobody) -> bool:
        """Seal up to `limit` changed documents; False if there was nothing to do.

        `lead` is called with the revision that is reached, once vectors are written and before they
        are published. The manifest's revision follows the catalog's even where only deletes
        happened. A document that cannot be encoded is named in it instead of having a row. Raises
        `GenerationError` after `close`, and where more than `MOST_QUARANTINED` documents would be
        set aside.
        """
        manifest = self._snapshot.manifest
        if self._hold is None:
            raise GenerationError(
                f"the writer of generation {manifest.id} was closed; open another"
            )
        delta = self._documents.liveness(self._collection, after=self._snapshot.revision)
        if delta.revision <= manifest.revision:
            self._is_behind = False
            return False
        changed = self._documents.changed(self._collection, after=manifest.revision, limit=limit)
        self._is_behind = not changed.are_all
        revision = changed.reached(after=manifest.revision, newest=delta.revision)
        documents = changed.documents
        with traced("index.seal", collection=self._collection.name, documents=len(documents)):
            self._seal_up_to(revision, documents, delta, lead=lead)
        return True

    def _seal_up_to(
        self, revision: int, changed: Sequence[StoredDocument], delta: Liveness, *, lead: Lead
    ) -> None:
        made = self._seal(changed) if changed else Sealed(None)
        former = self._snapshot.manifest.quarantined
        quarantined = _moved(former, changed, delta, made.quarantined)
        written = (self._write(made.content),) if made.content else ()
        with self._discarded_unless_done(written):
            lead(revision)
        self._commit(
            lambda now: replace(
                now,
                revision=revision,
                segments=now.segments + written,
                quarantined=quarantined,
            ),
            written=written,
        )

    def merge_once(self) -> bool:
        """Merge the segments whose turn it is; False if there is nothing to merge.

        Large merges build a graph, which takes minutes; `advance` may go on meanwhile. Raises
        `CorruptFileError` for a segment that was damaged since it was opened: what is merged has
        new checksums, which would vouch for it.
        """
        hold = self._hold  # kept until the merge ends, whoever closes meanwhile
        if hold is None:
            return False
        self._remove_retired()
        scopes = self._snapshot.scopes
        plan = self._plan or (plan_merge if self._is_behind else plan_at_rest)
        chosen = [scopes[place] for place in plan(scopes)]
        if not chosen:
            return False
        with traced("index.merge", collection=self._collection.name, segments=len(chosen)):
            self._merge(chosen)
        return True

    def _merge(self, chosen: Sequence[Scope]) -> None:
        folder = self._store.segments_path(self._snapshot.manifest.id)
        for scope in chosen:
            verify_segment(folder / scope.segment.entry.id, scope.segment.entry)
        content = merged_content(chosen)
        merged = (self._write(content),) if content else ()
        faultpoint("merge.sealed")
        gone = {scope.segment.entry.id for scope in chosen}
        self._commit(
            lambda now: replace(
                now, segments=tuple(e for e in now.segments if e.id not in gone) + merged
            ),
            written=merged,
        )
        self._retired += [_Retired(segment_id, time.monotonic()) for segment_id in gone]

    def _commit(
        self,
        change: Callable[[GenerationManifest], GenerationManifest],
        *,
        written: Sequence[SegmentEntry],
    ) -> None:
        """Open what will be published, and only then publish it; else remove what was `written`."""
        with self._lock, self._discarded_unless_done(written), traced("index.commit"):
            manifest = change(self._snapshot.manifest)
            delta = self._documents.liveness(self._collection, after=self._snapshot.revision)
            snapshot = self._snapshot.refreshed(manifest, delta)
            self._store.publish(manifest)
            self._snapshot = snapshot

    @contextmanager
    def _discarded_unless_done(self, written: Sequence[SegmentEntry]) -> Iterator[None]:
        """Remove segments where what is to be done with them fails."""
        try:
            yield
        except BaseException:
            self._discard(written)
            raise

    def _discard(self, written: Sequence[SegmentEntry]) -> None:
        """Remove segments unless the manifest on disk names them: a late flush may have failed."""
        generation_id = self._snapshot.manifest.id
        with suppress(ArtifactError, GenerationError, OSError):
            named = {entry.id for entry in self._store.read(generation_id).segments}
            for entry in written:
                if entry.id not in named:
                    rmtree(self._store.segments_path(generation_id) / entry.id)

    def _seal(self, changed: Sequence[StoredDocument]) -> Sealed:
        snapshot = self._snapshot
        known = (*(scope.segment for scope in snapshot.scopes), *self._donated)
        return sealed(changed, self._encoder, dimension=snapshot.manifest.dimension, known=known)

    def _write(self, content: SegmentContent) -> SegmentEntry:
        folder = self._store.segments_path(self._snapshot.manifest.id)
        with traced("index.write", rows=len(content.rows)):
            entry = write_segment(folder, content)
        faultpoint("segment.sealed")
        return entry

    def _remove_retired(self) -> None:
        due = time.monotonic() - RETIREMENT_SECONDS
        folder = self._store.segments_path(self._snapshot.manifest.id)
        for retired in [one for one in self._retired if one.since <= due]:
            rmtree(folder / retired.segment_id)
            self._retired.remove(retired)


def _moved(
    former: Sequence[Quarantined],
    changed: Sequence[StoredDocument],
    delta: Liveness,
    refused: Sequence[Quarantined],
) -> tuple[Quarantined, ...]:
    """Who is in quarantine after these changes: neither deleted documents nor former texts."""
    gone = {*delta.deleted.tolist(), *(stored.ordinal for stored in changed)}
    now = (*(one for one in former if one.ordinal not in gone), *refused)
    if len(now) > MOST_QUARANTINED:
        raise GenerationError(
            f"more than {MOST_QUARANTINED:,} documents cannot be encoded, the last of them "
            f"because: {now[-1].reason}; serve the collection by another checkpoint"
        )
    return now
