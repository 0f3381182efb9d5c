"""A snapshot: one generation, opened, as the catalog stood at one revision. Never changes.

Knows which rows are live and searches them. To see later writes, take the `refreshed` one, which
shares whatever did not change. Read the manifest first and the liveness after it: a row may
answer only if the catalog's word on it is at least as new.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, reduce

import numpy as np
import numpy.typing as npt

from molt.index.catalog.rows.liveness import Liveness
from molt.index.errors import GenerationAheadError, GenerationError, VectorError
from molt.index.generations.generation import GenerationManifest, GenerationStore
from molt.index.generations.live_rows import LiveRows, live_rows
from molt.index.generations.protocols import Found
from molt.index.generations.visible import VisibleScopes
from molt.index.segments.exact import NOTHING, Rows, Vectors
from molt.index.segments.field_kinds import FieldKinds, fold_kinds
from molt.index.segments.filters.clauses import Filter
from molt.index.segments.hits import best_documents
from molt.index.segments.kind_counts import FieldCount, count_fields, kind_warnings
from molt.index.segments.matches.match import SegmentMatch
from molt.index.segments.scalar import ScalarKind
from molt.index.segments.scope import Scope
from molt.index.segments.segment import Segment, open_segment

_MATCHES = 8
"""Each takes a byte for every row, and what was counted of it."""


@dataclass(frozen=True)
class Snapshot:
    """An opened generation, and which of its rows are live: a `SearchableGeneration`."""

    store: GenerationStore
    manifest: GenerationManifest
    live: LiveRows

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The live rows of each segment."""
        return self.live.scopes

    @property
    def revision(self) -> int:
        """The catalog revision whose deletions and changes it reflects."""
        return self.live.ledger.revision

    @cached_property
    def n_documents(self) -> int:
        """How many live documents can be found."""
        return sum(scope.n_documents for scope in self.scopes)

    def search(
        self,
        query: Vectors,
        *,
        k: int,
        where: Filter | None = None,
        min_score: float | None = None,
        among: Rows | None = None,
    ) -> Found:
        """The `k` best documents for `query` `(dim,) float32`, by their best passage.

        Raises `VectorError` for a query that cannot be compared, `UnknownFieldError` for a filter
        on a field that no document has and `FilterError` for an impossible range.
        """
        query = _checked_query(query, dimension=self.manifest.dimension)
        chosen = self.visible(where)
        found = _found(_among(chosen.scopes, among), query, k=k, min_score=min_score)
        return replace(found, warnings=chosen.warnings) if chosen.warnings else found

    def visible(self, where: Filter | None = None) -> VisibleScopes:
        """What `search` would choose from, whatever the query. Raises as that for a filter."""
        match = self._matches(where)
        return VisibleScopes(match.scopes, match.warnings)

    def vectors_of(self, ordinals: Sequence[int]) -> dict[int, Vectors]:
        """By ordinal the vectors `(passages, dim) float32` of those documents that can be found."""
        found = ((one, scope.vectors_of(one)) for one in ordinals for scope in self._searched)
        return {ordinal: vectors for ordinal, vectors in found if len(vectors)}

    def values_of(
        self, field: str, kind: ScalarKind, ordinals: Rows
    ) -> npt.NDArray[np.float64] | None:
        """The greatest number, or the latest date, of documents in a field of their metadata.

        `ordinals` are `(n,) int64`; the values `(n,)` are NaN where a document has none, dates are
        in microseconds since 1970. None where no document has one.
        """
        parts = [
            part
            for scope in self._searched
            if (part := scope.values_of(field, kind, ordinals)) is not None
        ]
        return reduce(np.fmax, parts) if parts else None

    def match(
        self,
        *,
        where: Filter | None = None,
        query: Vectors | None = None,
        min_score: float | None = None,
        among: Rows | None = None,
    ) -> SegmentMatch:
        """All live documents that `where` keeps; those that reach `min_score`, where it is given.

        Raises as `search` does.
        """
        match = self._matches(where)
        if among is not None:
            match = match.among(among)
        if query is None or min_score is None:
            return match
        checked = _checked_query(query, dimension=self.manifest.dimension)
        return match.reaching(checked, min_score=min_score)

    def field_kinds(self, where: Filter) -> FieldKinds:
        """The kinds of the values that the fields named by `where` have here."""
        return fold_kinds(where, (scope.segment.attributes for scope in self._searched))

    def count_fields(self) -> Sequence[FieldCount]:
        """In how many documents each field has values of which kinds; for the largest fields."""
        return count_fields(self._searched)

    def refreshed(self, manifest: GenerationManifest, delta: Liveness) -> "Snapshot":
        """The same generation later: `delta` is every change since `self.revision`, or more.

        Raises `CorruptFileError` for a new segment that is damaged and `GenerationError` for
        another generation's manifest.
        """
        if manifest.id != self.manifest.id:
            raise GenerationError(
                f"a snapshot of {self.manifest.id} cannot become one of {manifest.id}; open that"
            )
        _check_not_ahead(manifest, delta)
        opened = {scope.segment.entry.id: scope.segment for scope in self.scopes}
        segments = _open_segments(self.store, manifest, opened)
        live = self.live.moved(segments, delta, indexed_revision=manifest.revision)
        return Snapshot(self.store, manifest, live)

    def without_expired(self, field: str, now: int) -> "Snapshot":
        """The same without documents that have a date up to `now` in `field`."""
        live = self.live.without_expired(field, now)
        return self if live is self.live else replace(self, live=live)

    @cached_property
    def _searched(self) -> tuple[Scope, ...]:
        return tuple(scope for scope in self.scopes if scope.n_rows)

    @cached_property
    def _matches(self) -> Callable[[Filter | None], SegmentMatch]:
        """What the last few filters keep: every stage of a search asks for that, and its pages do.

        Holds no snapshot, which would then live until garbage is collected.
        """
        searched = self._searched
        return lru_cache(_MATCHES)(lambda where: _match(searched, where))


