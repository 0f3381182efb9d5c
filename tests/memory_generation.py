"""A store of generations in memory that compares a query with everything: the reference.

The second implementation of both protocols of a generation. It knows no segments, no files and no
deltas: each state of a generation is a dictionary of texts, and a search looks at all of it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from molt.index.catalog.catalog import Catalog
from molt.index.catalog.collection import Collection
from molt.index.catalog.document import passage_text
from molt.index.catalog.documents import StoredDocument
from molt.index.catalog.rows.liveness import Liveness
from molt.index.errors import (
    GenerationAheadError,
    GenerationBusyError,
    GenerationError,
    VectorError,
)
from molt.index.generations.generation import (
    GenerationManifest,
    Quarantined,
    new_generation_id,
)
from molt.index.generations.protocols import Found, Lead, Standing, nobody
from molt.index.generations.sealing import PassageEncoder
from molt.index.generations.sifting import sift
from molt.index.passages.cutting import Span
from molt.index.segments.attributes import attributes_of
from molt.index.segments.exact import Rows, Vectors
from molt.index.segments.field_kinds import FieldKinds, check_fields, field_kinds
from molt.index.segments.filters.clauses import Filter
from molt.index.segments.filters.matching import matching_rows
from molt.index.segments.flattening import flatten
from molt.index.segments.hits import RowHit
from molt.index.segments.kind_counts import FieldCount
from molt.index.segments.readings import read_date, read_number
from molt.index.segments.scalar import Scalar, ScalarKind
from molt.index.selection.expiring import has_expired
from tests.memory_matches import Matching, MemoryMatch


@dataclass(frozen=True)
class Indexed:
    """A document as it was indexed: its id, its revision, a vector for each of its passages."""

    id: str
    revision: int
    metadata: Mapping[str, Any]
    spans: Sequence[Span]
    vectors: Vectors


State = Mapping[int, Indexed]
"""The newest indexed text of each document, by ordinal."""


@dataclass
class MemoryStore:
    """Generations by id: the manifest, each state by its revision, vectors by text, who writes."""

    manifests: dict[str, GenerationManifest] = field(default_factory=dict)
    states: dict[str, dict[int, State]] = field(default_factory=dict)
    vectors: dict[str, dict[str, Vectors]] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)

    def create(self, *, collection: int, checkpoint: str, dimension: int) -> str:
        """An empty generation; its id."""
        made = new_generation_id()
        now = datetime.now(UTC)
        self.manifests[made] = GenerationManifest(made, collection, checkpoint, dimension, now)
        self.states[made], self.vectors[made] = {0: {}}, {}
        return made

    def open(self, generation_id: str, liveness: Liveness) -> "MemorySnapshot":
        """The generation as it was last written; `liveness` is the full one."""
        manifest = self.manifests[generation_id]
        return MemorySnapshot(self, manifest, {}, liveness.revision).refreshed(manifest, liveness)


@dataclass(frozen=True)
class MemorySnapshot:
    """A `SearchableGeneration`; `catalog` holds the revision of every live document."""

    store: MemoryStore
    manifest: GenerationManifest
    catalog: Mapping[int, int]
    revision: int
    expiry: tuple[str, int] | None = None

    @property
    def live(self) -> State:
        """The documents that may answer."""
        state = self.store.states[self.manifest.id][self.manifest.revision]
        return {
            ordinal: one
            for ordinal, one in sorted(state.items())
            if (
                (known := self.catalog.get(ordinal, -1)) == one.revision
                or known > self.manifest.revision
            )
            and not self._has_expired(one)
        }

    @property
    def n_documents(self) -> int:
        return len(self.live)

    def search(
        self,
        query: Vectors,
        *,
        k: int,
        where: Filter | None = None,
        min_score: float | None = None,
        among: Rows | None = None,
    ) -> Found:
        if query.shape != (self.manifest.dimension,) or not np.isfinite(query).all():
            raise VectorError("the query's vector cannot be compared")
        kept = _matching(self.live, where).items()
        hits = [_hit(o, one, query) for o, one in kept if among is None or o in among]
        if min_score is not None:
            hits = [hit for hit in hits if hit.score >= np.float32(min_score)]
        hits.sort(key=lambda hit: (-hit.score, hit.ordinal))
        return Found(hits[:k], len(hits), exact=True)

    def vectors_of(self, ordinals: Sequence[int]) -> dict[int, Vectors]:
        live = self.live
        return {ordinal: live[ordinal].vectors for ordinal in ordinals if ordinal in live}

    def values_of(
        self, field: str, kind: ScalarKind, ordinals: Rows
    ) -> npt.NDArray[np.float64] | None:
        live = self.live
        found = {ordinal: _values(one.metadata, field, kind) for ordinal, one in live.items()}
        if not any(found.values()):
            return None
        greatest = (max(found.get(int(one), ()), default=np.nan) for one in ordinals)
        return np.array([*greatest], np.float64)

    def match(
        self,
        *,
        where: Filter | None = None,
        query: Vectors | None = None,
        min_score: float | None = None,
        among: Rows | None = None,
    ) -> MemoryMatch:
        found = [
            Matching(ordinal, one.id, one.metadata, partial(_hit, ordinal, one))
            for ordinal, one in _matching(self.live, where).items()
            if among is None or ordinal in among
        ]
        if query is not None and min_score is not None:
            found = [one for one in found if one.find(query).score >= np.float32(min_score)]
        return MemoryMatch(found, [one.metadata for one in self.live.values()])

    def visible(self, where: Filter | None = None) -> "MemoryVisible":
        return MemoryVisible(_matching(self.live, where))

    def field_kinds(self, where: Filter) -> FieldKinds:
        return field_kinds(where, attributes_of([one.metadata for one in self.live.values()]))

    def count_fields(self) -> Sequence[FieldCount]:
        counts: dict[str, Counter[ScalarKind]] = {}
        for one in self.live.values():
            kinds = {(line.field, _counted_kind(line.scalar)) for line in flatten(one.metadata)}
            for name, kind in kinds:
                counts.setdefault(name, Counter())[kind] += 1
        return [FieldCount(name, dict(sorted(c.items()))) for name, c in sorted(counts.items())]

    def without_expired(self, field: str, now: int) -> "MemorySnapshot":
        return replace(self, expiry=(field, now))

    def _has_expired(self, one: Indexed) -> bool:
        if self.expiry is None:
            return False
        field, now = self.expiry
        return has_expired(one.metadata, field=field, now=now)

    def refreshed(self, manifest: GenerationManifest, delta: Liveness) -> "MemorySnapshot":
        if manifest.id != self.manifest.id:
            raise GenerationError(f"{self.manifest.id} cannot become {manifest.id}")
        if delta.revision < manifest.revision:
            raise GenerationAheadError(f"{manifest.id} is ahead of the catalog")
        changed = zip(delta.ordinals.tolist(), delta.revisions.tolist(), strict=True)
        catalog = {**self.catalog, **dict.fromkeys(delta.deleted.tolist(), -1), **dict(changed)}
        return replace(self, manifest=manifest, catalog=catalog, revision=delta.revision)


@dataclass(frozen=True)
class MemoryVisible:
    """A `VisibleDocuments`."""

    state: State
    warnings: tuple[str, ...] = ()

    @property
    def n_documents(self) -> int:
        return len(self.state)

    def ordinals(self) -> Rows:
        return np.array(sorted(self.state), np.int64)

    def find(self, ordinals: Rows) -> Standing:
        found = [self.state.get(ordinal) for ordinal in ordinals.tolist()]
        spans = [one.spans[0] if one else Span(0, 0) for one in found]
        return Standing(
            np.array([one is not None for one in found], bool),
            np.array([span.start for span in spans], np.int64),
            np.array([span.end for span in spans], np.int64),
        )


class MemoryWriter:
    """A `WritableGeneration`."""

    def __init__(
        self,
        store: MemoryStore,
        generation_id: str,
        *,
        catalog: Catalog,
        collection: Collection,
        encoder: PassageEncoder,
    ) -> None:
        if generation_id in store.written:
            raise GenerationBusyError(f"generation {generation_id} is being written by another")
        store.written.add(generation_id)
        self._closed = False
        self._store, self._id, self._encoder = store, generation_id, encoder
        self._documents, self._collection = catalog.documents, collection
        self._snapshot = store.open(generation_id, self._documents.liveness(collection))

    @property
    def snapshot(self) -> MemorySnapshot:
        return self._snapshot

    @property
    def behind(self) -> int:
        return self._documents.liveness(self._collection).revision - self._manifest.revision

    def advance(self, limit: int, *, lead: Lead = nobody) -> bool:
        if self._closed:
            raise GenerationError(f"the writer of generation {self._id} was closed")
        now = self._documents.liveness(self._collection).revision
        reached = self._manifest.revision
        changes = self._documents.changed(self._collection, after=reached, limit=limit)
        changed = changes.documents
        if now == reached:
            return False
        indexed: dict[int, Indexed] = {}
        reasons = sift(
            len(changed),
            lambda places: indexed.update(
                {changed[at].ordinal: self._indexed(changed[at]) for at in places}
            ),
            prove=lambda: _checked(self._encoder.embed(["warm-up"])),
        )
        refused = [(changed[at], why) for at, why in sorted(reasons.items())]
        revision = changes.reached(after=reached, newest=now)
        alive = {*self._documents.liveness(self._collection).ordinals.tolist()}
        stay = alive - {stored.ordinal for stored in changed}
        quarantined = (
            *(one for one in self._manifest.quarantined if one.ordinal in stay),
            *(Quarantined(one.document.id, one.ordinal, one.revision, w) for one, w in refused),
        )
        lead(revision)
        self._publish({**self._store.states[self._id][reached], **indexed}, revision, quarantined)
        return True

    def merge_once(self) -> bool:
        state, live = self._store.states[self._id][self._manifest.revision], self._snapshot.live
        if self._closed or len(live) == len(state):
            return False
        self._publish(live, self._manifest.revision, self._manifest.quarantined)
        return True

    def borrow_from(self, generation_id: str) -> None:
        if self._store.manifests[generation_id].checkpoint != self._manifest.checkpoint:
            raise GenerationError(f"the vectors of {generation_id} cannot be reused")
        self._store.vectors[self._id].update(self._store.vectors[generation_id])

    def close(self) -> None:
        if not self._closed:
            self._store.written.discard(self._id)
        self._closed = True

    @property
    def _manifest(self) -> GenerationManifest:
        return self._snapshot.manifest

    def _publish(self, state: State, revision: int, quarantined: tuple[Quarantined, ...]) -> None:
        self._store.states[self._id][revision] = state
        manifest = replace(self._manifest, revision=revision, quarantined=quarantined)
        self._store.manifests[self._id] = manifest
        liveness = self._documents.liveness(self._collection, after=self._snapshot.revision)
        self._snapshot = self._snapshot.refreshed(manifest, liveness)

    def _indexed(self, stored: StoredDocument) -> Indexed:
        document = stored.document
        spans = self._encoder.split(document)
        texts = [
            passage_text(title=document.title, text=document.text[one.start : one.end])
            for one in spans
        ]
        known = self._store.vectors[self._id]
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        if missing:
            known.update(zip(missing, _checked(self._encoder.embed(missing)), strict=True))
        vectors = np.stack([known[text] for text in texts])
        return Indexed(document.id, stored.revision, document.metadata, spans, vectors)


def _counted_kind(scalar: Scalar) -> ScalarKind:
    if isinstance(scalar.value, str) and read_number(scalar.value):
        return ScalarKind.NUMBER
    dated = isinstance(scalar.value, str) and read_date(scalar.value)
    return ScalarKind.DATE if dated else scalar.kind


def _checked(vectors: Vectors) -> Vectors:
    if not np.isfinite(vectors).all():
        raise VectorError("a vector holds a value that is not a finite number")
    return vectors


def _hit(ordinal: int, indexed: Indexed, query: Vectors | None) -> RowHit:
    if query is None:
        return RowHit(ordinal, 0, indexed.spans[0].start, indexed.spans[0].end, 0.0)
    scores = [one @ query for one in indexed.vectors]  # one by one, so that equal texts score alike
    passage = int(np.argmax(scores))
    span = indexed.spans[passage]
    return RowHit(ordinal, passage, span.start, span.end, float(scores[passage]))


def _matching(live: State, where: Filter | None) -> State:
    if where is None or not live:
        return live
    metadata = [one.metadata for one in live.values()]
    attributes = attributes_of(metadata, ids=[one.id for one in live.values()])
    check_fields(where, [attributes])
    kept = matching_rows(where, attributes, n_rows=len(live))
    return {o: one for (o, one), matches in zip(live.items(), kept, strict=True) if matches}


def _values(metadata: Mapping[str, Any], field: str, kind: ScalarKind) -> list[float]:
    """The numbers or the moments that a field has, whatever they are written as."""
    found: list[float] = []
    for scalar in (line.scalar for line in flatten(metadata) if line.field == field):
        text = str(scalar.value) if scalar.kind is ScalarKind.TEXT else ""
        number = scalar if scalar.kind is ScalarKind.NUMBER else read_number(text)
        if kind is ScalarKind.DATE and (date := read_date(text)):
            found.append(float(date.first))
        elif kind is ScalarKind.NUMBER and number is not None:
            found.append(float(number.value))
    return found
