"""Merging: which segments of a generation become one, and what is in it.

Tiered, as in Lucene: segments of about one size are merged `FAN` at a time, so every row is
rewritten a logarithmic number of times. Dead rows are left behind. Writes nothing.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from molt.index.segments.attributes import Attributes, merged_attributes
from molt.index.segments.exact import Rows, Vectors
from molt.index.segments.scope import Scope
from molt.index.segments.segment import ROW, Segment, SegmentContent

FAN = 8
SMALLEST_TIER = 1_000
MAX_ROWS = 200_000
MAX_DEAD = 0.5

_BLOCK = 4_096

MergePlan = Callable[[Sequence[Scope]], tuple[int, ...]]
"""Which segments are merged next, by their places; none where all is well."""


def plan_merge(scopes: Sequence[Scope]) -> tuple[int, ...]:
    """The places of the segments to merge next; empty where all is well.

    A segment that is mostly dead is rewritten alone. No merge makes more than `MAX_ROWS`, which
    bounds the time that building its graph takes.
    """
    for place, scope in enumerate(scopes):
        if scope.n_rows < (1 - MAX_DEAD) * len(scope.segment):
            return (place,)
    tiers: dict[int, list[int]] = {}
    for place in sorted(range(len(scopes)), key=lambda place: scopes[place].n_rows):
        tiers.setdefault(_tier(scopes[place].n_rows), []).append(place)
    for _, places in sorted(tiers.items()):
        chosen = _within_limit(places[:FAN], scopes)
        if len(places) >= FAN and len(chosen) > 1:
            return chosen
    return ()


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


def _within_limit(places: Sequence[int], scopes: Sequence[Scope]) -> tuple[int, ...]:
    total, chosen = 0, []
    for place in places:
        total += scopes[place].n_rows
        if total > MAX_ROWS:
            break
        chosen.append(place)
    return tuple(chosen)
