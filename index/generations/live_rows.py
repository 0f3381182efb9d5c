"""Live rows: which rows of a generation's segments may answer, moved by what changed.

A row is live if its document is, if no row of that document is newer, and if it is the catalog's
revision of it or that one comes after what the generation has reached: then the newer text is not
indexed yet, and the older row keeps answering. Within one segment, all rows of a document have one
revision.

What a move costs depends on what changed, and not on how many rows there are: scopes of which no
row came to life or died are shared, and so are pages of the ledger.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import is_

import numpy as np

from molt.index.catalog.rows.liveness import Liveness
from molt.index.generations.ledger import Ledger, new_ledger
from molt.index.segments.exact import NOTHING, Mask, Rows
from molt.index.segments.scope import Scope, no_rows
from molt.index.segments.segment import Segment
from molt.index.segments.spans import Spans, find_spans


@dataclass(frozen=True)
class LiveRows:
    """`scopes` holds the live rows of each segment, as `ledger` has it at `indexed_revision`."""

    scopes: tuple[Scope, ...]
    ledger: Ledger
    indexed_revision: int

    def moved(
        self, segments: Sequence[Segment], delta: Liveness, *, indexed_revision: int
    ) -> "LiveRows":
        """The live rows of `segments` after `delta`, every change since the ledger's revision.

        `indexed_revision` is the one that the generation has reached by then.
        """
        ledger = self.ledger.moved(delta)
        if indexed_revision < self.indexed_revision:
            ledger = ledger.put_back()
            reached = ledger.waiting[0]
        else:
            reached = ledger.due(indexed_revision)
        return LiveRows(
            _scopes(
                self.scopes,
                segments,
                changed=np.concatenate([delta.ordinals, delta.deleted, reached]),
                ledger=ledger,
                indexed_revision=indexed_revision,
            ),
            ledger.indexed(indexed_revision),
            indexed_revision,
        )

    def without_expired(self, field: str, now: int) -> "LiveRows":
        """Those of documents without a date up to `now` in `field`; they may be these."""
        scopes = tuple(scope.without_expired(field, now) for scope in self.scopes)
        if all(map(is_, scopes, self.scopes)):
            return self
        return replace(self, scopes=scopes)


def live_rows(
    segments: Sequence[Segment], liveness: Liveness, *, indexed_revision: int
) -> LiveRows:
    """The live rows of a generation's `segments`; `liveness` is the full one."""
    ledger = new_ledger(liveness)
    scopes = _scopes(
        (), segments, changed=NOTHING.rows, ledger=ledger, indexed_revision=indexed_revision
    )
    return LiveRows(scopes, ledger.indexed(indexed_revision), indexed_revision)


def _scopes(
    former: Sequence[Scope],
    segments: Sequence[Segment],
    *,
    changed: Rows,
    ledger: Ledger,
    indexed_revision: int,
) -> tuple[Scope, ...]:
    """The scopes of `segments`; documents move that `changed` or lie in an exchanged segment."""
    scopes = {scope.segment.entry.id: scope for scope in former}
    ordinals = np.unique(
        np.concatenate([changed, *(one.ordinals for one in _exchanged(former, segments))])
    )
    spans = [find_spans(segment.ordinals, ordinals) for segment in segments]
    revisions = [
        segment.rows["revision"][found.starts]
        for segment, found in zip(segments, spans, strict=True)
    ]
    live = _live(ordinals, spans, revisions, ledger=ledger, indexed_revision=indexed_revision)
    return tuple(
        (scopes.get(segment.entry.id) or no_rows(segment)).moved(found, answering)
        for segment, found, answering in zip(segments, spans, live, strict=True)
    )


def _exchanged(former: Sequence[Scope], segments: Sequence[Segment]) -> list[Segment]:
    """The segments that came, and those that went."""
    before = {scope.segment.entry.id: scope.segment for scope in former}
    after = {segment.entry.id: segment for segment in segments}
    either = before | after
    return [either[name] for name in before.keys() ^ after.keys()]


def _live(
    ordinals: Rows,
    spans: Sequence[Spans],
    revisions: Sequence[Rows],
    *,
    ledger: Ledger,
    indexed_revision: int,
) -> list[Mask]:
    """For each segment, which of its documents among `ordinals` answer from there."""
    newest = np.full(len(ordinals), -1, np.int64)
    for found, here in zip(spans, revisions, strict=True):
        newest[found.places] = np.maximum(newest[found.places], here)
    catalog = ledger.revisions_of(ordinals)
    answering = np.where((catalog == newest) | (catalog > indexed_revision), newest, -1)
    return [answering[found.places] == here for found, here in zip(spans, revisions, strict=True)]
