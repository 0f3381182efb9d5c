"""Merging: which segments of a generation become one, and what is in it.

Segments too small for a graph are tiered, as in Lucene: those of about one size are merged `FAN` at
a time, so every row is rewritten a logarithmic number of times. What they hold together is folded
into the largest segment with a graph, which grows: that is written anew, but no node of it is. How
much has to wait for that depends on whether documents are still coming. Dead rows are left behind.
Writes nothing.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from molt.index.segments.ann import MIN_ROWS, Seed
from molt.index.segments.attributes import Attributes, merged_attributes
from molt.index.segments.exact import Rows, Vectors
from molt.index.segments.scope import Scope
from molt.index.segments.segment import ROW, Segment, SegmentContent

FAN = 8
SMALLEST_TIER = 1_000
MAX_ROWS = 1_000_000
"""Of a segment; with 384 dimensions, growing its graph takes 0.7 GB of memory."""
MAX_ADDED = 131_072
"""Rows that one merge puts into a graph, more than one segment at least: minutes of one core."""
MAX_DEAD = 0.5

_BLOCK = 4_096

MergePlan = Callable[[Sequence[Scope]], tuple[int, ...]]
"""Which segments are merged next, by their places; none where all is well."""


@dataclass(frozen=True)
class _Patience:
    """Rows without a graph are folded into one of `n` rows when they are `share` of it.

    And when they are `most`, but for fewer than `least`.
    """

    share: float
    least: int
    most: int

    def is_over(self, waiting: int, *, n: int) -> bool:
        return waiting >= max(self.least, min(self.most, self.share * n))


_COMING = _Patience(share=0.5, least=SMALLEST_TIER, most=65_536)
_AT_REST = _Patience(share=1 / 32, least=SMALLEST_TIER, most=65_536)


def plan_merge(scopes: Sequence[Scope]) -> tuple[int, ...]:
    """The places of the segments to merge next while documents are coming; empty where all is well.

    A segment that is mostly dead is rewritten alone. No merge makes more than `MAX_ROWS`.
    """
    return _plan(scopes, _COMING)


def plan_at_rest(scopes: Sequence[Scope]) -> tuple[int, ...]:
    """As `plan_merge`, once all documents are there: what is written anew is searched for long."""
    return _plan(scopes, _AT_REST)


def _plan(scopes: Sequence[Scope], patience: _Patience) -> tuple[int, ...]:
    for place, scope in enumerate(scopes):
        if scope.n_rows < (1 - MAX_DEAD) * len(scope.segment):
            return (place,)
    by_size = sorted(range(len(scopes)), key=lambda place: scopes[place].n_rows)
    if chosen := _plan_fold(by_size, scopes, patience):
        return chosen
    tiers: dict[int, list[int]] = {}
    for place in by_size:
        tiers.setdefault(_tier(scopes[place].n_rows), []).append(place)
    for _, places in sorted(tiers.items()):
        chosen = _within_limit(places[:FAN], scopes, limit=MIN_ROWS - 1)
        if len(places) >= FAN and len(chosen) > 1:
            return chosen
    return ()


def _plan_fold(
    by_size: Sequence[int], scopes: Sequence[Scope], patience: _Patience
) -> tuple[int, ...]:
    """The smallest segments and the largest one that has room for them.

    Where none has, all without a graph: one that was made beside another would be made twice.
    """
    for at in range(len(by_size) - 1, 0, -1):
        base = scopes[by_size[at]].n_rows
        if base < MIN_ROWS:
            break
        added = _within_limit(by_size[:at], scopes, limit=MAX_ROWS - base, enough=MAX_ADDED)
        if patience.is_over(_n_rows(added, scopes), n=base):
            return (by_size[at], *added)
        if base + patience.most <= MAX_ROWS:
            return ()
    small = [place for place in by_size if scopes[place].n_rows < MIN_ROWS]
    chosen = _within_limit(small, scopes, limit=MAX_ROWS, enough=MAX_ADDED)
    return chosen if len(chosen) > 1 and _n_rows(chosen, scopes) >= MIN_ROWS else ()


def plan_compaction(scopes: Sequence[Scope]) -> tuple[int, ...]:
    """As `plan_merge`, until no two segments fit into one of `MAX_ROWS` and no row is dead."""
    by_size = sorted(range(len(scopes)), key=lambda place: scopes[place].n_rows)
    chosen = _within_limit(by_size, scopes)
    if len(chosen) > 1:
        return chosen
    dead = (place for place in by_size if scopes[place].n_rows < len(scopes[place].segment))
    return tuple(islice(dead, 1))


def merged_content(scopes: Sequence[Scope]) -> SegmentContent | None:
    """The rows of several scopes as one segment; None where there are none."""
    segments = [scope.segment for scope in scopes]
    sources = [scope.rows for scope in scopes]
    segment = np.repeat(np.arange(len(scopes)), [len(rows) for rows in sources])
    row = np.concatenate(sources)
    if not len(row):
        return None
    ordinals = [one.ordinals[rows] for one, rows in zip(segments, sources, strict=True)]
    order = np.lexsort((row, np.concatenate(ordinals)))
    origin = _Origin(segments, segment[order], row[order])
    return SegmentContent(
        rows=origin.rows(),
        blocks=origin.blocks(),
        dimension=segments[0].vectors.shape[1],
        attributes=merged_attributes(origin.attributes()),
        seed=origin.seed(),
    )


@dataclass(frozen=True)
class _Origin:
    """Where each row of a merged segment comes from: its segment's place, and its row there."""

    segments: Sequence[Segment]
    segment: Rows
    row: Rows

    def rows(self) -> npt.NDArray[np.void]:
        rows = np.empty(len(self.row), ROW)
        for own, segment in self._parts():
            rows[own] = segment.rows[self.row[own]]
        return rows

    def attributes(self) -> Iterator[tuple[Attributes, Rows]]:
        for own, segment in self._parts():
            moved = np.full(len(segment), -1, np.int64)
            moved[self.row[own]] = own
            yield segment.attributes, moved

    def blocks(self) -> Iterator[Vectors]:
        """The vectors in their new order, a block at a time."""
        for start in range(0, len(self.row), _BLOCK):
            part = slice(start, start + _BLOCK)
            yield _Origin(self.segments, self.segment[part], self.row[part]).vectors()

    def seed(self) -> Seed | None:
        """What the graph is to grow from: that of the segment that most rows come from."""
        counts = np.bincount(self.segment, minlength=len(self.segments))
        most = int(counts.argmax())
        graph, places = self.segments[most].graph, np.flatnonzero(self.segment == most)
        if graph is None:
            return None
        return graph.seed(self.row[places], places=places, n_rows=len(self.row))

    def vectors(self) -> Vectors:
        vectors = np.empty((len(self.row), self.segments[0].vectors.shape[1]), np.float32)
        for own, segment in self._parts():
            vectors[own] = segment.vectors[self.row[own]]
        return vectors

    def _parts(self) -> Iterator[tuple[Rows, Segment]]:
        for place in np.unique(self.segment):
            yield np.flatnonzero(self.segment == place), self.segments[place]


def _tier(n_rows: int) -> int:
    return 0 if n_rows < SMALLEST_TIER else 1 + int(math.log(n_rows / SMALLEST_TIER, FAN))


def _within_limit(
    places: Sequence[int], scopes: Sequence[Scope], *, limit: int = MAX_ROWS, enough: int = MAX_ROWS
) -> tuple[int, ...]:
    """The first places that together have `limit` rows at most; none after `enough` of them."""
    total = 0
    chosen: list[int] = []
    for place in places:
        total += scopes[place].n_rows
        if total > limit or (chosen and total > enough):
            break
        chosen.append(place)
    return tuple(chosen)


def _n_rows(places: Sequence[int], scopes: Sequence[Scope]) -> int:
    return sum(scopes[place].n_rows for place in places)
