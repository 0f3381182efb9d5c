"""What a generation can do, whatever keeps its vectors: be searched, and be written.

The seam for another vector store. Ours are `Snapshot` and `GenerationWriter`; what is promised here
beyond the types is held to by `tests/contract`, for a store in memory too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from molt.index.catalog.rows.liveness import Liveness
from molt.index.generations.generation import GenerationManifest
from molt.index.segments.exact import Mask, Rows, Vectors
from molt.index.segments.field_kinds import FieldKinds
from molt.index.segments.filters.clauses import Filter
from molt.index.segments.hits import RowHit
from molt.index.segments.kind_counts import FieldCount
from molt.index.segments.matches.facets import Facet, FacetCounts
from molt.index.segments.matches.order import GivenScores
from molt.index.segments.matches.paging import OrderedPage, PageQuery
from molt.index.segments.scalar import ScalarKind

Lead = Callable[[int], object]
"""Brings to a revision what may not stay behind a generation."""


def nobody(revision: int) -> None:
    """For a generation that nothing has to be ahead of."""
    del revision


@dataclass(frozen=True)
class Found:
    """The best documents, and how many there are in all.

    `total` counts the live documents that match the filter; where a least score was asked for,
    only those that reach it. Where `exact` is false it is a lower bound. `warnings` say what the
    filter could not compare. `approximate` where not all documents were compared with the query.
    """

    hits: list[RowHit]
    total: int
    exact: bool
    warnings: tuple[str, ...] = ()
    approximate: bool = False


class Match(Protocol):
    """All documents that a search matches, whatever part of them it shows."""

    @property
    def total(self) -> int:
        """How many there are."""
        ...

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the filter could not compare."""
        ...

    def count(self, facets: Sequence[Facet]) -> FacetCounts:
        """The counts of each facet.

        Raises `UnknownFieldError` for a field that no document of the generation has, and
        `FacetError` for one whose values cannot be counted so.
        """
        ...

    def scores(self, query: Vectors) -> GivenScores:
        """What each of the documents scores for `query` `(dim,) float32`, by its best passage."""
        ...

    def among(self, ordinals: Rows) -> Self:
        """Those of the documents that are at `ordinals`, `(n,) int64` ascending."""
        ...

    def page(self, query: Vectors | None, wanted: PageQuery) -> OrderedPage:
        """Some of the documents in an order; `query` `(dim,) float32` is what they are scored by.

        It also tells the best passage of each. Without one, which only `wanted.scores` can stand
        for, that is the first. Raises `UnknownFieldError` for a field that nobody has, `SortError`
        and `GroupError` for one that has no values to go by.
        """
        ...


@dataclass(frozen=True)
class Standing:
    """Of documents that were asked for, which are visible: `shown` `(n,)`.

    The first passage of each is from its `starts` up to its `ends`, `(n,) int64` both.
    """

    shown: Mask
    starts: Rows
    ends: Rows


class VisibleDocuments(Protocol):
    """The documents that one search may return: those that live, and that its filter keeps."""

    @property
    def n_documents(self) -> int:
        """How many there are."""
        ...

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the filter could not compare."""
        ...

    def ordinals(self) -> Rows:
        """All of them, `(n,) int64`, ascending."""
        ...

    def find(self, ordinals: Rows) -> Standing:
        """Which of `ordinals` `(n,)`, each of which is there once, are visible."""
        ...


class SearchableGeneration(Protocol):
    """A generation as the catalog stood at one revision. Never changes: later ones are others.

    A document is found by its newest text that is indexed, unless it was deleted. One that was
    changed since answers by its former text until the generation has reached the change.
    """

    @property
    def manifest(self) -> GenerationManifest:
        """Which generation this is, and up to which revision it is complete."""
        ...

    @property
    def revision(self) -> int:
        """The catalog revision whose deletions and changes it reflects, at least the manifest's."""
        ...

    @property
    def n_documents(self) -> int:
        """How many live documents can be found."""
        ...

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

        Only those at the ordinals `among`, `(n,) int64` ascending, where these are given. Of equal
        scores the lower ordinal comes first, whatever `k` is. Raises `VectorError` for a query that
        cannot be compared, `UnknownFieldError` for a filter on a field that no document has and
        `FilterError` for an impossible range.
        """
        ...

    def visible(self, where: Filter | None = None) -> VisibleDocuments:
        """What `search` would choose from, whatever the query. Raises as that for a filter."""
        ...

    def vectors_of(self, ordinals: Sequence[int]) -> Mapping[int, Vectors]:
        """By ordinal the vectors `(passages, dim) float32` of those documents that can be found.

        They are L2-normalised, a document's by rising passage; what cannot be found has none.
        """
        ...

    def values_of(
        self, field: str, kind: ScalarKind, ordinals: Rows
    ) -> npt.NDArray[np.float64] | None:
        """The greatest number, or the latest date, of documents in a field of their metadata.

        `ordinals` are `(n,) int64`; the values `(n,)` are NaN where a document has none, dates are
        in microseconds since 1970. None where no document has one.
        """
        ...

    def match(
        self,
        *,
        where: Filter | None = None,
        query: Vectors | None = None,
        min_score: float | None = None,
        among: Rows | None = None,
    ) -> Match:
        """All live documents that `where` keeps, and that reach `min_score` where one is asked for.

        `query` is then the vector that they are compared with, each of them. Only those at the
        ordinals `among`, as for `search`. Raises as that does.
        """
        ...

    def field_kinds(self, where: Filter) -> FieldKinds:
        """The kinds of the values that the fields named by `where` have here."""
        ...

    def count_fields(self) -> Sequence[FieldCount]:
        """In how many live documents each field has values of which kinds, by field.

        Of very many fields only the largest are counted.
        """
        ...

    def without_expired(self, field: str, now: int) -> Self:
        """The same without documents that have a date up to `now` in `field` of their metadata.

        `now` is in microseconds since 1970. For searching; `refreshed` is asked of what it is of.
        """
        ...

    def refreshed(self, manifest: GenerationManifest, delta: Liveness) -> Self:
        """The same generation later: `delta` is every change since `revision`, or more.

        It was read after the manifest. Raises `GenerationError` for another generation's manifest
        and `GenerationAheadError` for one that is beyond the catalog.
        """
        ...


class WritableGeneration(Protocol):
    """The one writer of a generation, which brings it up to what the catalog holds.

    `advance` and `merge_once` may run in two threads.
    """

    @property
    def snapshot(self) -> SearchableGeneration:
        """The generation as it was last written."""
        ...

    @property
    def behind(self) -> int:
        """How many changes the catalog holds that the generation does not, at most."""
        ...

    def advance(self, limit: int, *, lead: Lead = nobody) -> bool:
        """Index up to `limit` changed documents, the oldest changes first; False if none were left.

        `lead` is called with the revision that is reached, before that is published.

        No text is encoded that the generation has a vector of. What was written is durable, and is
        published by the manifest. A document that cannot be encoded although others can keeps no
        other out: the manifest names it in `quarantined`, until it is changed or deleted. Raises
        `GenerationError` after `close`.
        """
        ...

    def merge_once(self) -> bool:
        """Tidy up for a while, which changes no answer; False if there is nothing to tidy up."""
        ...

    def borrow_from(self, generation_id: str) -> None:
        """Take vectors of unchanged texts from another generation of the same checkpoint.

        Raises `GenerationError` for one of another checkpoint, and as opening it does.
        """
        ...

    def close(self) -> None:
        """Let others write this generation; once closed, it stays so."""
        ...