def _match(searched: tuple[Scope, ...], where: Filter | None) -> SegmentMatch:
    """All documents of some scopes that a filter keeps."""
    everything = tuple(scope.segment.attributes for scope in searched)
    if where is None:
        return SegmentMatch(searched, everything)
    if searched:
        fold_kinds(where, everything).check(where)
    narrowed = (scope.narrowed(where) for scope in searched)
    kept = tuple(scope for scope in narrowed if scope.n_rows)
    return SegmentMatch(kept, everything, kind_warnings(where, searched))


def open_snapshot(
    store: GenerationStore, manifest: GenerationManifest, liveness: Liveness
) -> Snapshot:
    """Open a generation: every file is verified, the vectors are mapped.

    `liveness` is the full one, read after the manifest. Raises `CorruptFileError`, which names the
    file, and `GenerationAheadError` where the liveness is older than the manifest.
    """
    _check_not_ahead(manifest, liveness)
    segments = _open_segments(store, manifest, {})
    live = live_rows(segments, liveness, indexed_revision=manifest.revision)
    return Snapshot(store, manifest, live)


def _check_not_ahead(manifest: GenerationManifest, liveness: Liveness) -> None:
    if liveness.revision < manifest.revision:
        raise GenerationAheadError(
            f"generation {manifest.id} is at revision {manifest.revision}, and the catalog at "
            f"{liveness.revision}: it was put back to an earlier state"
        )


def _open_segments(
    store: GenerationStore, manifest: GenerationManifest, opened: Mapping[str, Segment]
) -> list[Segment]:
    folder = store.segments_path(manifest.id)
    return [
        opened.get(entry.id) or open_segment(folder / entry.id, entry, dimension=manifest.dimension)
        for entry in manifest.segments
    ]


def _among(scopes: Sequence[Scope], ordinals: Rows | None) -> tuple[Scope, ...]:
    if ordinals is None:
        return tuple(scopes)
    return tuple(kept for scope in scopes if (kept := scope.among(ordinals)).n_rows)


def _checked_query(query: Vectors, *, dimension: int) -> Vectors:
    if query.shape != (dimension,):
        raise VectorError(f"the index holds vectors ({dimension},), the query is {query.shape}")
    if not np.isfinite(query).all():
        raise VectorError("the query's vector holds a value that is not a finite number")
    return np.ascontiguousarray(query, dtype=np.float32)


def _found(scopes: Sequence[Scope], query: Vectors, *, k: int, min_score: float | None) -> Found:
    """The `k` best documents of some scopes."""
    hits = best_documents(scopes, query, k=k)
    compared = all(scope.is_exact(k=k) for scope in scopes)
    if min_score is None:
        total = sum(scope.n_documents for scope in scopes)
        return Found(hits, total, exact=True, approximate=not compared)
    least = float(np.float32(min_score))
    reaching = [hit for hit in hits if hit.score >= least]
    if not compared:
        return Found(reaching, len(reaching), exact=False, approximate=True)
    if len(reaching) < k:
        return Found(reaching, len(reaching), exact=True)
    return Found(reaching, _count_reaching(scopes, query, least), exact=True)


def _count_reaching(scopes: Sequence[Scope], query: Vectors, min_score: float) -> int:
    """How many documents have a passage that scores at least `min_score`."""
    reaching = [scope.reaching(query, min_score=min_score) for scope in scopes]
    return len(np.unique(np.concatenate([NOTHING.rows, *reaching])))
